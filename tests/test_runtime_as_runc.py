"""gantry-runtime: small things that runc does and its callers rely on. Found by runc's own tests."""

import json
import os
import stat
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
    for name in os.listdir(shared.root) if os.path.isdir(shared.root) else []:
        shared("delete", "--force", name)
    assert not shared.left()


@pytest.fixture
def directory(shared):
    """A directory of the root file system, with every bit set."""
    path = os.path.join(shared.rootfs, "place")
    os.mkdir(path)
    os.chmod(path, 0o7777)
    yield path
    os.rmdir(path)


def on_place(*options):
    def change(config):
        config["mounts"].append(
            {"destination": "/place", "type": "tmpfs", "source": "tmpfs", "options": list(options)}
        )

    return change


def test_a_tmpfs_looks_like_what_it_covers(runtime, directory):
    assert runtime.run("stat", "-c", "%a", "/place", change=on_place()).stdout == "7777\n"
    os.chmod(directory, 0o710)
    assert runtime.run("stat", "-c", "%a", "/place", change=on_place("noexec")).stdout == "710\n"
    assert runtime.run("stat", "-c", "%a", "/place", change=on_place("mode=0440")).stdout == "440\n"


def test_a_mask_is_mounted_once(runtime, directory):
    del directory

    def change(config):
        config["linux"]["maskedPaths"] += ["/place", "/place"]

    assert runtime.run("grep", "-c", " /place ", "/proc/mounts", change=change).stdout == "1\n"


@pytest.mark.parametrize("name", ["proc", "sys"])
def test_a_link_in_place_of_proc(runtime, name):
    link = os.path.join(runtime.rootfs, name)
    kept = link + ".kept"
    if os.path.lexists(link):
        os.rename(link, kept)
    os.symlink("/tmp", link)
    try:
        result = runtime.run("true")
    finally:
        os.unlink(link)
        if os.path.lexists(kept):
            os.rename(kept, link)
    assert result.returncode == 1 and "must be mounted on ordinary directory" in result.stderr


NOTHING = {
    "blockIO": {"weight": 0},
    "cpu": {"shares": 0, "quota": 0, "period": 0, "realtimeRuntime": 0, "realtimePeriod": 0},
    "memory": {"limit": 0, "swap": 0, "reservation": 0},
}


def test_zero_is_no_limit(runtime):
    """dockerd writes 0 for what nobody gave."""

    def change(config):
        config["linux"]["resources"].update(NOTHING)

    runtime.create("zero", "sleep", "1000", change=change)
    runtime.ok("start", "zero")
    runtime.ok("update", "--memory", str(64 << 20), "zero")
    runtime.ok("update", "--resources", "-", "zero", input=json.dumps(NOTHING))
    stats = json.loads(runtime.ok("events", "--stats", "zero"))
    assert stats["data"]["memory"]["usage"]["limit"] == 64 << 20


def test_the_hosts_proc(runtime):
    def change(config):
        linux = config["linux"]
        linux["namespaces"] = [entry for entry in linux["namespaces"] if entry["type"] != "pid"]
        for mount in config["mounts"]:
            if mount["destination"] == "/proc":
                mount.update(type="none", source="/proc", options=["rbind", "nosuid"])

    result = runtime.run("cat", "/proc/1/comm", change=change)
    with open("/proc/1/comm", encoding="utf-8") as text:
        assert (result.returncode, result.stdout) == (0, text.read()), result


def test_a_capability_lets_execute(runtime):
    program = os.path.join(runtime.rootfs, "bin/roots-own")
    with open(program, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nid -u\n")
    os.chmod(program, stat.S_IRWXU)
    user = {"user": {"uid": 1000, "gid": 1000}}
    refused = runtime.run("/bin/roots-own", process=user)
    assert refused.returncode != 0 and "permission denied" in refused.stderr
    names = ["CAP_DAC_OVERRIDE"]
    sets = ("bounding", "effective", "permitted", "inheritable", "ambient")
    user["capabilities"] = {name: names for name in sets}
    result = runtime.run("/bin/roots-own", process=user)
    os.unlink(program)
    assert result.stdout == "1000\n", result


def test_home_is_the_users(runtime):
    etc = os.path.join(runtime.rootfs, "etc")
    os.makedirs(etc, exist_ok=True)
    with open(os.path.join(etc, "passwd"), "w", encoding="utf-8") as file:
        file.write("root:x:0:0::/root:/bin/sh\nsomebody:x:2000:2000::/home/somebody:/bin/sh\n")
    runtime.create("home", "sleep", "1000")
    runtime.ok("start", "home")
    homes = [runtime.ok("exec", "--user", user, "home", "sh", "-c", "echo $HOME").strip()
             for user in ("0", "2000", "3000")]  # fmt: skip
    os.unlink(os.path.join(etc, "passwd"))
    assert homes == ["/root", "/home/somebody", "/"]


def test_kill_with_nothing(runtime):
    runtime.create("nothing", "sleep", "1000")
    runtime.ok("start", "nothing")
    runtime.ok("kill", "nothing", "0")
    assert runtime.status("nothing") == "running"
    runtime.ok("kill", "nothing", "KILL")
    runtime.wait_status("nothing", "stopped")
    refused = runtime("kill", "nothing", "0")
    assert refused.returncode == 1 and "container not running" in refused.stderr


@pytest.mark.parametrize("first_is_gone", [False, True])
def test_sigkill_without_a_pid_namespace(runtime, first_is_gone):
    """Without one, others do not die with the first process."""

    def change(config):
        linux = config["linux"]
        linux["namespaces"] = [entry for entry in linux["namespaces"] if entry["type"] != "pid"]
        config["mounts"] = [entry for entry in config["mounts"] if entry["destination"] != "/proc"]
        del linux["maskedPaths"], linux["readonlyPaths"]

    runtime.create("pids", "sh", "-c", "sleep 1000 & sleep 1000 & wait", change=change)
    runtime.ok("start", "pids")
    pids = wait.until(lambda: processes(runtime, 3), "both sleep")
    if first_is_gone:
        bundle.kill(json.loads(runtime.ok("state", "pids"))["pid"])
        runtime.wait_status("pids", "stopped")
        assert len(processes(runtime)) == 2
    runtime.ok("kill", "pids", "KILL")
    wait.until(lambda: all(bundle.gone(pid) for pid in pids), "all are gone")
    runtime.wait_status("pids", "stopped")


def processes(runtime, count=None):
    found = json.loads(runtime.ok("ps", "-f", "json", "pids"))
    return found if count is None or len(found) == count else None


def test_exec_into_a_sub_cgroup(runtime):
    path = runtime.create("sub", "sleep", "1000")
    runtime.ok("start", "sub")
    with open(os.path.join(path, "config.json"), encoding="utf-8") as text:
        group = json.load(text)["linux"]["cgroupsPath"]
    for place in bundle.cgroup_dirs(group):
        os.mkdir(place + "/below")
    usual = runtime.ok("exec", "sub", "cat", "/proc/self/cgroup")
    assert runtime.ok("exec", "--cgroup", "/", "sub", "cat", "/proc/self/cgroup") == usual
    below = runtime.ok("exec", "--cgroup", "below", "sub", "cat", "/proc/self/cgroup")
    assert below.count("/below\n") >= 1 and below.count("/below\n") == len(bundle.cgroup_dirs(group))
    for value, text in (("..", "bad sub cgroup path"), ("x/../..", "bad sub cgroup path"),
                        ("whaaat:/", "unknown controller"), ("nosuch", "o such file")):  # fmt: skip
        refused = runtime("exec", "--cgroup", value, "sub", "true")
        assert refused.returncode == 255 and text in refused.stderr, refused
    if "memory:" in usual:
        some = runtime.ok("exec", "--cgroup", "memory,pids:below", "sub", "cat", "/proc/self/cgroup")
        assert some.count("/below\n") == 2 and "memory:/below" in some


@pytest.mark.parametrize("terminal", [False, True])
def test_a_readonly_dev(runtime, terminal):
    def change(config):
        config["process"]["terminal"] = terminal
        for mount in config["mounts"]:
            if mount["destination"] == "/dev":
                mount["options"].append("ro")

    script = "ls -l /dev/null /dev/fd; touch /dev/x; echo x > /dev/null && echo open"
    result = runtime.run("sh", "-c", script, change=change)
    output = result.stdout + result.stderr
    assert "Read-only file system" in output and "open" in output and "/proc/self/fd" in output, result


def test_a_start_hook_has_the_processs_environment(runtime):
    def change(config):
        config["process"]["env"] = ["PATH=/bin", "ONE=two"]
        hook = {"path": "/bin/sh", "args": ["sh", "-c", 'test "$ONE" = two && test -n "$HOME"']}
        config["hooks"] = {"startContainer": [hook]}

    result = runtime.run("true", change=change)
    assert (result.returncode, result.stderr) == (0, ""), result


def test_debug(runtime):
    assert "level=debug" in runtime("list", globals_=["--debug"]).stderr
    assert "level=debug" not in runtime("list").stderr


def test_lines_end_as_the_program_ends_them(runtime):
    """On a terminal that is made for `run` itself, a line is not turned into CR LF twice."""

    def change(config):
        config["process"]["terminal"] = True

    path = runtime.bundle("sh", "-c", "tty; echo two", change=change)
    result = subprocess.run(
        runtime.command("run", "--bundle", path, "lines"), stdin=subprocess.DEVNULL,
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert (result.returncode, result.stdout) == (0, b"/dev/pts/0\ntwo\n"), result
