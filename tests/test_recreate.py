"""inspect --as run|compose: what would make a container again."""

import json
import shlex

import pytest
import yaml

from harness.image import IMAGE, busybox_layer, docker_archive

pytestmark = pytest.mark.gantry_only("inspect --as is Gantry's own")

# What no two containers have in common, or what depends on when and as whom they run.
OWN = {"Id", "Created", "State", "ResolvConfPath", "HostnamePath", "HostsPath", "LogPath", "GraphDriver", "NetworkSettings", "RestartCount"}


def described(api, container):
    told = {k: v for k, v in api.inspect(container).items() if k not in OWN}
    if told["Config"]["Hostname"] == container[:12]:
        del told["Config"]["Hostname"]
    for mount in told["Mounts"]:
        if len(mount.get("Name", "")) == 64:  # an anonymous volume
            del mount["Name"], mount["Source"]
    return told


def again(gantry, api, container):
    """Removes the container, runs what --as printed, and gives both descriptions."""
    before = described(api, container)
    printed = gantry("inspect", "--as", "run", container, code=0)
    words = shlex.split(printed.out.replace("\\\n", " "))
    assert words[:2] == ["gantry", "run"]
    words[1] = "create"  # as it is: not every one of these can run
    if "--detach" in words:
        words.remove("--detach")
        detached = True
    else:
        detached = False
    api.delete(f"/containers/{container}", force=1)
    made = gantry.out(*words[1:])
    after = described(api, made)
    if detached:
        for stream in ("AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce"):
            after["Config"][stream] = before["Config"][stream]
    return before, after, printed


@pytest.fixture
def rich(api):
    """An image that says everything an image can say."""
    config = {
        "Env": ["PATH=/bin", "FROM=image"], "Cmd": ["image", "command"], "Entrypoint": ["/bin/echo"],
        "Labels": {"of": "image", "both": "1"}, "ExposedPorts": {"7/tcp": {}}, "Volumes": {"/vol": {}},
        "User": "1", "WorkingDir": "/work", "StopSignal": "SIGINT",
        "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 60000000000},
    }  # fmt: skip
    api.load_ok(docker_archive([busybox_layer()], ["rich:1"], config))
    return "rich:1"


CASES = {
    "nothing": [],
    "process": [
        "-e", "A=a b", "-e", "QUOTE='\"$x", "-e", "EMPTY=", "-l", "k=v w", "-l", "empty", "-u", "1:2", "-w", "/tmp",
        "-h", "some.host", "--domainname", "dom", "-t", "-i", "--stop-signal", "SIGUSR1", "--stop-timeout", "7",
        "--entrypoint", "/bin/sh", "--init", "--group-add", "5", "--annotation", "a=b",
    ],
    "health": [
        "--health-cmd", "test -e 'x y'", "--health-interval", "90s", "--health-timeout", "1500ms", "--health-retries", "4",
        "--health-start-period", "1m30s", "--health-start-interval", "2s",
    ],
    "no-health": ["--no-healthcheck"],
    "limits": [
        "-m", "64m", "--memory-swap", "128m", "--memory-reservation", "32m", "--memory-swappiness", "10",
        "--oom-score-adj", "100", "-c", "300", "--cpus", "1.25", "--cpuset-cpus", "0", "--cpuset-mems", "0",
        "--pids-limit", "50", "--ulimit", "nofile=100:200", "--ulimit", "core=0", "--shm-size", "32m",
        "--cgroup-parent", "/gantry-test-parent",
    ],
    "cpu-quota": ["--cpu-period", "50000", "--cpu-quota", "25000", "-m", "64m", "--memory-swap", "-1", "--oom-kill-disable"],
    "devices": ["--device", "/dev/null:/dev/other:r", "--device-cgroup-rule", "c 1:3 rw"],
    "security": [
        "--cap-add", "NET_ADMIN", "--cap-drop", "ALL", "--read-only", "--security-opt", "no-new-privileges",
        "--security-opt", "seccomp=unconfined", "--security-opt", "systempaths=unconfined", "--sysctl", "net.ipv4.ip_forward=1",
    ],
    "privileged": ["--privileged", "--userns", "host"],
    "namespaces": ["--pid", "host", "--ipc", "shareable", "--uts", "host", "--cgroupns", "private"],
    "host-network": ["--network", "host"],
    "no-network": ["--network", "none"],
    "network": [
        "-p", "18480:80", "-p", "127.0.0.1:18481:81/udp", "-p", "82", "-P", "--expose", "90", "--dns", "1.2.3.4",
        "--dns-option", "ndots:2", "--dns-search", "x.org", "--add-host", "name:1.2.3.4",
    ],
    "life": ["--restart", "on-failure:3", "--restart-unhealthy", "--log-driver", "none"],
    "logs": ["--log-opt", "max-size=1m", "--log-opt", "max-file=3", "--rm"],
    "mounts": [
        "-v", "named:/a:ro", "-v", "/anonymous", "-v", "/tmp:/b", "--tmpfs", "/c:size=1m,mode=700", "--tmpfs", "/d",
        "--mount", "type=volume,src=other,dst=/e,volume-nocopy,volume-label=k=v", "--mount", "type=bind,src=/tmp,dst=/f,readonly",
        "--mount", 'type=bind,src=/tmp,"dst=/with,comma",bind-propagation=rslave', "--mount", "type=tmpfs,dst=/g,tmpfs-size=1m,tmpfs-mode=711",
    ],
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("image", ["plain", "rich"])
def test_round_trip(gantry, api, rich, case, image):
    flags = CASES[case]
    command = ["sh", "-c", "echo '$HOME' \"x\"; exit 3"] if image == "plain" else []
    container = gantry.out("create", "--name", "box", *flags, IMAGE if image == "plain" else rich, *command)
    before, after, printed = again(gantry, api, container)
    assert after == before
    assert printed.err == ""


def test_detached_and_attached(gantry, api):
    for flags, wanted in ((["-d"], True), (["-d", "-i"], True)):
        container = gantry.out("run", *flags, IMAGE, "/bin/probe", "wait")
        config = api.inspect(container)["Config"]
        printed = gantry.out("container", "inspect", "--as", "run", container)
        assert ("--detach" in printed) == wanted
        api.remove(container)
        words = shlex.split(printed.replace("\\\n", " "))
        made = gantry.out(*words[1:])
        other = api.inspect(made)["Config"]
        assert {k: v for k, v in other.items() if k != "Hostname"} == {k: v for k, v in config.items() if k != "Hostname"}


def test_links(gantry, api):
    peer = api.waiting(name="db")
    container = gantry.out("create", "--name", "box", "--link", "db:data", "--link", "db", IMAGE, "true")
    before, after, printed = again(gantry, api, container)
    assert after == before and "--link db:data" in printed.out
    compose = yaml.safe_load(gantry.out("inspect", "--as", "compose", "box"))
    assert sorted(compose["services"]["box"]["external_links"]) == ["db:data", "db:db"]
    api.remove(peer)


def test_after_changes(gantry, api):
    gantry.out("create", "--name", "box", "-e", "A=1", IMAGE, "true")
    gantry("update", "-e", "A=2", "--label", "k=v", "--publish-add", "18482:80", "--mount-add", "data:/d", "box", code=0)
    container = api.inspect("box")["Id"]
    before, after, _ = again(gantry, api, container)
    before.pop("Revision")
    assert after == before


def test_what_no_flag_can_say(gantry, api, tmp_path):
    profile = tmp_path / "p.json"
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW"}))
    container = gantry.out("create", "--name", "box", "--security-opt", f"seccomp={profile}", IMAGE, "true")
    api.post(f"/containers/{container}/update", {"Change": {"Entrypoint": ["a", "b"]}})
    printed = gantry("inspect", "--as", "run", "box", code=0)
    assert "seccomp=seccomp.json" in printed.out and "SCMP_ACT_ALLOW" in printed.err
    assert "--entrypoint takes one word" in printed.err and printed.out.rstrip().endswith(f"{IMAGE} b true")


def test_compose(gantry, rich):
    gantry.out("create", "--name", "web", "-e", "PRICE=5$", "-l", "k=v", "-p", "18483:80", "-v", "named:/a:ro", "-m", "64m", "--cpus", "1.5",
               "--restart", "always", "--health-cmd", "test -e /x", "--ulimit", "nofile=10:20", "--log-opt", "max-size=1m",
               "--mount", "type=bind,src=/tmp,dst=/b,readonly", "--init", rich, "one", "two")  # fmt: skip
    gantry.out("create", "--name", "job", "--entrypoint", "", IMAGE, "sh", "-c", "x")
    text = gantry.out("inspect", "--as", "compose", "web", "job")
    file = yaml.safe_load(text)
    assert set(file) == {"services", "volumes"} and file["volumes"] == {"named": {"external": True}}
    web = file["services"]["web"]
    assert web == {
        "image": rich, "container_name": "web", "command": ["one", "two"], "environment": ["PRICE=5$$"], "labels": {"k": "v"},
        "healthcheck": {"test": ["CMD-SHELL", "test -e /x"], "interval": "1m0s"}, "restart": "always", "init": True,
        "logging": {"driver": "json-file", "options": {"max-size": "1m"}}, "cpus": 1.5, "mem_limit": 64 << 20,
        "ulimits": {"nofile": {"soft": 10, "hard": 20}}, "network_mode": "bridge", "ports": ["18483:80/tcp"],
        "volumes": ["named:/a:ro", {"type": "bind", "source": "/tmp", "target": "/b", "read_only": True}],
    }  # fmt: skip
    assert file["services"]["job"]["command"] == ["sh", "-c", "x"]


def test_refused(gantry):
    gantry.out("create", "--name", "box", IMAGE, "true")
    assert '"x" is not a valid value for --as' in gantry("inspect", "--as", "x", "box", code=1).err
    assert "No such container: nosuch" in gantry("inspect", "--as", "run", "nosuch", code=1).err
