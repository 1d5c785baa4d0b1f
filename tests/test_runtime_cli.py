"""gantry-runtime: the OCI runtime's command line, on bundles of busybox."""

import json
import os
import signal
import subprocess

import pytest
from harness import bundle, wait


@pytest.fixture(scope="module")
def shared():
    runtime = bundle.Runtime()
    yield runtime
    runtime.close()


@pytest.fixture
def runtime(shared):
    yield shared
    if os.path.isdir(shared.root):
        for name in os.listdir(shared.root):
            shared("delete", "--force", name)
    assert not shared.left()


def changed(path, value):
    """A function that sets the member PATH ("linux.sysctl") of a config."""

    def change(config):
        *above, last = path.split(".")
        for name in above:
            config = config.setdefault(name, {})
        config[last] = value

    return change


def test_life(runtime):
    pid_file = os.path.join(runtime.dir, "pid")
    path = runtime.create("life", "sleep", "1000", flags=("--pid-file", pid_file))
    state = json.loads(runtime.ok("state", "life"))
    with open(pid_file, encoding="utf-8") as text:
        assert int(text.read()) == state["pid"]
    assert (state["status"], state["bundle"]) == ("created", path)
    assert os.readlink(f"/proc/{state['pid']}/exe").startswith("/memfd:gantry-stage")
    runtime.ok("start", "life")
    assert runtime.status("life") == "running"
    with open(f"/proc/{state['pid']}/cmdline", "rb") as text:
        assert text.read() == b"sleep\x001000\x00"
    again = runtime("start", "life")
    assert again.returncode == 1 and "cannot start an already running container" in again.stderr
    refused = runtime("delete", "life")
    assert refused.returncode == 1 and "that is not stopped: running" in refused.stderr
    runtime.ok("kill", "life", "KILL")
    runtime.wait_status("life", "stopped")
    refused = runtime("kill", "life", "TERM")
    assert refused.returncode == 1 and "container not running" in refused.stderr
    refused = runtime("start", "life")
    assert "cannot start a container that has stopped" in refused.stderr
    runtime.ok("delete", "life")
    refused = runtime("state", "life")
    assert refused.returncode == 1 and "container does not exist" in refused.stderr
    runtime.ok("delete", "--force", "life")
    assert runtime("delete", "life").returncode == 1


def test_the_process_is_the_callers_child(runtime):
    runtime.create("child", "sleep", "1000")
    pid = json.loads(runtime.ok("state", "child"))["pid"]
    with open(f"/proc/{pid}/stat", encoding="utf-8") as text:
        parent = int(text.read().rsplit(")", maxsplit=1)[1].split()[1])
    with open(f"/proc/{parent}/comm", encoding="utf-8") as text:
        assert "gantry" not in text.read()


def test_a_created_container_can_be_deleted(runtime):
    runtime.create("created", "sleep", "1000")
    pid = json.loads(runtime.ok("state", "created"))["pid"]
    runtime.ok("delete", "created")
    assert bundle.gone(pid)


@pytest.mark.parametrize("code", [0, 7, 255])
def test_run_gives_the_exit_code(runtime, code):
    result = runtime.run("sh", "-c", f"cat; echo err >&2; exit {code}", input="in")
    assert (result.returncode, result.stdout, result.stderr) == (code, "in", "err\n")


def test_run_passes_signals_on(runtime):
    path = runtime.bundle("sh", "-c", "trap 'exit 3' TERM; echo ready; while :; do sleep 1; done")
    with subprocess.Popen(
        runtime.command("run", "--bundle", path, "signals"), stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 3


def test_run_detached_stays(runtime):
    path = runtime.bundle("sleep", "1000")
    assert runtime.start("run", "-d", "--bundle", path, "detached") == (0, "")
    assert runtime.status("detached") == "running"


@pytest.mark.parametrize(
    "args, text",
    [
        (["nosuch"], 'exec: "nosuch": executable file not found in $PATH'),
        (["/nosuch"], 'exec: "/nosuch": stat /nosuch: no such file or directory'),
        (["/tmp"], 'exec: "/tmp": is a directory'),
    ],
)
def test_programs_that_do_not_exist(runtime, args, text):
    for command in ("run", "create"):
        code, output = runtime.start(command, "--bundle", runtime.bundle(*args), "bad")
        assert code == 1 and "unable to start container process: " in output
        assert text in output.replace('\\"', '"')
    assert not runtime.left()


def test_capabilities_that_cannot_be_given(runtime):
    one = ["CAP_CHOWN", "CAP_NO_SUCH"]
    sets = {"bounding": one, "effective": one, "permitted": one, "ambient": ["CAP_CHOWN"]}
    result = runtime.run(
        "grep", "Cap", "/proc/self/status", change=changed("process.capabilities", sets)
    )
    assert [line.split()[1].lstrip("0") for line in result.stdout.splitlines()] == [
        "", "1", "1", "1", "",
    ]  # fmt: skip
    assert "unavailable capability CAP_NO_SUCH" in result.stderr
    assert "ambient capability CAP_CHOWN" in result.stderr


BAD = [
    ("root", {"path": "/no/such/root"}, "invalid rootfs"),
    ("process.cwd", "relative", "Cwd must be an absolute path"),
    ("process.args", [], "no command specified"),
    ("process.rlimits", [{"type": "RLIMIT_X", "soft": 1, "hard": 1}], "invalid rlimit type"),
    ("process.apparmorProfile", "x", "apparmor"),
    ("process.selinuxLabel", "x", "selinux"),
    ("process.scheduler", {"policy": "SCHED_X"}, "invalid scheduler policy"),
    ("process.ioPriority", {"class": "IOPRIO_CLASS_RT", "priority": 9}, "invalid ioPriority"),
    ("linux.sysctl", {"kernel.panic": "1"}, "is not in a separate kernel namespace"),
    ("linux.sysctl", {"kernel.hostname": "x"}, "conflicts with the OCI field hostname"),
    ("linux.namespaces", [{"type": "mount"}, {"type": "mount"}], "duplicated ns mount"),
    ("linux.namespaces", [{"type": "mount"}, {"type": "what"}], "unknown namespace type"),
    ("linux.uidMappings", [{"containerID": 0, "hostID": 5, "size": 1}], "user namespace isn't"),
    ("linux.timeOffsets", {"boottime": {"secs": 1}}, "time namespace isn't enabled"),
    ("linux.intelRdt", {"closID": "x"}, "intelRdt is not supported"),
    ("linux.mountLabel", "x", "SELinux labels are not supported"),
    ("linux.personality", {"domain": "BSD"}, "unknown personality domain"),
    ("linux.resources", {"memory": {"limit": 99, "swap": 9}}, "should be >= memory limit"),
    ("linux.resources", {"devices": [{"allow": True, "type": "x"}]}, "invalid cgroup device type"),
    ("mounts", [{"destination": "/proc/self", "type": "tmpfs"}], "inside /proc"),
    ("mounts", [{"destination": "/x", "source": "/nosuch", "type": "bind"}], "mounting to rootfs"),
    ("hooks", {"prestart": [{"path": "/no/such/hook"}]}, "/no/such/hook"),
    ("hooks", {"createContainer": [{"path": "relative"}]}, "invalid hook path"),
    ("ociVersion", "2.0.0", "is not supported"),
    ("ociVersion", "new", "invalid ociVersion"),
]


@pytest.mark.parametrize("path, value, text", BAD, ids=[f"{b[0]}-{i}" for i, b in enumerate(BAD)])
def test_bad_configs_leave_nothing(runtime, path, value, text):
    result = runtime.run("true", change=changed(path, value))
    assert result.returncode == 1 and text in result.stderr.replace('\\"', '"'), result
    assert not runtime.left()


def test_names_and_flags(runtime):
    path = runtime.bundle("true")
    for name in ("..", "a/b", "a b", ""):
        assert "container" in runtime("create", "--bundle", path, name).stderr
    assert "flag provided but not defined" in runtime("create", "--what", "x").stderr
    assert "requires exactly 1 argument" in runtime("state").stderr
    assert runtime("what").returncode == 3
    assert "not found" in runtime("run", "--bundle", runtime.dir, "x").stderr
    refused = runtime("run", "--bundle", path, "x", globals_=["--systemd-cgroup"])
    assert "systemd" in refused.stderr and refused.returncode == 1
    assert "not supported" in runtime("checkpoint", "x").stderr
    runtime.create("taken", "true")
    again = runtime("create", "--bundle", path, "taken")
    assert "container with given ID already exists" in again.stderr


def test_log_as_json(runtime):
    log = os.path.join(runtime.dir, "log")
    result = runtime("state", "nobody", globals_=["--log", log, "--log-format", "json"])
    assert "container does not exist" in result.stderr
    with open(log, encoding="utf-8") as text:
        record = json.loads(text.read())
    assert (record["level"], record["msg"]) == ("error", "container does not exist")
    assert "invalid log-format" in runtime("list", globals_=["--log-format", "x"]).stderr


def test_exec(runtime):
    runtime.create("exec", "sleep", "1000")
    runtime.ok("start", "exec")
    result = runtime("exec", "exec", "sh", "-c", "cat; echo err >&2; exit 5", input="in")
    assert (result.returncode, result.stdout, result.stderr) == (5, "in", "err\n")
    changed_ = runtime.ok(
        "exec", "-u", "1000:50", "-g", "77", "-e", "X=y z", "--cwd", "/bin", "-c", "CAP_SYS_TIME",
        "--no-new-privs", "exec", "sh", "-c",
        "id -u; id -G; echo $X; pwd; grep -E 'CapBnd|NoNewPrivs' /proc/self/status",
    )  # fmt: skip
    assert changed_.split() == [
        "1000", "50", "77", "y", "z", "/bin", "CapBnd:", "0000000022000420", "NoNewPrivs:", "1",
    ]  # fmt: skip
    pid_file = os.path.join(runtime.dir, "pid")
    assert runtime.start("exec", "-d", "--pid-file", pid_file, "exec", "sleep", "500") == (0, "")
    with open(pid_file, encoding="utf-8") as text:
        pid = int(text.read())
    assert sorted(json.loads(runtime.ok("ps", "-f", "json", "exec"))) == sorted(
        [pid, json.loads(runtime.ok("state", "exec"))["pid"]]
    )
    assert "sleep 500" in runtime.ok("ps", "exec")
    for args, text in ((["nosuch"], "executable file not found"), ([], "exec needs a command")):
        failed = runtime("exec", "exec", *args)
        assert failed.returncode == 255 and text in failed.stderr


def test_exec_of_a_process_file(runtime):
    runtime.create("file", "sleep", "1000")
    runtime.ok("start", "file")
    process = {"args": ["sh", "-c", "id -u; exit 9"], "cwd": "/", "user": {"uid": 33, "gid": 0},
               "env": ["PATH=/bin"]}  # fmt: skip
    path = os.path.join(runtime.dir, "process.json")
    with open(path, "w", encoding="utf-8") as text:
        json.dump(process, text)
    result = runtime("exec", "--process", path, "file")
    assert (result.returncode, result.stdout) == (9, "33\n")


def test_exec_joins_the_cgroup(runtime):
    runtime.create("group", "sleep", "1000")
    runtime.ok("start", "group")
    inside = runtime.ok("exec", "group", "cat", "/proc/self/cgroup")
    pid = json.loads(runtime.ok("state", "group"))["pid"]
    with open(f"/proc/{pid}/cgroup", encoding="utf-8") as text:
        assert runtime.cgroup in text.read()
    # Its cgroup is the root of the namespace that it sees.
    assert runtime.cgroup not in inside


def test_console_socket(runtime):
    receiver = bundle.Receiver(os.path.join(runtime.dir, "console"))
    runtime.create(
        "console", "sh", "-c", "tty; test -t 1 && echo terminal; read line; echo got $line",
        change=changed("process.terminal", True), flags=("--console-socket", receiver.path),
    )  # fmt: skip
    master = receiver.fd()
    runtime.ok("start", "console")
    os.write(master, b"words\n")
    output = b""
    while b"got words" not in output:
        output += os.read(master, 1000)
    assert b"/dev/pts/0" in output and b"terminal" in output
    runtime.wait_status("console", "stopped")
    receiver.close()


def test_a_terminal_needs_a_console_socket(runtime):
    terminal = changed("process.terminal", True)
    code, output = runtime.start("create", "--bundle", runtime.bundle("sh", change=terminal), "t")
    assert code == 1 and "needs --console-socket" in output
    result = runtime.run("true", flags=("--console-socket", "/x"))
    assert "--console-socket is only for" in result.stderr


def test_run_on_a_terminal(runtime):
    path = runtime.bundle(
        "sh", "-c", "tty; read line; echo got $line; exit 4", change=changed("process.terminal", True)
    )
    master, slave = os.openpty()
    with subprocess.Popen(
        runtime.command("run", "--bundle", path, "pty"), stdin=slave, stdout=slave, stderr=slave
    ) as process:
        os.close(slave)
        os.write(master, b"words\n")
        output = b""
        while b"got words" not in output:
            output += os.read(master, 1000)
        assert process.wait(60) == 4
    os.close(master)
    assert b"/dev/pts/0" in output


def test_preserved_descriptors(runtime):
    read, write = os.pipe()
    path = runtime.bundle("sh", "-c", "echo through >&3; ls /proc/self/fd")
    with subprocess.Popen(
        ["bash", "-c", f'exec 3>&{write} 4>&{write}; exec "$@"', "sh",
         *runtime.command("run", "--preserve-fds", "1", "--bundle", path, "fds")],
        pass_fds=[write], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        os.close(write)
        output = process.stdout.read()
    assert os.read(read, 100) == b"through\n"
    os.close(read)
    assert output.split() == ["0", "1", "2", "3", "4"]  # 4 is what ls reads the directory by


def test_list(runtime):
    assert runtime.ok("list", "-f", "json") == "null"
    runtime.create("one", "sleep", "1000", change=changed("annotations", {"key": "value"}))
    runtime.create("two", "sleep", "1000")
    runtime.ok("start", "two")
    assert runtime.ok("list", "-q") == "one\ntwo\n"
    entries = json.loads(runtime.ok("list", "-f", "json"))
    assert [(entry["id"], entry["status"]) for entry in entries] == [
        ("one", "created"),
        ("two", "running"),
    ]
    assert entries[0]["annotations"] == {"key": "value"}
    lines = runtime.ok("list").splitlines()
    assert lines[0].split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]
    assert lines[2].split()[2] == "running"


def read_limit(runtime, number, v1, v2):
    for path in runtime.cgroup_dirs(f"/c{number}"):
        for name in (v1, v2):
            file = os.path.join(path, name)
            if os.path.exists(file):
                with open(file, encoding="utf-8") as text:
                    return text.read().split()[0]
    return None


def test_limits_and_update(runtime):
    limits = {"memory": {"limit": 1 << 26}, "pids": {"limit": 20}, "cpu": {"shares": 512}}
    runtime.create("limits", "sleep", "1000", change=changed("linux.resources", limits))
    number = runtime.count
    assert read_limit(runtime, number, "memory.limit_in_bytes", "memory.max") == str(1 << 26)
    assert read_limit(runtime, number, "pids.max", "pids.max") == "20"
    assert read_limit(runtime, number, "cpu.shares", "cpu.weight") in ("512", "20", "59")
    runtime.ok("start", "limits")
    runtime.ok("update", "--memory", "128m", "--pids-limit", "30", "limits")
    assert read_limit(runtime, number, "memory.limit_in_bytes", "memory.max") == str(1 << 27)
    assert read_limit(runtime, number, "pids.max", "pids.max") == "30"
    runtime.ok("update", "-r", "-", "limits", input='{"pids":{"limit":40}}')
    assert read_limit(runtime, number, "pids.max", "pids.max") == "40"
    tight = '{"memory":{"limit":4096,"checkBeforeUpdate":true}}'
    refused = runtime("update", "-r", "-", "limits", input=tight)
    assert "below the current usage" in refused.stderr
    assert "invalid size" in runtime("update", "--memory", "much", "limits").stderr
    event = json.loads(runtime.ok("events", "--stats", "limits"))
    assert event["type"] == "stats" and event["data"]["pids"]["current"] == 1
    assert event["data"]["memory"]["usage"]["limit"] == 1 << 27


def test_events_stream(runtime):
    runtime.create("events", "sleep", "1000")
    runtime.ok("start", "events")
    with subprocess.Popen(
        runtime.command("events", "--interval", "50ms", "events"), stdout=subprocess.PIPE
    ) as process:
        for _ in range(3):
            assert json.loads(process.stdout.readline())["type"] == "stats"
        runtime.ok("kill", "events", "KILL")
        assert process.wait(60) == 0


def test_pause(runtime):
    runtime.create("pause", "sleep", "1000")
    runtime.ok("start", "pause")
    runtime.ok("pause", "pause")
    assert runtime.status("pause") == "paused"
    assert "paused" in runtime("exec", "pause", "true").stderr
    assert "container not running" in runtime("pause", "pause").stderr
    runtime.ok("resume", "pause")
    assert runtime.status("pause") == "running"
    assert "container not paused" in runtime("resume", "pause").stderr
    runtime.ok("pause", "pause")
    runtime.ok("kill", "pause", "KILL")
    runtime.wait_status("pause", "stopped")


def test_kill_all(runtime):
    def share_pids(config):
        linux = config["linux"]
        linux["namespaces"] = [entry for entry in linux["namespaces"] if entry["type"] != "pid"]
        # A proc of its own shows the pid namespace of who mounts it; none is needed here.
        config["mounts"] = [entry for entry in config["mounts"] if entry["destination"] != "/proc"]
        del linux["maskedPaths"], linux["readonlyPaths"]

    runtime.create("all", "sh", "-c", "sleep 1000 & sleep 1000 & wait", change=share_pids)
    runtime.ok("start", "all")
    wait.until(lambda: len(json.loads(runtime.ok("ps", "-f", "json", "all"))) == 3, "both sleep")
    runtime.ok("kill", "--all", "all", "KILL")
    wait.until(lambda: json.loads(runtime.ok("ps", "-f", "json", "all")) == [], "all are gone")


HOOKS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")


def hook(path, *script, **more):
    return {"path": path, "args": ["sh", "-c", *script], "env": ["PATH=/bin:/usr/bin"], **more}


def test_hooks(runtime):
    log = os.path.join(runtime.dir, "hooks")
    inside = "/tmp/hooks"

    def change(config):
        config["mounts"].append(
            {"destination": inside, "type": "bind", "source": log, "options": ["rbind"]}
        )
        config["hooks"] = {}
        for name in HOOKS:
            where = inside if name == "startContainer" else log
            script = (
                f"cat > {where}/{name}; echo {name} >> {where}/order;"
                f"readlink /proc/self/ns/uts > {where}/{name}.uts"
            )
            config["hooks"][name] = [hook("/bin/sh", script)]

    os.mkdir(log)
    runtime.create("hooks", "true", change=change)
    runtime.ok("start", "hooks")
    runtime.wait_status("hooks", "stopped")
    runtime.ok("delete", "hooks")

    def read(name):
        with open(os.path.join(log, name), encoding="utf-8") as text:
            return text.read()

    assert read("order").split() == list(HOOKS)
    states = {name: json.loads(read(name)) for name in HOOKS}
    assert [states[name]["status"] for name in HOOKS] == [
        "creating", "creating", "creating", "created", "running", "stopped",
    ]  # fmt: skip
    assert all(state["id"] == "hooks" for state in states.values())
    assert states["createContainer"]["pid"] == 1 and states["createRuntime"]["pid"] > 1
    own = os.readlink("/proc/self/ns/uts")
    assert [read(name + ".uts").strip() == own for name in HOOKS] == [
        True, True, False, False, True, True,
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["prestart", "createRuntime", "createContainer"])
def test_hooks_that_fail_end_the_create(runtime, name):
    for entry, text in (
        (hook("/bin/sh", "echo why >&2; exit 3"), "error running hook"),
        (hook("/bin/sh", "sleep 100", timeout=1), "ran past"),
    ):
        result = runtime.run("true", change=changed("hooks", {name: [entry]}))
        assert result.returncode == 1 and text in result.stderr, result
        assert not runtime.left()


def test_hooks_that_fail_later_are_only_told_of(runtime):
    failing = [hook("/bin/sh", "exit 3")]
    result = runtime.run("true", change=changed("hooks", {"poststart": failing, "poststop": failing}))
    assert result.returncode == 0 and result.stderr.count("level=warning") == 2


def test_user_namespace(runtime):
    closed = os.path.join(runtime.dir, "closed")
    os.mkdir(closed, 0o700)
    os.mkdir(os.path.join(closed, "volume"))

    def change(config):
        mapping = [{"containerID": 0, "hostID": 100000, "size": 65536}]
        config["linux"]["namespaces"].append({"type": "user"})
        config["linux"].update(uidMappings=mapping, gidMappings=mapping)
        config["mounts"].append(
            {"destination": "/tmp", "type": "bind", "source": os.path.join(closed, "volume"),
             "options": ["rbind", "idmap"]}
        )  # fmt: skip

    script = "cat /proc/self/uid_map; id -u; touch /tmp/x; stat -c %u /tmp/x; echo > /dev/null"
    result = runtime.run("sh", "-c", script, change=change)
    assert (result.returncode, result.stdout.split()) == (
        0, ["0", "100000", "65536", "0", "0"],
    ), result  # fmt: skip
    assert os.stat(os.path.join(closed, "volume", "x")).st_uid == 0


def test_time_namespace(runtime):
    def change(config):
        config["linux"]["namespaces"].append({"type": "time"})
        config["linux"]["timeOffsets"] = {"boottime": {"secs": 500000000}}

    result = runtime.run("awk", "{print ($1 > 400000000)}", "/proc/uptime", change=change)
    assert result.stdout == "1\n"


def test_namespaces_by_path(runtime):
    runtime.create("first", "sleep", "1000")
    runtime.ok("start", "first")
    pid = json.loads(runtime.ok("state", "first"))["pid"]

    def change(config):
        for entry in config["linux"]["namespaces"]:
            if entry["type"] in ("network", "ipc", "pid"):
                name = {"network": "net"}.get(entry["type"], entry["type"])
                entry["path"] = f"/proc/{pid}/ns/{name}"

    script = "for name in net ipc pid; do readlink /proc/self/ns/$name; done"
    result = runtime.run("sh", "-c", script, change=change)
    assert result.stdout.split() == [
        os.readlink(f"/proc/{pid}/ns/{name}") for name in ("net", "ipc", "pid")
    ], result


def without(kind):
    """A function that takes the namespace KIND out of a config."""

    def change(config):
        config["linux"]["namespaces"] = [
            entry for entry in config["linux"]["namespaces"] if entry["type"] != kind
        ]

    return change


def mounts_below(path):
    with open("/proc/self/mountinfo", encoding="utf-8") as text:
        return [line for line in text if line.split()[4].startswith(path + "/")]


def test_without_a_mount_namespace(runtime):
    change = without("mount")
    result = runtime.run("sh", "-c", "readlink /proc/self/ns/mnt; ls -d /bin", change=change)
    assert result.stdout.split() == [os.readlink("/proc/self/ns/mnt"), "/bin"], result
    assert not mounts_below(runtime.rootfs)
    readonly = {"path": runtime.rootfs, "readonly": True}
    result = runtime.run("true", change=lambda c: (change(c), c.update(root=readonly)))
    assert "need a mount namespace" in result.stderr


def test_joins_a_mount_namespace(runtime):
    with subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", "echo; sleep 1000"], stdout=subprocess.PIPE
    ) as holder:
        holder.stdout.readline()

        def change(config):
            for entry in config["linux"]["namespaces"]:
                if entry["type"] == "mount":
                    entry["path"] = f"/proc/{holder.pid}/ns/mnt"

        wanted = os.readlink(f"/proc/{holder.pid}/ns/mnt")
        result = runtime.run("sh", "-c", "readlink /proc/self/ns/mnt; ls -d /bin", change=change)
        assert result.stdout.split() == [wanted, "/bin"], result
        assert not mounts_below(runtime.rootfs)
        holder.kill()


def test_what_the_process_gets(runtime):
    def change(config):
        config["hostname"] = "myhost"
        config["domainname"] = "mydomain"
        config["process"].update(
            oomScoreAdj=123, rlimits=[{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 88}],
            scheduler={"policy": "SCHED_BATCH", "nice": 4}, noNewPrivileges=True,
            ioPriority={"class": "IOPRIO_CLASS_IDLE", "priority": 0},
        )  # fmt: skip
        config["linux"]["personality"] = {"domain": "LINUX32"}
        config["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.msgmax": "9999"}

    script = (
        "hostname; cat /proc/sys/kernel/domainname /proc/self/oom_score_adj;"
        "ulimit -n; ulimit -Hn; awk '{print $19, $41}' /proc/self/stat;"
        "cat /proc/self/personality /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax"
    )
    result = runtime.run("sh", "-c", script, change=change)
    assert result.stdout.split() == [
        "myhost", "mydomain", "123", "77", "88", "4", "3", "00000008", "1", "9999",
    ], result  # fmt: skip


def test_files_of_the_container(runtime):
    def change(config):
        config["linux"]["maskedPaths"] = ["/proc/kcore", "/tmp/secret"]
        config["linux"]["readonlyPaths"] = ["/proc/sys", "/tmp/fixed"]
        config["linux"]["devices"] = [
            {"path": "/dev/extra", "type": "c", "major": 1, "minor": 5, "fileMode": 0o640,
             "uid": 5, "gid": 6},
            {"path": "/dev/pipe", "type": "p"},
        ]  # fmt: skip
        config["mounts"] += [
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs",
             "options": ["tmpcopyup", "mode=700", "nosuid", "noexec"]},
        ]  # fmt: skip

    for name in ("secret", "fixed"):
        os.makedirs(os.path.join(runtime.rootfs, "tmp", name), exist_ok=True)
        with open(os.path.join(runtime.rootfs, "tmp", name, "file"), "w", encoding="utf-8") as text:
            text.write(name)
    script = (
        "stat -c '%a %u %g %t:%T' /dev/extra; stat -c %F /dev/pipe; ls /tmp/secret | wc -l;"
        "cat /tmp/fixed/file; touch /tmp/fixed/x 2>&1; touch /tmp/y && echo written;"
        "ls -ld /dev/fd /dev/stdin /dev/ptmx | wc -l; grep ' /tmp ' /proc/mounts"
    )
    output = runtime.run("sh", "-c", script, change=change).stdout
    assert output.startswith("640 5 6 1:5\nfifo\n0\nfixed"), output
    assert "Read-only file system" in output and "written\n3\n" in output
    assert "nosuid,noexec" in output


@pytest.mark.parametrize("value, wanted", [("shared", "shared:"), ("private", None)])
def test_root_propagation(runtime, value, wanted):
    output = runtime.run(
        "grep", " / / ", "/proc/self/mountinfo", change=changed("linux.rootfsPropagation", value)
    ).stdout
    line = runtime.run(
        "awk", '$5 == "/"', "/proc/self/mountinfo",
        change=changed("linux.rootfsPropagation", value),
    ).stdout  # fmt: skip
    assert ("shared:" in line) == (wanted is not None), output + line


def test_no_pivot(runtime):
    assert runtime.run("ls", "/", flags=("--no-pivot",)).stdout.split() == sorted(
        os.listdir(runtime.rootfs)
    )


def test_seccomp(runtime):
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64"],
        "flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
        "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}],
    }
    result = runtime.run("mkdir", "/tmp/new", change=changed("linux.seccomp", profile))
    assert "No space left on device" in result.stderr
    profile["syscalls"][0]["action"] = "SCMP_ACT_NOTIFY"
    result = runtime.run("true", change=changed("linux.seccomp", profile))
    assert "listenerPath must be set" in result.stderr


def test_seccomp_notify(runtime):
    receiver = bundle.Receiver(os.path.join(runtime.dir, "seccomp"))
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64"],
        "listenerPath": receiver.path,
        "listenerMetadata": "words",
        "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}],
    }
    runtime.create("notify", "mkdir", "/tmp/new", change=changed("linux.seccomp", profile))
    fd = receiver.fd()
    state = json.loads(receiver.data)
    assert os.readlink(f"/proc/self/fd/{fd}") == "anon_inode:seccomp notify"
    assert state["fds"] == ["seccompFd"] and state["metadata"] == "words"
    assert state["state"]["id"] == "notify" and state["pid"] == state["state"]["pid"]
    receiver.close()


def test_a_create_that_is_killed_can_be_cleaned_up(runtime):
    mark = os.path.join(runtime.dir, "mark")
    path = runtime.bundle(
        "true",
        change=changed("hooks", {"createRuntime": [hook("/bin/sh", f"echo > {mark}; sleep 30")]}),
    )
    with subprocess.Popen(
        runtime.command("create", "--bundle", path, "killed"), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        wait.until(lambda: os.path.exists(mark), "the hook runs")
        bundle.kill(process.pid)
    assert runtime.status("killed") == "creating"
    runtime.ok("delete", "killed")
    assert not runtime.left()


def test_spec_and_features(runtime):
    path = os.path.join(runtime.dir, "spec")
    os.mkdir(path)
    runtime.ok("spec", "--bundle", path)
    assert "File config.json exists" in runtime("spec", "--bundle", path).stderr
    os.remove(os.path.join(path, "config.json"))
    runtime.ok("spec", "--rootless", "--bundle", path)
    with open(os.path.join(path, "config.json"), encoding="utf-8") as text:
        config = json.load(text)
    assert {"type": "user"} in config["linux"]["namespaces"]
    features = json.loads(runtime.ok("features"))
    assert features["linux"]["mountExtensions"]["idmap"]["enabled"]
    assert "gantry-runtime version" in runtime.ok("--version")
    assert "create" in runtime.ok("--help") and "--pid-file" in runtime.ok("create", "--help")
