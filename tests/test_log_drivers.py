"""Log drivers: files and their options, the daemon's defaults, clearing."""

import gzip
import os
import re
import subprocess

import pytest

from harness import wait, wire
from harness.logs import ended, files, log_config

pytestmark = pytest.mark.gantry_only("the files and texts are those of newer Dockers, or our own")


LINES = "i=0; while [ $i -lt {0} ]; do i=$((i+1)); echo line $i; done"


def numbers(out):
    return [int(line.split()[1]) for line in out.split(b"\n") if line.startswith(b"line ")]


# Files


def test_local(api):
    script = r"printf 'a\377\001b\n'; printf 'err\n' >&2; printf end"
    container = ended(api, script, host=log_config("local"))
    assert api.logs(container) == (b"a\xff\x01b\nend", b"err\n")
    assert files(api, container) == ["container.log"]
    assert api.inspect(container)["LogPath"] == ""
    assert api.logs(container, tail=1)[0] == b"end"
    stamped = api.logs(container, timestamps=1, stderr=0)[0]
    assert re.match(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z a\xff", stamped)


def test_local_long_lines(api):
    container = ended(api, "for n in 16384 16385 40000; do /bin/probe lines 1 $n; done", host=log_config("local"))
    out = api.logs(container)[0]
    assert [len(line) for line in out.split(b"\n")] == [16384, 16385, 40000, 0]


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_rotated_files_are_compressed(api, driver):
    host = log_config(driver, max_size="20k", max_file="4", compress="true")
    container = ended(api, LINES.format(3000), host=host)
    base = f"{container}-json.log" if driver == "json-file" else "container.log"
    wanted = [base, f"{base}.1.gz", f"{base}.2.gz", f"{base}.3.gz"]
    wait.until(lambda: files(api, container) == wanted, f"compressed files ({files(api, container)})")
    directory = f"{api.daemon.data_root}/containers/{container}"
    with gzip.open(f"{directory}/{base}.1.gz") as file:
        assert b"line " in file.read()
    seen = numbers(api.logs(container)[0])
    assert seen == list(range(seen[0], 3001)) and len(seen) > 700
    for count in (1, 5, 500, 700):
        assert numbers(api.logs(container, tail=count)[0]) == seen[-count:]


def test_files_rotated_while_the_daemon_is_away_are_compressed(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    host = dict(log_config("json-file", max_size="10k", max_file="3", compress="true"), Tmpfs={"/t": ""})
    container = api.started("sh", "-c", "mkfifo /t/f; echo up; read x < /t/f; " + LINES.format(600), host=host)
    wait.until(lambda: api.logs(container)[0], "it is up")
    pid = api.state(container)["Pid"]
    daemon.kill()
    with open(f"/proc/{pid}/root/t/f", "w", encoding="utf-8") as fifo:
        fifo.write("go\n")
    wait.until(lambda: not os.path.exists(f"/proc/{pid}"), "the container has ended")
    daemon.start()
    wait.until(lambda: f"{container}-json.log.2.gz" in files(api, container), "compressed files")
    seen = numbers(api.logs(container)[0])
    assert seen == list(range(seen[0], 601))


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_follow_across_compressed_rotation(api, driver):
    host = log_config(driver, max_size="20k", max_file="40", compress="true")
    script = "i=0; while [ $i -lt 4000 ]; do i=$((i+1)); echo line $i; [ $((i%20)) = 0 ] && sleep 0.01; done"
    container = api.started("sh", "-c", script, host=host)
    seen = numbers(api.logs(container, follow=1)[0])
    assert seen == list(range(1, 4001))


def test_a_log_is_bounded_without_options(api):
    # 8 MB of output become some 26 MB of records: two files, the older one compressed. With a
    # terminal, so that the answer has no frames to be taken apart.
    container = ended(api, "yes 0123456789abcdef0123456789abcdef | head -c 8000000", Tty=True)
    base = f"{container}-json.log"
    wait.until(lambda: files(api, container) == [base, f"{base}.1.gz"], "one rotated file")
    assert api.inspect(container)["HostConfig"]["LogConfig"] == {"Type": "json-file", "Config": {}}
    body = api.get(f"/containers/{container}/logs", stdout=1, stderr=1).body
    assert body.count(b"\n") == 8000000 // 33


def test_one_file_begins_anew_for_followers(api):
    host = dict(log_config("json-file", max_size="10k"))
    script = "i=0; while [ $i -lt 1000 ]; do i=$((i+1)); echo line $i; [ $((i%20)) = 0 ] && sleep 0.01; done"
    container = api.started("sh", "-c", script, host=host)
    seen = numbers(api.logs(container, follow=1)[0])
    assert seen[-1] == 1000 and sorted(set(seen)) == seen


def test_attributes_and_tag(api):
    host = log_config(
        "json-file", labels="l1,nosuch", labels_regex="^re", env="E1", env_regex="^RX",
        tag="{{.Name}}/{{.ID}}/{{.ImageName}}",
    )  # fmt: skip
    container = api.create(
        "echo", "x", name="attrs", host=host, Labels={"l1": "a b", "re1": "r", "other": "o"},
        Env=["E1=e&1", "RX2=2", "NO=n"],
    )  # fmt: skip
    api.start(container)
    api.wait(container)
    with open(api.inspect(container)["LogPath"], "rb") as file:
        record = list(wire.json_values(file.read()))[0]
    tag = f"attrs/{container[:12]}/busybox:test"
    assert record["attrs"] == {"l1": "a b", "re1": "r", "E1": "e&1", "RX2": "2", "tag": tag}
    out = api.logs(container, details=1)[0].decode()
    assert out.startswith("E1=e%261,RX2=2,l1=a") and out.endswith(" x\n")


def test_details_without_attributes(api):
    assert api.logs(ended(api, "echo x"), details=1)[0] == b" x\n"


def test_image_labels_and_env_count(api):
    container = ended(api, "echo x", host=log_config("json-file", env="PATH"))
    with open(api.inspect(container)["LogPath"], "rb") as file:
        assert "PATH" in list(wire.json_values(file.read()))[0]["attrs"]


REFUSED = [
    ("nosuch", {}, "logger: no log driver named 'nosuch' is registered"),
    ("json-file", {"nosuch": "1"}, "unknown log opt 'nosuch' for json-file log driver"),
    ("local", {"labels": "a"}, "unknown log opt 'labels' for log driver local"),
    ("syslog", {"max-size": "1"}, "unknown log opt 'max-size' for syslog log driver"),
    ("journald", {"max-size": "1"}, "unknown log opt 'max-size' for journald log driver"),
    ("json-file", {"max-size": "x"}, "invalid size: 'x'"),
    ("json-file", {"max-size": "0"}, "max-size must be a positive number"),
    ("json-file", {"max-size": "1k", "max-file": "0"}, "max-file cannot be less than 1"),
    ("json-file", {"max-size": "1k", "compress": "true"}, "compress cannot be true when max-file is less than 2"),
    ("json-file", {"compress": "maybe"}, "parsing \"maybe\": invalid syntax"),
    ("local", {"max-file": "1"}, "compression cannot be enabled when max file count is 1"),
    ("json-file", {"labels-regex": "("}, "error parsing regexp"),
    ("json-file", {"tag": "{{.NoSuch}}"}, "can't evaluate field NoSuch"),
    ("json-file", {"tag": "{{.ID"}, "unclosed action"),
    ("json-file", {"mode": "x"}, "logger: logging mode not supported: x"),
    ("json-file", {"max-buffer-size": "1m"}, "max-buffer-size option is only supported with 'mode=non-blocking'"),
    ("syslog", {"mode": "non-blocking", "max-buffer-size": "x"}, "error parsing option max-buffer-size"),
    ("syslog", {"syslog-address": "ftp://x"}, "unsupported scheme: 'ftp'"),
    ("syslog", {"syslog-address": "unix:///no/such"}, "stat /no/such: no such file or directory"),
    ("syslog", {"syslog-facility": "x"}, "invalid syslog facility"),
    ("syslog", {"syslog-facility": "24"}, "invalid syslog facility"),
    ("syslog", {"syslog-format": "x"}, "Invalid syslog format"),
    ("syslog", {"cache-disabled": "x"}, "invalid value for option cache-disabled: x"),
]  # fmt: skip


@pytest.mark.parametrize("driver,options,text", REFUSED)
def test_refused_at_create(api, driver, options, text):
    before = len(api.get("/containers/json", all=1).json())
    host = {"LogConfig": {"Type": driver, "Config": options}}
    assert text in api.create("true", host=host, expect=400).message
    assert len(api.get("/containers/json", all=1).json()) == before


@pytest.mark.parametrize("driver", ["fluentd", "gelf", "awslogs", "splunk", "gcplogs", "some/plugin:1"])
def test_drivers_that_are_missing(api, driver):
    answer = api.create("true", host=log_config(driver, tag="t"), expect=400)
    assert answer.message == f"logger: no log driver named '{driver}' is registered"


def test_missing_driver_by_command(cli):
    answer = cli("run", "--name", "nodriver", "--log-driver", "gelf", "busybox:test", "true", code=125)
    assert "logger: no log driver named 'gelf' is registered" in answer.err
    assert cli.out("ps", "-aq") == ""


def test_none_takes_any_option(api):
    container = ended(api, "echo x", host=log_config("none", max_size="1m"))
    assert files(api, container) == []


def test_tls_is_refused(api):
    answer = api.create("true", host=log_config("syslog", syslog_address="tcp+tls://h:1"), expect=501)
    assert "tcp+tls is not supported yet" in answer.message


def test_size_is_decimal(api):
    # Docker's units here are powers of 1000.
    container = ended(api, LINES.format(130), host=log_config("json-file", max_size="10k", max_file="2"))
    directory = f"{api.daemon.data_root}/containers/{container}"
    assert 10000 <= os.stat(f"{directory}/{container}-json.log.1").st_size < 10200


# The daemon's own defaults


def test_defaults_of_the_daemon(own_daemon):
    daemon = own_daemon(settings={"log-driver": "local", "log-opts": {"max-size": "10k", "max-file": "2"}})
    api = daemon.api
    assert api.get("/info").json()["LoggingDriver"] == "local"
    container = ended(api, LINES.format(2000))
    assert api.inspect(container)["HostConfig"]["LogConfig"] == {
        "Type": "local", "Config": {"max-size": "10k", "max-file": "2"},
    }  # fmt: skip
    assert len(api.logs(container)[0]) < 20000
    other = api.create("true", host=log_config("json-file"))
    assert api.inspect(other)["HostConfig"]["LogConfig"]["Config"] == {}
    own = api.create("true", host=log_config("local", max_size="1m"))
    assert api.inspect(own)["HostConfig"]["LogConfig"]["Config"] == {"max-size": "1m", "max-file": "2"}


def test_defaults_by_flags(own_daemon):
    daemon = own_daemon(flags=["--log-driver", "local", "--log-opt", "max-file=3"], with_image=False)
    assert daemon.api.get("/info").json()["LoggingDriver"] == "local"


@pytest.mark.parametrize("settings", [{"log-driver": "x"}, {"log-opts": {"nosuch": "1"}}])
def test_bad_defaults(own_daemon, settings):
    daemon = own_daemon(settings=settings, start=False)
    daemon.spawn()
    wait.until(daemon.dead, "the daemon refuses its configuration")
    assert daemon.process.returncode != 0
    assert "no log driver named 'x'" in daemon.tail() or "unknown log opt 'nosuch'" in daemon.tail()


def test_info_lists_drivers(api):
    assert api.get("/info").json()["Plugins"]["Log"] == ["journald", "json-file", "local", "syslog"]


# Clearing


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_clear_while_it_runs(api, driver):
    host = dict(log_config(driver, max_size="5k", max_file="3"), Tmpfs={"/t": ""})
    script = LINES.format(500) + "; mkfifo /t/f; echo ready; read x < /t/f; echo after; sleep 100"
    container = api.started("sh", "-c", script, host=host)
    wait.until(lambda: b"ready" in api.logs(container)[0], "all is logged")
    connection, answer = api.open("GET", f"/containers/{container}/logs", follow=1, stdout=1, tail=1)
    with connection:
        chunks = connection.read_chunks()
        assert b"ready" in next(chunks)
        api.delete(f"/containers/{container}/logs", expect=204)
        assert list(chunks) == [], "the follower's stream ends and says nothing more"
    assert api.logs(container) == (b"", b"")
    with open(f"/proc/{api.state(container)['Pid']}/root/t/f", "w", encoding="utf-8") as fifo:
        fifo.write("go\n")
    wait.until(lambda: api.logs(container)[0] == b"after\n", "what comes after is logged")


def test_clear_when_it_has_ended(api):
    host = log_config("json-file", max_size="5k", max_file="3", compress="true")
    container = ended(api, LINES.format(1000), host=host)
    wait.until(lambda: f"{container}-json.log.2.gz" in files(api, container), "compressed files")
    api.delete(f"/containers/{container}/logs", expect=204)
    assert api.logs(container) == (b"", b"")
    assert files(api, container) in ([], [f"{container}-json.log"])


def test_clear_refused(api):
    assert "No such container" in api.delete("/containers/nosuch/logs", expect=404).message
    container = api.create("true", host=log_config("none"))
    answer = api.delete(f"/containers/{container}/logs", expect=501)
    assert answer.message == "configured logging driver does not support reading"


def test_clear_by_command(api, gantry):
    container = ended(api, "echo x")
    assert gantry.out("logs", container) == "x"
    assert gantry("logs", "--clear", container, code=0).out == ""
    assert gantry.out("logs", container) == ""
    assert "conflicting options: --clear and --follow" in gantry("logs", "--clear", "-f", container).err


def test_flags(cli):
    name = "flags"
    cli("run", "--name", name, "--log-driver", "local", "--log-opt", "max-size=5m", "busybox:test", "echo", "hi", code=0)
    config = cli.out("inspect", "-f", "{{json .HostConfig.LogConfig}}", name)
    assert config == '{"Type":"local","Config":{"max-size":"5m"}}'
    assert cli.out("logs", name) == "hi"


# A full disk


def test_a_full_disk_does_not_block(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    container = api.create("sh", "-c", LINES.format(20000) + "; echo done > /t/done", host={"Tmpfs": {"/t": ""}})
    directory = f"{api.daemon.data_root}/containers/{container}"
    inside = daemon.sandbox.prefix()
    log = f"{directory}/{container}-json.log"
    # A small file system where the log is: the file is a mount of one in a tmpfs.
    small = os.path.join(daemon.root, "small")
    os.mkdir(small)
    open(log, "w", encoding="utf-8").close()
    for command in (
        ["mount", "-t", "tmpfs", "-o", "size=64k", "small", small],
        ["touch", small + "/log"],
        ["mount", "--bind", small + "/log", log],
    ):
        subprocess.run(inside + command, check=True)
    try:
        api.start(container)
        assert api.wait(container) == 0
        warnings = [line for line in daemon.tail(1000).split("\n") if "was not logged" in line]
        wait.until(lambda: "was not logged" in daemon.tail(1000), "a warning")
        assert len(warnings) <= 2
        assert numbers(api.logs(container)[0])[0] == 1
    finally:
        for path in (log, small):
            subprocess.run(inside + ["umount", "-l", path], check=False)
