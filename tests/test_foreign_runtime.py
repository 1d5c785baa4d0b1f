"""Containers that another OCI runtime makes under our shim: gantry-runtime in that part, and runc
where it is installed."""

import os
import shutil
import signal
import stat

import pytest
from harness import bundle, cgroups, image, wait
from harness import cli as clis

OWN = os.path.join(os.path.abspath(bundle.BIN), "gantry-runtime")
PROGRAMS = {"own": OWN}
if shutil.which("runc"):
    PROGRAMS["runc"] = shutil.which("runc")
FLAGS = [f"--add-runtime={name}={path}" for name, path in PROGRAMS.items()]

pytestmark = pytest.mark.gantry_only("other runtimes are Gantry's own affair here")


@pytest.fixture
def engine(own_daemon):
    daemon = own_daemon(flags=FLAGS)
    yield daemon
    if not daemon.dead():
        daemon.remove_containers()
        shims = os.path.join(daemon.exec_root, "shims")
        wait.until(lambda: not os.listdir(shims), "the shims' directories are gone")


@pytest.fixture(params=["docker", "gantry"])
def client(request, engine):
    made = clis.Cli(request.param, engine)
    if made.missing():
        pytest.skip(made.missing())
    return made


@pytest.fixture
def gantry(engine):
    return clis.Cli("gantry", engine)


@pytest.fixture(params=list(PROGRAMS))
def runtime(request):
    return request.param


def test_run(client, runtime):
    flags = ("run", "--rm", "--runtime", runtime)
    result = client(
        *flags, "-i", "-e", "A=b c", "-u", "bob", "-w", "/var", "--hostname", "me", "busybox:test",
        "sh", "-c", "cat; echo err >&2; id -un; pwd; hostname; echo $A $HOME; exit 7",
        stdin="in\n", code=7,
    )  # fmt: skip
    assert result.out.split("\n") == ["in", "bob", "/var", "me", "b c /home/bob", ""]
    assert result.err == "err\n"
    result = client(*flags, "busybox:test", "nosuch", code=127)
    assert "OCI runtime create failed: " in result.err
    assert 'exec: "nosuch": executable file not found in $PATH' in result.err
    assert result.err.count("executable file not found") == 1 and result.out == ""
    assert client.out("ps", "-aq") == ""


def test_a_terminal(client, runtime):
    terminal = client.terminal(
        "run", "--rm", "-it", "--runtime", runtime, "busybox:test", "sh", "-c",
        "tty; stty size; read line; echo got $line; exit 4", rows=33, columns=77,
    )  # fmt: skip
    terminal.expect("/dev/pts/0")
    terminal.expect("33 77")
    terminal.type("words\n")
    terminal.expect("got words")
    assert terminal.finish()[0] == 4


def test_exec(client, runtime):
    name = client.out("run", "-d", "--runtime", runtime, "busybox:test", "sleep", "1000")
    result = client("exec", "-i", name, "sh", "-c", "cat; echo err >&2; exit 5", stdin="in", code=5)
    assert (result.out, result.err) == ("in", "err\n")
    script = "id -u; pwd; echo $X; cat /proc/1/comm"
    out = client.out("exec", "-u", "bob", "-w", "/tmp", "-e", "X=y", name, "sh", "-c", script)
    assert out.split() == ["1000", "/tmp", "y", "sleep"]
    result = client("exec", name, "nosuch", code=127)
    words = result.out + result.err
    assert words.count("executable file not found") == 1 and "OCI runtime exec failed" in words
    client("exec", "-d", name, "sleep", "500", code=0)
    wait.until(lambda: "sleep 500" in client.out("top", name), "the detached exec runs")
    terminal = client.terminal("exec", "-it", name, "sh", "-c", "tty; exit 3")
    terminal.expect("/dev/pts/")
    assert terminal.finish()[0] == 3


def test_the_daemon_may_die(engine, gantry, runtime):
    script = "trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.1; done"
    name = gantry.out("run", "-d", "--runtime", runtime, "busybox:test", "sh", "-c", script)
    other = gantry.out(
        "run", "-d", "--runtime", runtime, "busybox:test", "sh", "-c", "sleep 1; exit 9"
    )
    pid = int(gantry.out("inspect", "-f", "{{.State.Pid}}", name))
    wait.until(lambda: gantry.out("logs", name) == "up", "it runs")
    engine.kill()
    os.kill(pid, 0)
    # Ends while nobody is there.
    record = os.path.join(engine.data_root, "containers", other, "exit")
    wait.until(lambda: os.path.exists(record), "the other's end is recorded")
    engine.start()
    assert gantry.out("inspect", "-f", "{{.State.Status}} {{.State.Pid}}", name) == f"running {pid}"
    assert gantry.out("exec", name, "echo", "still there") == "still there"
    assert gantry.out("wait", other) == "9"
    gantry("stop", name, code=0)
    assert gantry.out("wait", name) == "5"
    assert gantry.out("logs", name) == "up\nbye"


def test_life(gantry, runtime):
    script = "trap 'exit 6' USR1; echo up; while :; do sleep 0.1; done"
    name = gantry.out("create", "--runtime", runtime, "busybox:test", "sh", "-c", script)
    gantry("start", name, code=0)
    wait.until(lambda: gantry.out("logs", name) == "up", "it runs")
    gantry("pause", name, code=0)
    assert gantry.out("inspect", "-f", "{{.State.Status}}", name) == "paused"
    gantry("unpause", name, code=0)
    gantry("kill", "-s", "USR1", name, code=0)
    assert gantry.out("wait", name) == "6"
    gantry("start", name, code=0)
    gantry("restart", "-t", "0", name, code=0)
    gantry("kill", name, code=0)
    assert gantry.out("wait", name) == "137"
    assert gantry.out("inspect", "-f", "{{.HostConfig.Runtime}}", name) == runtime
    gantry("rm", name, code=0)


def test_limits_are_those_of_the_container(engine, runtime):
    api = engine.api
    host = {"Runtime": runtime, "Memory": 64 << 20, "PidsLimit": 30, "CpuShares": 512,
            "Devices": [{"PathOnHost": "/dev/full", "PathInContainer": "/dev/extra",
                         "CgroupPermissions": "rw"}]}  # fmt: skip
    container = api.started("sh", "-c", "echo > /dev/extra; sleep 1000", host=host, Tty=False)
    group = cgroups.Group(engine, container)
    assert group.read("memory", "memory.limit_in_bytes", "memory.max") == str(64 << 20)
    assert group.read("pids", "pids.max", "pids.max") == "30"
    pid = api.get(f"/containers/{container}/json").json()["State"]["Pid"]
    with open(f"/proc/{pid}/cgroup", encoding="utf-8") as text:
        assert group.path in text.read()
    api.post(f"/containers/{container}/update", {"PidsLimit": 40})
    assert group.read("pids", "pids.max", "pids.max") == "40"


def test_files_and_network(gantry, runtime, engine):
    source = os.path.join(engine.root, "source")
    os.mkdir(source)
    with open(os.path.join(source, "file"), "w", encoding="utf-8") as text:
        text.write("words\n")
    flags = ("run", "--rm", "--runtime", runtime)
    gantry(*flags, "-v", "vol:/v", "busybox:test", "sh", "-c", "mkdir /v/d; echo x > /v/d/f", code=0)
    result = gantry(
        *flags, "-v", f"{source}:/s:ro", "--mount", "type=volume,src=vol,dst=/d,volume-subpath=d",
        "--tmpfs", "/t", "--read-only", "busybox:test", "sh", "-c",
        "cat /s/file /d/f; touch /s/x; touch /x; touch /t/x && ls /t; cat /etc/hosts | tail -1",
        code=0,
    )  # fmt: skip
    assert result.out.split()[:3] == ["words", "x", "x"]
    assert result.err.count("Read-only file system") == 2
    first = gantry.out("run", "-d", "--runtime", runtime, "busybox:test", "sleep", "1000")
    address = gantry.out("exec", first, "ip", "-o", "-4", "addr", "show", "eth0")
    assert gantry.out("inspect", "-f", "{{.NetworkSettings.IPAddress}}", first) in address
    joined = gantry.out(
        *flags, "--network", f"container:{first}", "--pid", f"container:{first}", "busybox:test",
        "sh", "-c", "ip -o -4 addr show eth0; cat /proc/1/comm",
    )  # fmt: skip
    assert joined.splitlines() == [*address.splitlines(), "sleep"]


def test_security_is_as_with_ours(gantry, runtime):
    script = "grep -E 'Cap|NoNew|Seccomp:' /proc/self/status; ls /dev; cat /proc/sys/kernel/hostname"
    seen = [
        gantry.out("run", "--rm", "--hostname", "same", *flags, "busybox:test", "sh", "-c", script)
        for flags in (["--runtime", runtime], [])
    ]
    assert seen[0] == seen[1]
    refused = gantry(
        "run", "--rm", "--runtime", runtime, "busybox:test", "sh", "-c",
        "cat /proc/kcore; mount -t tmpfs x /mnt; echo > /proc/sys/kernel/hostname", code=1,
    )  # fmt: skip
    assert len(refused.err.splitlines()) == 3 or refused.out == ""


def test_a_lost_shim_takes_its_container_with_it(engine, runtime):
    api = engine.api
    container = api.started("sleep", "1000", host={"Runtime": runtime})
    pid = api.get(f"/containers/{container}/json").json()["State"]["Pid"]
    with open(f"/proc/{pid}/stat", encoding="utf-8") as text:
        parent = int(text.read().rsplit(")", maxsplit=1)[1].split()[1])
    with open(f"/proc/{parent}/comm", encoding="utf-8") as text:
        assert text.read() == "gantry-shim\n"
    os.kill(parent, signal.SIGKILL)
    wait.until(lambda: bundle.gone(pid), "its process is killed")
    status = wait.until(
        lambda: (s := api.get(f"/containers/{container}/json").json()["State"])["Status"] == "exited"
        and s, "its end is seen",
    )  # fmt: skip
    assert status["ExitCode"] != 0
    # The same container starts again: nothing of the lost run is in the way.
    api.start(container)


def test_runtimes_that_there_are(own_daemon):
    script = "#!/bin/sh\nexec " + OWN + ' "$@"\n'
    daemon = own_daemon(settings={"runtimes": {"args": {"path": OWN, "runtimeArgs": ["--debug"]}},
                                  "default-runtime": "args"})  # fmt: skip
    path = os.path.join(daemon.root, "by-path")
    with open(path, "w", encoding="utf-8") as text:
        text.write(script)
    os.chmod(path, 0o755)
    info = daemon.api.get("/info").json()
    assert info["DefaultRuntime"] == "args" and set(info["Runtimes"]) == {"args", "gantry"}
    assert info["Runtimes"]["args"] == {"path": OWN, "runtimeArgs": ["--debug"]}
    for wanted, shown in ((None, "args"), (path, path), ("gantry", "gantry")):
        host = {"Runtime": wanted} if wanted else {}
        container = daemon.api.started("true", host=host)
        assert daemon.api.wait(container) == 0
        seen = daemon.api.get(f"/containers/{container}/json").json()["HostConfig"]["Runtime"]
        assert seen == shown


def test_runtimes_that_there_are_not(engine):
    api = engine.api
    plain = os.path.join(engine.root, "plain")
    with open(plain, "w", encoding="utf-8") as text:
        text.write("#!/bin/sh\n")
    for name in ("nosuch", "/no/such", plain, "sh", "io.containerd.nosuch.v1", engine.root):
        answer = api.create("true", host={"Runtime": name}, expect=400)
        assert answer.json()["message"] == f"unknown or invalid runtime name: {name}"
    host = {"Runtime": "own", "Mounts": [{"Type": "bind", "Source": "/usr", "Target": "/u",
                                          "BindOptions": {"Propagation": "rshared"}}]}  # fmt: skip
    answer = api.create("true", host=host, expect=501)
    assert "shared mount propagation is not supported with runtime own" in answer.json()["message"]
    assert api.get("/containers/json", all=1).json() == []


@pytest.mark.parametrize(
    "script, words",
    [
        ("exit 3", "the runtime failed and did not say why"),
        ('for a; do case $last in --log) log=$a;; esac; last=$a; done;'
         'echo \'{"level":"error","msg":"no \\"luck\\""}\' > $log; exit 1', 'no "luck"'),
        ("exit 0", "the runtime's pid file"),
    ],
    ids=["silent", "telling", "lying"],
)  # fmt: skip
def test_a_runtime_that_fails(own_daemon, script, words):
    daemon = own_daemon(start=False)
    path = os.path.join(daemon.root, "broken")
    with open(path, "w", encoding="utf-8") as text:
        text.write(f"#!/bin/sh\n{script}\n")
    os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
    daemon.flags.append(f"--add-runtime=broken={path}")
    daemon.start()
    daemon.api.load_ok(image.busybox_archive())
    container = daemon.api.create("true", host={"Runtime": "broken"})
    answer = daemon.api.start(container, expect=(400, 500))
    assert words in answer.json()["message"], answer
    assert os.listdir(os.path.join(daemon.exec_root, "shims")) == []
    state = daemon.api.get(f"/containers/{container}/json").json()["State"]
    assert state["Status"] == "created" and words in state["Error"]
