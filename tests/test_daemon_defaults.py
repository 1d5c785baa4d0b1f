"""Flags and keys of gantryd that containers get their defaults from."""

import json
import os
import subprocess
import time

import pytest

from harness import daemon as daemons
from harness import schema


def validate(*flags):
    return subprocess.run([os.path.join(daemons.BIN, "gantryd"), "--validate", *flags], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.gantry_only("they are gantryd's")
def test_defaults(own_daemon):
    daemon = own_daemon(flags=[
        "--default-ulimit", "nofile=111:222", "--default-ulimit", "core=0", "--default-shm-size", "8m", "--default-cgroupns-mode", "private",
        "--default-ipc-mode", "shareable", "--init", "--ip", "127.0.0.1", "--exec-opt", "native.cgroupdriver=cgroupfs",
        "--storage-driver", "overlay2",
    ])  # fmt: skip
    api = daemon.api
    see = "ulimit -Sn; ulimit -Hn; ulimit -c; df -k /dev/shm | tail -n 1 | awk '{print $2}'; echo $$"
    out = api.shell(see).split()
    assert out[:4] == ["111", "222", "0", "8192"] and out[4] != "1"
    # a container's own words count
    own = {"Ulimits": [{"Name": "nofile", "Soft": 77, "Hard": 99}], "ShmSize": 4 << 20, "Init": False}
    out = api.shell(see, host=own).split()
    assert out == ["77", "99", "0", "4096", "1"]
    container = api.waiting(ExposedPorts={"80/tcp": {}}, host={"PortBindings": {"80/tcp": [{"HostPort": ""}]}})
    seen = api.inspect(container)
    assert (seen["HostConfig"]["IpcMode"], seen["HostConfig"]["CgroupnsMode"]) == ("shareable", "private")
    assert seen["NetworkSettings"]["Ports"]["80/tcp"][0]["HostIp"] == "127.0.0.1"
    assert api.exec(container, "sh", "-c", "ulimit -n")[1] == "111\n"
    assert api.shell("ls /dev/shm", host={"IpcMode": f"container:{container}"}) == ""
    other = api.shell("readlink /proc/self/ns/cgroup"), api.shell("readlink /proc/self/ns/cgroup", host={"CgroupnsMode": "host"})
    assert other[0] != other[1]
    # with the host's processes there is no place for an init
    assert api.output("true", host={"PidMode": "host"})[0] == 0


@pytest.mark.gantry_only("it is gantryd's")
def test_stop_timeout(own_daemon):
    daemon = own_daemon(flags=["--default-stop-timeout", "1"])
    api = daemon.api
    container = api.started("sleep", "1000")  # as process 1 it hears no SIGTERM
    api.post(f"/containers/{container}/stop")
    now = f"{time.time():.9f}"
    events = api.get("/events", since=1, until=now, filters={"event": ["kill"], "container": [container]}).json_lines()
    assert [e["Actor"]["Attributes"]["signal"] for e in events] == ["15", "9"]
    assert 0.9e9 < events[1]["timeNano"] - events[0]["timeNano"] < 9e9


@pytest.mark.gantry_only("they are gantryd's")
def test_in_the_file(own_daemon):
    daemon = own_daemon(settings={
        "default-ulimits": {"nofile": {"Name": "nofile", "Soft": 111, "Hard": 222}}, "default-shm-size": "8M", "default-ipc-mode": "shareable",
        "init": True, "default-stop-timeout": 3,
    })  # fmt: skip
    out = daemon.api.shell("ulimit -Sn; ulimit -Hn; df -k /dev/shm | tail -n 1 | awk '{print $2}'; echo $$").split()
    assert out[:3] == ["111", "222", "8192"] and out[3] != "1"


REFERENCE = os.path.join(os.path.dirname(schema.DESCRIPTION), "dockerd_flags.tsv")


def dockerd_flags():
    if not os.path.exists(REFERENCE):
        return []
    with open(REFERENCE, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file if line.startswith("--")]
    return [(row[0], row[2]) for row in rows]


def test_every_flag_of_dockerd_is_known():
    """None is unknown: it has an effect, or its name is in the refusal."""
    for flag, kind in dockerd_flags():
        if flag in ("--help", "--validate", "--version", "--config-file"):
            continue
        value = [] if kind == "bool" else ["nosuch value"]
        said = validate(flag, *value).stderr
        assert "unknown" not in said.replace("unknown option", "").replace("unknown or", ""), said
        assert not said or flag.strip("-") in said.replace("default runtime", "default-runtime")


@pytest.mark.gantry_only("it is gantryd's")
def test_host_gateway(own_daemon):
    api = own_daemon(settings={"host-gateway-ips": ["192.0.2.7", "2001:db8::7"]}).api
    hosts = api.shell("cat /etc/hosts", host={"ExtraHosts": ["up:host-gateway"]})
    assert "192.0.2.7\tup\n" in hosts and "2001:db8::7\tup\n" in hosts


BAD = [
    (["--default-ulimit", "x"], "invalid ulimit argument: x"),
    (["--default-ulimit", "x=1"], "invalid ulimit type: x"),
    (["--default-ulimit", "nofile=2:1"], "ulimit soft limit must be less than or equal to hard limit: 2 > 1"),
    (["--default-shm-size", "x"], "invalid size: 'x'"),
    (["--default-shm-size", "0"], "invalid size: '0'"),
    (["--default-cgroupns-mode", "x"], 'default cgroup namespace mode (x) is invalid; use "host" or "private"'),
    (["--default-ipc-mode", "host"], 'default IPC mode setting (host) is invalid; use "shareable" or "private"'),
    (["--default-stop-timeout", "-2"], "-2"),
    (["--ip", "x"], "x"),
    (["--init-path", "x"], "absolute"),
    (["--exec-opt", "native.cgroupdriver=systemd"], "systemd"),
    (["--exec-opt", "x=1"], "x=1"),
    (["--storage-driver", "btrfs"], "btrfs"),
    # dockerd's, without a counterpart yet
    (["--cpu-rt-period", "1000"], "Gantry does not support --cpu-rt-period yet"),
    (["--cpu-rt-runtime", "950000"], "Gantry does not support --cpu-rt-runtime yet"),
    (["--selinux-enabled"], "Gantry does not support --selinux-enabled yet"),
    (["--shutdown-timeout", "x"], "x"),
    (["--host-gateway-ip", "x"], "x"),
    (["--storage-opt", "overlay2.size=x"], "invalid size: 'x'"),
    (["--storage-opt", "overlay2.nosuch=1"], "overlay2: unknown option overlay2.nosuch=1"),
    (["--feature", "nosuch=true"], "Gantry does not support the feature nosuch=true yet"),
    (["--nosuch"], "unknown flag: --nosuch"),
]


@pytest.mark.parametrize("flags, text", BAD, ids=lambda v: str(v)[:50])
def test_bad_values(flags, text):
    result = validate(*flags)
    assert result.returncode != 0 and text in result.stderr


def test_bad_file(tmp_path):
    (tmp_path / "daemon.json").write_text(json.dumps({"default-ulimits": {"nofile": {"Soft": 1}}}))
    result = validate("--config-file", str(tmp_path / "daemon.json"))
    assert result.returncode != 0 and "nofile: must be a string or have Soft and Hard" in result.stderr
