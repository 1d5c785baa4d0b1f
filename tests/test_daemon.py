"""The daemon as a process: flags, files, sockets, and that containers do not need it."""

import grp
import json
import os
import signal
import socket
import stat
import subprocess
import time

import pytest

from harness import daemon as daemons
from harness import cgroups, leaks, wait, wire

pytestmark = pytest.mark.gantry_only("about gantryd itself")

COUNT = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done"


def program(*arguments, **options):
    return subprocess.run(
        [os.path.join(daemons.BIN, "gantryd"), *arguments],
        capture_output=True, text=True, check=False, timeout=20, **options,
    )  # fmt: skip


def test_version_and_help():
    result = program("--version")
    assert result.returncode == 0 and "gantryd version" in result.stdout
    result = program("--help")
    assert result.returncode == 0 and "--data-root" in result.stdout
    assert program("--nosuch").returncode != 0


def validate(tmp_path, text, *flags):
    path = tmp_path / "daemon.json"
    path.write_text(text)
    return program("--validate", "--config-file", str(path), *flags)


def test_validate(tmp_path):
    assert validate(tmp_path, '{"data-root": "/tmp/x", "labels": ["a=b"]}').returncode == 0
    assert validate(tmp_path, "{}").returncode == 0


@pytest.mark.parametrize(
    "text,named",
    [
        ('{"nosuchkey": 1}', "nosuchkey"),
        ('{"data-root": 5}', "data-root"),
        ('{"data-root": "relative"}', "data-root"),
        ('{"mtu": "x"}', "mtu"),
        ('{"log-level": "loud"}', "log-level"),
        ('{"hosts": ["http://x"]}', "host"),
        ("{", ""),
        ("[]", ""),
        ("", ""),
    ],
)
def test_bad_configuration(tmp_path, text, named):
    result = validate(tmp_path, text)
    assert result.returncode != 0
    assert named in result.stderr and result.stderr.strip()


def test_setting_in_both_places(tmp_path):
    result = validate(tmp_path, '{"data-root": "/tmp/x"}', "--data-root", "/tmp/y")
    assert result.returncode != 0 and "data-root" in result.stderr


def test_missing_configuration_file():
    assert program("--validate", "--config-file", "/nosuch/file").returncode != 0


def test_plain_tcp_needs_a_flag(tmp_path):
    result = program(
        "-H", "tcp://127.0.0.1:0", "--data-root", str(tmp_path / "d"), "--exec-root", str(tmp_path / "e")
    )
    assert result.returncode != 0 and "plain-tcp" in result.stderr


def test_socket_and_pidfile(own_daemon):
    daemon = own_daemon(with_image=False)
    status = os.stat(daemon.socket)
    assert stat.S_IMODE(status.st_mode) == 0o660 and status.st_uid == 0
    try:
        assert status.st_gid == grp.getgrnam("docker").gr_gid
    except KeyError:
        assert status.st_gid == 0
    with open(daemon.pidfile, encoding="utf-8") as file:
        assert int(file.read()) == daemon.pid
    for path in (daemon.data_root, daemon.exec_root):
        assert stat.S_IMODE(os.stat(path).st_mode) & 0o077 == 0
    assert daemon.stop() == 0
    assert not os.path.exists(daemon.socket) and not os.path.exists(daemon.pidfile)


def test_several_hosts(own_daemon):
    daemon = own_daemon(start=False)
    second = os.path.join(daemon.root, "s2")
    daemon.flags += ["-H", f"unix://{second}", "--group", "root"]
    daemon.start()
    assert wire.request(second, "GET", "/_ping").body == b"OK"


def test_plain_tcp(own_daemon):
    daemon = own_daemon(start=False)
    daemon.flags += ["-H", "tcp://127.0.0.1:23750", "--plain-tcp"]
    daemon.start()
    script = """
import sys, urllib.request
request = urllib.request.Request("http://127.0.0.1:23750/_ping", headers=dict(a.split("=", 1) for a in sys.argv[1:]))
try:
    print(urllib.request.urlopen(request, timeout=10).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""

    def get(*headers):
        return daemon.netns("/usr/bin/python3", "-c", script, *headers).stdout.strip()

    assert get() == "200"
    # What only a browser would send: security.md P6.
    assert get("Origin=http://evil.example") == "403"
    assert get("Sec-Fetch-Site=cross-site") == "403"
    assert get("Host=evil.example") == "403"


def test_second_daemon_on_one_root_is_refused(own_daemon):
    daemon = own_daemon(with_image=False)
    second = daemons.Daemon()
    try:
        second.data_root = daemon.data_root
        second.spawn()
        assert second.process.wait(20) != 0
        assert "lock" in second.tail() or "in use" in second.tail() or "another" in second.tail()
    finally:
        second.close()
    assert daemon.answers()


def test_stale_socket_and_pidfile_do_not_matter(own_daemon):
    daemon = own_daemon(start=False)
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(daemon.socket)
    stale.close()
    with open(daemon.pidfile, "w", encoding="utf-8") as file:
        file.write("1\n")
    daemon.start()


def test_sigterm_leaves_containers_running(own_daemon):
    daemon = own_daemon()
    container = daemon.api.waiting()
    pid = daemon.api.state(container)["Pid"]
    begin = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - begin < 10
    assert os.path.exists(f"/proc/{pid}")
    daemon.start()
    assert daemon.api.state(container)["Pid"] == pid


def test_stopped_daemon_holds_nothing(own_daemon):
    daemon = own_daemon()
    daemon.api.output("true")
    daemon.stop()
    assert leaks.processes(daemon) == set()
    assert leaks.cgroups(daemon) == set()


def test_crash_with_running_containers(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    counting = api.started("sh", "-c", COUNT, name="counting", Labels={"k": "v"})
    published = api.started(
        "httpd", "-f", "-p", "80", "-h", "/www", ExposedPorts={"80/tcp": {}},
        host={"PortBindings": {"80/tcp": [{"HostPort": "18300"}]}},
    )  # fmt: skip
    before = {c: api.inspect(c) for c in (counting, published)}
    fetch = ["timeout", "5", "/bin/busybox", "wget", "-qO-", "http://127.0.0.1:18300/index.html"]
    wait.until(lambda: daemon.netns(*fetch, check=False).stdout, "the page")
    daemon.kill()
    assert daemon.netns(*fetch, check=False).stdout, "a published port lives without the daemon"
    first = len(open(before[counting]["LogPath"], "rb").read())
    wait.until(lambda: len(open(before[counting]["LogPath"], "rb").read()) > first, "the log goes on")
    daemon.start()
    for container, old in before.items():
        new = api.inspect(container)
        assert new["State"] == old["State"] and new["NetworkSettings"] == old["NetworkSettings"]
        assert (new["Name"], new["Config"], new["HostConfig"]) == (old["Name"], old["Config"], old["HostConfig"])
    assert daemon.netns(*fetch, check=False).stdout
    numbers = [int(n) for n in api.logs(counting)[0].split()]
    assert numbers == list(range(1, len(numbers) + 1)), "lines were lost"
    assert api.exec(counting, "echo", "x")[1] == "x\n"
    api.post(f"/containers/{counting}/kill")
    assert api.wait(counting) == 137
    api.remove(published)


@pytest.mark.parametrize("script,code", [("exit 0", 0), ("exit 42", 42), ("kill -KILL $$", 137)])
def test_exit_while_the_daemon_is_down(own_daemon, script, code):
    daemon = own_daemon()
    api = daemon.api
    if "KILL" in script:
        script = "sh -c 'read x < /go; kill -KILL $$'; exit $?"
        container = api.started("sh", "-c", "mkfifo /go; " + script)
    else:
        container = api.started("sh", "-c", f"mkfifo /go; read x < /go; {script}")
    pid = api.state(container)["Pid"]
    wait.until(lambda: os.path.exists(f"/proc/{pid}/root/go"), "the fifo")
    daemon.kill()
    with open(f"/proc/{pid}/root/go", "w", encoding="utf-8") as go:
        go.write("go\n")
    wait.until(lambda: not os.path.exists(f"/proc/{pid}"), "it ended")
    ended = time.time()
    daemon.start()
    state = api.state(container)
    assert (state["Status"], state["ExitCode"]) == ("exited", code)
    finished = time.strptime(state["FinishedAt"][:19], "%Y-%m-%dT%H:%M:%S")
    assert abs(time.mktime(finished) - time.timezone - ended) < 3


def test_auto_remove_while_the_daemon_is_down(own_daemon):
    daemon = own_daemon()
    before = leaks.picture(daemon)
    container = daemon.api.waiting(host={"AutoRemove": True})
    pid = daemon.api.state(container)["Pid"]
    daemon.kill()
    os.kill(pid, signal.SIGKILL)
    wait.until(lambda: not os.path.exists(f"/proc/{pid}"), "it ended")
    daemon.start()
    wait.until(lambda: daemon.api.get("/containers/json", all=1).json() == [], "it is removed")
    leaks.settle(daemon, before, ignore=("fds",))


def test_attached_clients_survive(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    container = api.create("cat", OpenStdin=True, AttachStdin=True, StdinOnce=True)
    stream = api.hijack(f"/containers/{container}/attach", stream=1, stdin=1, stdout=1, stderr=1)
    api.start(container)
    stream.send(b"before\n")
    wait.until(lambda: api.logs(container)[0] == b"before\n", "the first line")
    daemon.kill()
    stream.send(b"without the daemon\n")
    daemon.start()
    stream.send(b"after\n")
    stream.close_write()
    assert stream.frames()[1] == b"before\nwithout the daemon\nafter\n"
    assert api.wait(container) == 0


def test_a_second_attach_after_the_restart(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    container = api.create("cat", OpenStdin=True, Tty=True)
    api.start(container)
    daemon.kill()
    daemon.start()
    stream = api.hijack(f"/containers/{container}/attach", stream=1, stdin=1, stdout=1)
    stream.send(b"x\n")
    stream.read_until(b"x\r\nx\r\n")
    api.post(f"/containers/{container}/resize", h=20, w=30, expect=200)
    assert api.exec(container, "sh", "-c", "stty size < /dev/pts/0")[1] == "20 30\n"
    stream.close()


def test_twenty_crashes(own_daemon):
    daemon = own_daemon()
    containers = [daemon.api.waiting() for _ in range(5)]
    pids = [daemon.api.state(c)["Pid"] for c in containers]
    for _ in range(20):
        daemon.kill()
        daemon.start()
    assert [daemon.api.state(c)["Pid"] for c in containers] == pids
    assert {daemon.api.state(c)["Status"] for c in containers} == {"running"}


def test_shim_is_killed(own_daemon):
    daemon = own_daemon()
    before = leaks.picture(daemon)
    container = daemon.api.waiting()
    pid = daemon.api.state(container)["Pid"]
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        shim = int(file.read().rpartition(")")[2].split()[1])
    assert shim not in (1, daemon.pid)
    os.kill(shim, signal.SIGKILL)
    state = wait.until(
        lambda: (s := daemon.api.state(container))["Status"] == "exited" and s, "it is noticed", 5
    )
    assert state["ExitCode"] in (137, 255)
    wait.until(lambda: not os.path.exists(f"/proc/{pid}"), "nothing of it runs on")
    daemon.api.remove(container)
    leaks.settle(daemon, before)


def test_table_flushed_by_somebody_else(own_daemon):
    """The next start repairs what a `nft flush ruleset` broke at the latest."""
    daemon = own_daemon()
    api = daemon.api
    api.started("httpd", "-f", "-p", "80", "-h", "/www", ExposedPorts={"80/tcp": {}}, host={"PortBindings": {"80/tcp": [{"HostPort": "18301"}]}})
    fetch = ["timeout", "3", "/bin/busybox", "wget", "-qO-", "http://127.0.0.1:18301/index.html"]
    wait.until(lambda: daemon.netns(*fetch, check=False).stdout, "the page")
    daemon.netns("nft", "flush", "ruleset")
    daemon.kill()
    daemon.start()
    wait.until(lambda: daemon.netns(*fetch, check=False).stdout, "the page again")


def test_two_daemons_side_by_side(own_daemon):
    one, two = own_daemon(), own_daemon()
    first = one.api.waiting(name="same")
    second = two.api.waiting(name="same")
    two.kill()
    one.api.remove("same")
    two.start()
    assert two.api.state(second)["Status"] == "running"
    assert one.api.get(f"/containers/{first}/json", expect=404)


def test_garbage_in_the_roots_is_swept(own_daemon):
    daemon = own_daemon()
    daemon.stop()
    for folder in ("tmp", "trash"):
        os.makedirs(os.path.join(daemon.data_root, folder, "left", "over"))
    os.makedirs(os.path.join(daemon.data_root, "containers", "f" * 64, "upper"))
    os.makedirs(os.path.join(daemon.exec_root, "shims", "e" * 64))
    daemon.start()

    def swept():
        return not (
            os.listdir(os.path.join(daemon.data_root, "tmp"))
            or os.listdir(os.path.join(daemon.data_root, "trash"))
            or os.listdir(os.path.join(daemon.data_root, "containers"))
            or os.listdir(os.path.join(daemon.exec_root, "shims"))
        )

    wait.until(swept, "swept")
    assert daemon.api.output("echo", "x")[1] == "x\n"


def test_a_shared_cgroup_parent(own_daemon):
    """The boot sweep ends what is left of its own containers, whatever else is called like one."""
    parent = f"gantry-shared-{os.getpid()}"
    one = own_daemon(flags=["--cgroup-parent", parent])
    mine = one.api.waiting()
    two = own_daemon(flags=["--cgroup-parent", parent])
    theirs = two.api.waiting()
    roots = [cgroups.directory(name, "") for name in ("freezer", "pids")]
    names = {"nobodys": "a" * 64, "left": "b" * 64}
    try:
        for root in set(roots):
            for name in names.values():
                os.mkdir(f"{root}/{parent}/{name}")
        os.setxattr(f"{roots[0]}/{parent}/{names['left']}", "trusted.gantry.owner", one.exec_root.encode())
        one.kill()
        one.start()
        wait.until(lambda: not os.path.exists(f"{roots[0]}/{parent}/{names['left']}"), "the left group is gone")
        assert os.path.exists(f"{roots[0]}/{parent}/{names['nobodys']}")
        assert one.api.state(mine)["Running"] and two.api.state(theirs)["Running"]
        assert two.api.exec(theirs, "true")[0] == 0
    finally:
        for daemon in (one, two):
            daemon.remove_containers()
            daemon.stop()
        for root in (e.path for e in os.scandir(cgroups.ROOT) if not cgroups.is_v2() and e.is_dir()):
            remove_groups(f"{root}/{parent}")
        remove_groups(f"{cgroups.ROOT}/{parent}")


def remove_groups(path):
    if os.path.isdir(path):
        for entry in [e.path for e in os.scandir(path) if e.is_dir()]:
            os.rmdir(entry)
        os.rmdir(path)


def test_out_of_file_descriptors(own_daemon):
    daemon = own_daemon()
    subprocess.run(["prlimit", f"--pid={daemon.pid}", "--nofile=64:"], check=True)
    many = []
    for _ in range(100):
        connection = socket.socket(socket.AF_UNIX)
        connection.setblocking(False)
        try:
            connection.connect(daemon.socket)
        except OSError:
            pass
        many.append(connection)
    time.sleep(0.2)
    for connection in many:
        connection.close()
    wait.until(daemon.answers, "it answers again")
    subprocess.run(["prlimit", f"--pid={daemon.pid}", "--nofile=4096:"], check=True)
    assert daemon.api.output("echo", "x")[1] == "x\n"


def test_log_is_structured(own_daemon):
    daemon = own_daemon(start=False, with_image=False)
    daemon.flags += ["--log-format", "json"]
    daemon.start()
    daemon.stop()
    with open(daemon.log, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file if line.strip()]
    assert lines and all("level" in line and "time" in line for line in lines)
