"""gantry-runtime under podman and containerd, and beside runc."""

import difflib
import json
import os

import pytest
from harness import bundle, peers, wait

RUNTIME = os.path.join(os.path.abspath(bundle.BIN), "gantry-runtime")


def needs(*programs):
    reason = peers.missing(*programs)
    return pytest.mark.skipif(bool(reason), reason=reason)


@pytest.fixture
def podman():
    peer = peers.Podman(RUNTIME)
    yield peer
    peer.close()


@pytest.fixture
def containerd():
    peer = peers.Containerd(RUNTIME)
    yield peer
    peer.close()


@needs("podman", "conmon")
def test_podman(podman):
    result = podman.run("--rm", "-i", "busybox:test", "sh", "-c", "cat; exit 3", stdin=None, input="in")
    assert (result.returncode, result.stdout) == (3, "in"), result
    result = podman.run("--rm", "busybox:test", "nosuch")
    assert result.returncode == 127 and "executable file" in result.stderr, result
    result = podman.run("--rm", "--tty", "busybox:test", "tty")
    assert result.stdout.strip() == "/dev/pts/0", result
    result = podman.run("-d", "--name", "one", "--memory", "64m", "busybox:test", "sleep", "1000")
    assert result.returncode == 0, result
    assert "sleep 1000" in podman.ok("top", "one")
    result = podman("exec", "one", "sh", "-c", "id -u; exit 4")
    assert (result.returncode, result.stdout) == (4, "0\n"), result
    assert podman.ok("exec", "--tty", "--user", "1000", "one", "sh", "-c", "id -u; tty").split() == [
        "1000", "/dev/pts/0",
    ]  # fmt: skip
    stats = json.loads(podman.ok("stats", "--no-stream", "--format", "json", "one"))
    assert "67.11MB" in stats[0]["mem_usage"], stats
    podman.ok("pause", "one")
    assert podman.ok("ps", "--all", "--format", "{{.Status}}").strip() == "Paused"
    podman.ok("unpause", "one")
    podman.ok("update", "--memory", "128m", "one")
    podman.ok("stop", "--time", "0", "one")
    assert podman.ok("inspect", "--format", "{{.State.ExitCode}}", "one").strip() == "137"
    podman.ok("start", "one")
    podman.ok("rm", "--force", "--time", "0", "one")


@needs("podman", "conmon")
def test_podman_pod(podman):
    """A container that joins the namespaces of another."""
    assert podman.run("-d", "--name", "first", "busybox:test", "sleep", "1000").returncode == 0
    wanted = podman.ok("exec", "first", "readlink", "/proc/self/ns/ipc")
    result = podman.run("--rm", "--ipc", "container:first", "busybox:test", "readlink", "/proc/self/ns/ipc")
    assert result.stdout == wanted, result


@needs("containerd", "ctr", "containerd-shim-runc-v2")
def test_containerd(containerd):
    result = containerd.run("a", "sh", "-c", "echo hello; exit 5", flags=("--rm",))
    assert (result.returncode, result.stdout) == (5, "hello\n"), result
    result = containerd.run("b", "nosuch", flags=("--rm",))
    assert result.returncode == 1 and "executable file not found" in result.stderr, result
    flags = ("--detach", "--memory-limit", str(1 << 26))
    result = containerd.run("c", "sleep", "1000", flags=flags)
    assert result.returncode == 0, result
    result = containerd("tasks", "exec", "--exec-id", "e", "c", "sh", "-c", "id -u; exit 4")
    assert (result.returncode, result.stdout) == (4, "0\n"), result
    assert len(containerd.ok("tasks", "ps", "c").splitlines()) == 2
    assert "memory.usage_in_bytes" in containerd.ok("tasks", "metrics", "c")
    containerd.ok("tasks", "pause", "c")
    assert containerd.ok("tasks", "ls").split()[-1] == "PAUSED"
    containerd.ok("tasks", "resume", "c")
    containerd.ok("tasks", "kill", "--signal", "SIGKILL", "c")
    wait.until(lambda: "STOPPED" in containerd.ok("tasks", "ls"), "the task has stopped")
    # ctr gives the task's exit code as its own.
    assert containerd("tasks", "rm", "c").returncode in (0, 137)
    containerd.ok("containers", "rm", "c")


DOCKERD = ("dockerd", "containerd", "containerd-shim-runc-v2", "docker")


@needs(*DOCKERD)
def test_dockerd():
    """--add-runtime: a container's life, each step by our runtime."""
    docker = peers.Dockerd(RUNTIME)
    try:
        docker_life(docker)
    finally:
        docker.close()


def docker_life(docker):
    def run(*arguments, **options):
        return docker("run", "--runtime", "gantry", "--network", "none", *arguments, **options)

    result = run("--rm", "-i", "busybox:test", "sh", "-c", "cat; exit 3", input="in")
    assert (result.returncode, result.stdout) == (3, "in"), result
    result = run("--rm", "busybox:test", "nosuch")
    assert result.returncode == 127 and "executable file not found" in result.stderr, result
    result = run("--rm", "--tty", "--user", "1000", "--read-only", "--hostname", "h", "busybox:test",
                 "sh", "-c", "tty; id -u; hostname; touch /x")  # fmt: skip
    assert result.stdout.split()[:3] == ["/dev/pts/0", "1000", "h"], result
    assert "Read-only file system" in result.stdout and result.returncode == 1
    result = run("-d", "--name", "one", "--memory", "64m", "--pids-limit", "50", "busybox:test", "sleep", "1000")
    assert result.returncode == 0, result
    assert docker.ok("inspect", "--format", "{{.HostConfig.Runtime}}", "one") == "gantry\n"
    assert "sleep 1000" in docker.ok("top", "one")
    result = docker("exec", "one", "sh", "-c", "id -u; exit 4")
    assert (result.returncode, result.stdout) == (4, "0\n"), result
    assert docker.ok("exec", "--tty", "one", "tty").strip() == "/dev/pts/0"
    docker.ok("pause", "one")
    assert docker.ok("inspect", "--format", "{{.State.Status}}", "one") == "paused\n"
    docker.ok("unpause", "one")
    docker.ok("update", "--memory", "96m", "--memory-swap", "96m", "one")
    assert "96MiB" in docker.ok("stats", "--no-stream", "--format", "{{.MemUsage}}", "one")
    docker.ok("stop", "--time", "0", "one")
    assert docker.ok("inspect", "--format", "{{.State.ExitCode}}", "one") == "137\n"
    docker.ok("start", "one")
    docker.ok("restart", "--time", "0", "one")
    docker.ok("rm", "--force", "one")
    calls = docker.calls()
    for command in ("create", "start", "exec", "pause", "resume", "update", "kill", "delete"):
        assert f" {command} " in calls, (command, calls)


@needs(*DOCKERD)
def test_dockerd_with_gantry_by_default():
    docker = peers.Dockerd(RUNTIME, {"default-runtime": "gantry"})
    try:
        assert "Default Runtime: gantry" in docker.ok("info")
        result = docker("run", "--rm", "--network", "none", "busybox:test", "sh", "-c", "exit 6")
        assert result.returncode == 6, result
        assert " create " in docker.calls()
        result = docker("run", "--rm", "--network", "none", "--runtime", "runc", "busybox:test", "true")
        assert result.returncode == 0, result
        assert docker.calls().count(" create ") == 1
    finally:
        docker.close()


SCRIPT = """
grep -E 'Cap|NoNewPrivs|Seccomp:|Groups' /proc/self/status
id; pwd; hostname; umask; env | sort
ulimit -n; cat /proc/self/oom_score_adj
for name in /dev /dev/*; do stat -c '%n %F %a %u %g %t:%T' $name; done
awk '{ split($6, o, ","); print $5, o[1], $5 ~ "^/proc/" ? "" : $9 }' /proc/self/mountinfo |
    grep -v cgroup | sort
cat /proc/1/comm; echo > /proc/sys/kernel/hostname; cat /proc/kcore
"""


def with_(**process):
    return lambda config: config["process"].update(process)


def many(config):
    config["hostname"] = "elsewhere"
    config["process"].update(
        user={"uid": 1000, "gid": 1000, "umask": 0o27, "additionalGids": [5, 50]},
        env=["PATH=/bin", "A=b c", "EMPTY="], cwd="/tmp", oomScoreAdj=200,
        rlimits=[{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}],
    )  # fmt: skip
    config["linux"]["maskedPaths"] += ["/proc/version", "/no/such/path"]
    config["mounts"] += [
        {"destination": "/tmp/t", "type": "tmpfs", "source": "x", "options": ["noexec", "size=1m"]},
        {"destination": "/mnt/b", "type": "bind", "source": "/usr", "options": ["rbind", "ro"]},
    ]


CASES = {
    "plain": lambda config: None,
    "many": many,
    "privileges": with_(noNewPrivileges=False, capabilities={"bounding": ["CAP_CHOWN"]}),
    "readonly": lambda config: config.update(root={**config["root"], "readonly": True}),
    "devices": lambda config: config["linux"].update(
        devices=[{"path": "/dev/d/x", "type": "c", "major": 1, "minor": 3, "fileMode": 0o600}]
    ),
    "no device": lambda config: config["process"].update(args=["nosuch"]),
    "bad cwd": with_(cwd="/nosuch"),
    "own args": with_(args=["false"]),
}


@needs("runc")
def test_a_container_is_as_runcs():
    """The same bundle, the same words on stdout, the same exit code. Masks in /proc are made of
    other file systems, and with a read-only cgroup mount runc leaves the tmpfs above writable."""
    runtimes = [bundle.Runtime(), bundle.Runtime(program="runc")]
    spec = runtimes[1]  # runc's own example config
    differences = []
    try:
        for name, change in CASES.items():
            path = spec.bundle("sh", "-c", SCRIPT, change=change)
            results = [runtime("run", "--bundle", path, "same") for runtime in runtimes]
            seen = [[*result.stdout.splitlines(), f"code {result.returncode}"] for result in results]
            if seen[0] != seen[1]:
                differences += [name, *difflib.unified_diff(*seen, "ours", "runc's", n=0)]
                differences += [result.stderr for result in results]
    finally:
        for runtime in runtimes:
            runtime.close()
    assert not differences, "\n".join(differences)


@needs("runc")
def test_states_are_as_runcs():
    runtimes = [bundle.Runtime(), bundle.Runtime(program="runc")]
    try:
        states = []
        for runtime in runtimes:
            runtime.create("same", "sleep", "1000")
            states.append(json.loads(runtime.ok("state", "same")))
        assert {key: type(value) for key, value in states[0].items()} == {
            key: type(value) for key, value in states[1].items()
        }
        assert states[0]["status"] == states[1]["status"] == "created"
    finally:
        for runtime in runtimes:
            runtime.close()
