"""The command lines, the stock docker client and gantry alike: run and all that surrounds it."""

import json
import os
import signal
import subprocess

import pytest

from harness import image, wait
from harness.image import IMAGE


def test_run(cli):
    result = cli("run", "--rm", IMAGE, "sh", "-c", "echo out; echo err >&2")
    assert (result.code, result.out, result.err) == (0, "out\n", "err\n")


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_run_passes_the_exit_code(cli, code):
    cli("run", "--rm", IMAGE, "sh", "-c", f"exit {code}", code=code)


@pytest.mark.parametrize(
    "arguments,code,text",
    [
        ([IMAGE, "nosuch"], 127, "executable file not found in $PATH"),
        ([IMAGE, "/bin/nosuch"], 127, "no such file or directory"),
        ([IMAGE, "/etc/notexecutable"], 126, "permission denied"),
        ([IMAGE, "/etc"], 126, ""),
        (["-u", "nosuch", IMAGE, "true"], 125, "unable to find user nosuch"),
        (["--pull=never", "nosuch:1", "true"], 125, "No such image: nosuch:1"),
        (["--nosuch", IMAGE], 125, "unknown flag: --nosuch"),
        (["-v", "a:b:c:d", IMAGE], 125, ""),
        (["-m", "1k", IMAGE, "true"], 125, "memory"),
        ([IMAGE, "sh", "-c", "sh -c 'kill -KILL $$'; exit $?"], 137, ""),
        ([IMAGE, "sh", "-c", "exit 125"], 125, ""),
    ],
    ids=str,
)
def test_exit_codes_of_run(cli, arguments, code, text):
    if cli.daemon.is_docker and "nosuch" in arguments and "-u" in arguments:
        code = 126  # runc 1.1 says it so that the client takes it for another case
    result = cli("run", "--rm", *arguments)
    if cli.daemon.is_docker and code == 126:
        assert result.code in (125, 126)
    else:
        assert result.code == code, result
    assert text.lower() in result.err.lower()
    wait.until(lambda: cli.out("ps", "-aq") == "", "nothing is left")


def test_run_name_in_use(cli):
    cli("create", "--name", "taken", IMAGE, "true", code=0)
    result = cli("run", "--name", "taken", IMAGE, "true", code=125)
    assert "Error response from daemon: Conflict." in result.err
    assert "Run '" in result.err and "run --help' for more information" in result.err


def test_run_detached_prints_the_id(cli):
    out = cli.out("run", "-d", IMAGE, "/bin/probe", "wait")
    assert len(out) == 64
    assert cli.out("ps", "-q", "--no-trunc") == out


def test_stdin(cli):
    assert cli("run", "--rm", "-i", IMAGE, "cat", stdin="hello\n" * 5000, code=0).out == "hello\n" * 5000
    assert cli("run", "--rm", IMAGE, "cat", stdin="not read", code=0).out == ""
    cli("run", "--rm", "-i", IMAGE, "sh", "-c", "cat > /dev/null; exit 3", stdin="x", code=3)


def test_output_is_complete(cli):
    for _ in range(3):
        out = cli("run", "--rm", IMAGE, "seq", "1", "30000", code=0).out
        assert out.endswith("\n30000\n") and out.count("\n") == 30000


def test_attached_streams(cli):
    result = cli("run", "--rm", "-a", "stderr", IMAGE, "sh", "-c", "echo out; echo err >&2", code=0)
    assert (result.out, result.err) == ("", "err\n")


def test_settings(cli, tmp_path):
    (tmp_path / "env").write_text("# comment\nFILE=from file\nPASSED\n")
    (tmp_path / "labels").write_text("fromfile=1\n")
    out = cli(
        "run", "--rm", "--name", "set", "-h", "box", "-w", "/tmp", "-u", "1000:50", "-e", "A=1", "-e", "PASSED",
        "--env-file", str(tmp_path / "env"), "--label", "k=v", "--label-file", str(tmp_path / "labels"),
        "--ulimit", "nofile=100:200", "--tmpfs", "/scratch:size=1m", "--read-only", "--cap-drop", "ALL",
        "--add-host", "db:10.0.0.1", "--dns", "192.0.2.1", "--shm-size", "8m", "--stop-signal", "INT",
        IMAGE, "sh", "-c",
        "hostname; pwd; id -u; id -g; echo $A $PASSED $FILE; ulimit -n; touch /x; touch /scratch/x && echo yes;"
        "grep CapEff /proc/self/status; grep db /etc/hosts; grep name /etc/resolv.conf; df -k /dev/shm | tail -n 1 | awk '{print $2}'",
        environment={"PASSED": "through"},
    )  # fmt: skip
    assert out.code == 0, out
    assert out.out.split("\n")[:7] == ["box", "/tmp", "1000", "50", "1 through from file", "100", ""] or (
        out.out.split("\n")[:6] == ["box", "/tmp", "1000", "50", "1 through from file", "100"]
    )
    assert "Read-only file system" in out.err
    assert "CapEff:\t0000000000000000" in out.out
    assert "10.0.0.1\tdb" in out.out and "nameserver 192.0.2.1" in out.out and "\n8192\n" in out.out


def test_limits(cli):
    container = cli.out("run", "-d", "-m", "64m", "--cpus", "0.5", "--pids-limit", "20", "--memory-swap", "64m", IMAGE, "/bin/probe", "wait")
    host = json.loads(cli.out("inspect", container))[0]["HostConfig"]
    assert (host["Memory"], host["MemorySwap"]) == (64 << 20, 64 << 20)
    assert (host["NanoCpus"], host["PidsLimit"]) == (500_000_000, 20)


def test_bind_mounts(cli, tmp_path):
    (tmp_path / "f").write_text("content\n")
    for arguments in (["-v", f"{tmp_path}:/m:ro"], ["--mount", f"type=bind,source={tmp_path},target=/m,readonly"]):
        result = cli("run", "--rm", *arguments, IMAGE, "sh", "-c", "cat /m/f; touch /m/x", code=1)
        assert result.out == "content\n" and "Read-only" in result.err
    result = cli("run", "--rm", "--mount", f"type=bind,src={tmp_path}/nosuch,dst=/m", IMAGE, "true", code=125)
    assert "bind source path does not exist" in result.err
    assert not os.path.exists(tmp_path / "nosuch")


def test_entrypoint(cli):
    assert cli.out("run", "--rm", "--entrypoint", "echo", IMAGE, "a", "b") == "a b"
    assert cli.out("run", "--rm", "--entrypoint", "", IMAGE, "echo", "x") == "x"


def test_init(cli):
    if cli.daemon.is_docker:
        pytest.skip("docker-init is a package of its own")
    assert cli.out("run", "--rm", "--init", IMAGE, "sh", "-c", "echo $$") != "1"


def test_network_modes(cli):
    assert cli.out("run", "--rm", "--network", "none", IMAGE, "ls", "/sys/class/net") == "lo"
    assert cli("run", "--rm", "--net=host", IMAGE, "true").code == 0


def test_published_ports(cli):
    container = cli.out("run", "-d", "-p", "18200:80", "-p", "127.0.0.1:18201:81/udp", "-p", "82", IMAGE, "httpd", "-f", "-p", "80", "-h", "/www")
    fetch = ["/bin/busybox", "wget", "-qO-", "http://127.0.0.1:18200/index.html"]
    wait.until(lambda: cli.daemon.netns(*fetch, check=False).stdout.startswith("hello"), "the page")
    ports = cli.out("ps", "--format", "{{.Ports}}")
    assert "0.0.0.0:18200->80/tcp" in ports and "127.0.0.1:18201->81/udp" in ports
    assert json.loads(cli.out("inspect", container))[0]["NetworkSettings"]["Ports"]["82/tcp"][0]["HostPort"]


def test_cidfile(cli, tmp_path):
    path = tmp_path / "cid"
    out = cli.out("run", "-d", "--cidfile", str(path), IMAGE, "true")
    assert path.read_text() == out
    result = cli("run", "--cidfile", str(path), IMAGE, "true", code=125)
    assert "found" in result.err.lower()


def test_create_start_wait_rm(cli):
    container = cli.out("create", "--name", "steps", IMAGE, "sh", "-c", "echo ran; exit 4")
    assert len(container) == 64
    assert cli("start", "-a", "steps", code=4).out == "ran\n"
    assert cli.out("wait", "steps") == "4"
    assert cli.out("start", "steps") == "steps"
    assert cli.out("wait", container[:12]) == "4"
    assert cli.out("rm", "steps") == "steps"
    result = cli("rm", "steps", code=1)
    assert "No such container: steps" in result.err


def test_start_interactive(cli):
    container = cli.out("create", "-i", IMAGE, "cat")
    assert cli("start", "-ai", container, stdin="typed\n", code=0).out == "typed\n"


def test_stop_kill_restart(cli):
    cli.out("run", "-d", "--name", "aa", IMAGE, "/bin/probe", "wait")
    cli.out("run", "-d", "--name", "bb", IMAGE, "/bin/probe", "wait")
    assert cli.out("stop", "-t", "5", "aa", "bb") == "aa\nbb"
    assert cli.out("restart", "aa") == "aa"
    assert cli.out("kill", "-s", "TERM", "aa") == "aa"
    assert cli.out("wait", "aa") == "0"
    result = cli("kill", "aa", code=1)
    assert "is not running" in result.err
    result = cli("stop", "nosuch", "bb", code=1)
    assert result.out == "bb\n" and "No such container: nosuch" in result.err
    result = cli("rm", "-f", "aa", "bb", code=0)
    assert result.out == "aa\nbb\n"


def test_ps(cli):
    first = cli.out("run", "-d", "--name", "one", "--label", "tier=web", IMAGE, "/bin/probe", "wait")
    cli("run", "--name", "two", IMAGE, "sh", "-c", "exit 3")
    lines = cli.out("ps").splitlines()
    assert lines[0].split() == ["CONTAINER", "ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"]
    assert len(lines) == 2
    assert lines[1].startswith(first[:12]) and lines[1].endswith("one")
    assert '"/bin/probe wait"' in lines[1] and " Up " in lines[1]
    assert cli.out("ps", "-a", "--format", "{{.Names}} {{.State}}").splitlines() == ["two exited", "one running"]
    assert cli.out("ps", "-aq", "--filter", "status=exited").strip() != ""
    assert cli.out("ps", "-q", "--filter", "label=tier=web") == first[:12]
    assert cli.out("ps", "-n", "1", "--format", "{{.Names}}") == "two"
    assert cli.out("ps", "-l", "--format", "{{.Names}}") == "two"
    assert cli.out("ps", "-q", "--no-trunc") == first
    table = cli.out("ps", "--format", "table {{.Names}}\t{{.Image}}").splitlines()
    assert table[0].split() == ["NAMES", "IMAGE"] and table[1].split() == ["one", IMAGE]
    row = json.loads(cli.out("ps", "--format", "json"))
    assert (row["Names"], row["Image"], row["ID"]) == ("one", IMAGE, first[:12])
    assert row["Labels"] == "tier=web"
    assert "0B" in cli.out("ps", "-s", "--format", "{{.Size}}") or "virtual" in cli.out("ps", "-s", "--format", "{{.Size}}")
    assert "Exited (3)" in cli.out("ps", "-a", "--format", "{{.Status}}")
    result = cli("ps", "--filter", "nosuch=x", code=1)
    assert "nvalid filter" in result.err


def test_inspect(cli):
    container = cli.out("create", "--name", "seen", IMAGE, "true")
    told = json.loads(cli.out("inspect", "seen"))
    assert told[0]["Id"] == container
    assert cli.out("inspect", "-f", "{{.Name}} {{.State.Status}}", "seen") == "/seen created"
    assert cli.out("inspect", "-f", "{{json .Config.Cmd}}", "seen") == '["true"]'
    assert cli.out("inspect", "-f", "{{range .Config.Env}}{{.}};{{end}}", "seen") == "PATH=/bin;"
    assert cli.out("inspect", "-f", '{{index .Config.Cmd 0 | upper}} {{len .Id}}', "seen") == "TRUE 64"
    assert json.loads(cli.out("inspect", "--type", "image", IMAGE))[0]["RepoTags"] == [IMAGE]
    result = cli("inspect", "nosuch", code=1)
    assert result.out.strip() == "[]"
    assert "rror: No such object: nosuch" in result.err
    result = cli("inspect", "-f", "{{.NoSuch}}", "seen")
    assert result.code != 0 and "NoSuch" in result.err
    assert cli("inspect", "-f", "{{", "seen").code == 64


def test_logs(cli):
    container = cli.out("run", "-d", IMAGE, "sh", "-c", "echo one; sleep 0.1; echo two >&2; sleep 0.1; echo three")
    cli("wait", container, code=0)
    result = cli("logs", container, code=0)
    assert (result.out, result.err) == ("one\nthree\n", "two\n")
    assert cli("logs", "--tail", "1", container, code=0).out == "three\n"
    assert cli("logs", "-n", "0", container, code=0).out == ""
    stamped = cli("logs", "-t", container, code=0).out.splitlines()[0].split()
    assert stamped[0].endswith("Z") and stamped[1] == "one"
    assert cli("logs", "--since", "1h", container, code=0).out == "one\nthree\n"
    assert cli("logs", "--until", "1h", container, code=0).out == ""
    assert cli("logs", "-f", container, code=0).out == "one\nthree\n"
    result = cli("logs", "nosuch", code=1)
    assert "No such container: nosuch" in result.err


def test_exec(cli):
    cli.out("run", "-d", "--name", "box", IMAGE, "/bin/probe", "wait")
    assert cli.out("exec", "box", "echo", "inside") == "inside"
    assert cli("exec", "-i", "box", "cat", stdin="in\n", code=0).out == "in\n"
    assert cli.out("exec", "-u", "bob", "-w", "/tmp", "-e", "A=1", "box", "sh", "-c", "id -un; pwd; echo $A") == "bob\n/tmp\n1"
    cli("exec", "box", "sh", "-c", "exit 9", code=9)
    cli("exec", "box", "sh", "-c", "kill -KILL $$", code=137)
    assert cli.out("exec", "-d", "box", "touch", "/mark") == ""
    wait.until(lambda: cli("exec", "box", "test", "-e", "/mark").code == 0, "the detached exec ran")
    result = cli("exec", "box", "nosuch")
    assert result.code == (126 if cli.daemon.is_docker else 127)
    assert "executable file not found" in result.out + result.err
    result = cli("exec", "nosuch", "true", code=1)
    assert "No such container: nosuch" in result.err
    cli("stop", "-t", "5", "box", code=0)
    result = cli("exec", "box", "true", code=1)
    assert "is not running" in result.err


def test_attach(cli):
    cli.out("run", "-d", "-i", "--name", "box", IMAGE, "sh", "-c", "read x; echo got $x; exit 5")
    result = cli("attach", "box", stdin="it\n", code=5)
    # 20.10 may end the stream before the last output
    assert result.out == "got it\n" or cli.daemon.is_docker
    result = cli("attach", "box", code=1)
    assert "You cannot attach to a stopped container, start it first" in result.err


def test_signals_are_passed_on(cli):
    process = cli.spawn("run", "--rm", "--name", "proxied", IMAGE, "/bin/probe", "signals")
    assert process.stdout.readline() == "ready\n"
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGINT):
        process.send_signal(number)
        assert process.stdout.readline() == f"signal {int(number)}\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 3
    process.communicate()


def test_sigkill_of_the_client_leaves_the_container(cli):
    process = cli.spawn("run", "--name", "stays", IMAGE, "/bin/probe", "wait")
    assert process.stdout.readline() == "ready\n"
    process.kill()
    process.communicate()
    assert cli.out("inspect", "-f", "{{.State.Status}}", "stays") == "running"


def test_images(cli, tmp_path):
    archive = tmp_path / "image.tar"
    archive.write_bytes(image.derived("cli/loaded:1", {"Cmd": ["echo", "loaded"], "Env": ["PATH=/bin"]}))
    assert "Loaded image: cli/loaded:1" in cli.out("load", "-i", str(archive))
    with open(archive, "rb") as file:
        done = subprocess.run([cli.program, "load"], stdin=file, env=cli.environment(), capture_output=True, check=True)
    assert b"Loaded image: cli/loaded:1" in done.stdout
    assert cli.out("run", "--rm", "cli/loaded:1") == "loaded"
    cli("tag", "cli/loaded:1", "cli/tagged:2", code=0)
    assert "cli/tagged" in cli.out("images")
    assert cli.out("images", "--format", "{{.Repository}}:{{.Tag}}", "cli/*").splitlines() in (["cli/loaded:1", "cli/tagged:2"], ["cli/tagged:2", "cli/loaded:1"])
    assert len(set(cli.out("images", "-q", "cli/*").split())) == 1
    out = tmp_path / "out.tar"
    cli("save", "-o", str(out), "cli/tagged:2", code=0)
    assert out.stat().st_size > 1 << 20
    assert "Untagged: cli/loaded:1" in cli.out("rmi", "cli/loaded:1")
    assert "Deleted: sha256:" in cli.out("rmi", "cli/tagged:2")
    result = cli("rmi", "cli/loaded:1", code=1)
    assert "No such image: cli/loaded:1" in result.err
    assert "Loaded image: cli/tagged:2" in cli.out("load", "-qi", str(out))
    history = cli.out("history", "--format", "{{.CreatedBy}}", "cli/tagged:2")
    assert "layer 0" in history


def test_import(cli, tmp_path):
    tree = tmp_path / "tree.tar"
    tree.write_bytes(image.busybox_layer())
    identity = cli.out("import", "-c", 'CMD ["echo","imported"]', "-c", "ENV PATH=/bin", str(tree), "cli-import:1")
    assert identity.startswith("sha256:")
    assert cli.out("run", "--rm", "cli-import:1") == "imported"


def test_events(cli):
    process = cli.spawn("events", "--filter", "type=container", "--format", "{{.Action}} {{.Actor.Attributes.name}}")
    # Nothing says that it listens: make containers until one was seen.
    seen = []

    def listening():
        cli("rm", cli.out("create", "--name", "seen", IMAGE, "true"), code=0)
        os.set_blocking(process.stdout.fileno(), False)
        seen.append(process.stdout.read() or "")
        return "create seen\ndestroy seen\n" in "".join(seen)

    wait.until(listening, "events", pause=0.2)
    process.send_signal(signal.SIGINT)
    process.communicate()
    past = cli.out("events", "--since", "10m", "--until", "0s", "--filter", "event=create")
    assert " container create " in past and f"image={IMAGE}, name=seen" in past


def test_version_and_info(cli):
    out = cli.out("version")
    assert "Client" in out and "Server" in out and "API version" in out
    assert cli.out("version", "--format", "{{.Server.Os}}") == "linux"
    assert "Server Version" in cli.out("info")
    assert cli.out("info", "--format", "{{.OSType}}") == "linux"
    assert json.loads(cli.out("info", "--format", "json"))["OSType"] == "linux"


def test_usage_errors(cli):
    assert cli("nosuch").code == 1
    assert cli("ps", "--nosuch").code == 125
    assert cli("run").code in (1, 125)
    assert cli("rm").code == 1
    assert "requires at least 1 argument" in cli("rm").err
    assert cli("--help", code=0).out
    assert "Usage:" in cli("run", "--help", code=0).out


def test_no_daemon(cli):
    result = cli("ps", environment={"DOCKER_HOST": "unix:///nosuch/socket"}, code=1)
    assert "Cannot connect to the Docker daemon at unix:///nosuch/socket. Is the docker daemon running?" in result.err


def test_host_flag(cli):
    result = cli("-H", cli.daemon.url, "version", "--format", "{{.Server.Os}}", environment={"DOCKER_HOST": "unix:///nosuch"})
    assert result.out == "linux\n"
