"""What only the unified cgroup tree has. `make test-vm` runs it where that is all there is."""

import os

import pytest

from harness import cgroups, wait

if not cgroups.is_v2():
    pytest.skip("needs cgroup v2 alone: make test-vm", allow_module_level=True)

MIB = 1 << 20
# Moves everybody out of the container's own group and turns controllers on below it.
DIVIDE = """
cd /sys/fs/cgroup && mkdir init && for pid in $(cat cgroup.procs); do echo $pid > init/cgroup.procs; done
echo '+memory +pids' > cgroup.subtree_control && echo divided
exec sleep 1000
"""


@pytest.fixture
def disk():
    """The path and the number of the disk that /tmp is on."""
    number = os.stat("/tmp").st_dev
    number = f"{os.major(number)}:{os.minor(number)}"
    try:
        with open(f"/sys/dev/block/{number}/uevent", encoding="utf-8") as file:
            fields = dict(line.strip().split("=", 1) for line in file)
    except OSError:
        pytest.skip("/tmp is not on a disk")
    return "/dev/" + fields["DEVNAME"], number


@pytest.fixture
def divided(api):
    container = api.started("sh", "-c", DIVIDE, host={"Privileged": True}, name="divided")
    wait.until(lambda: b"divided" in api.logs(container)[0], "the group is divided")
    return container


def test_a_container_sees_its_own_group(api):
    out = api.shell(
        "cat /proc/self/cgroup; cd /sys/fs/cgroup; cat memory.max pids.max; cat cgroup.procs | head -1; mkdir x || echo no",
        host={"Memory": 64 * MIB, "PidsLimit": 44},
    )
    assert out.split() == ["0::/", str(64 * MIB), "44", "1", "no"]
    assert api.inspect(api.create("true"))["HostConfig"]["CgroupnsMode"] == "private"


def test_the_hosts_cgroup_namespace(api):
    container = api.waiting(host={"CgroupnsMode": "host"})
    code, out, _ = api.exec(container, "cat", "/proc/self/cgroup")
    assert (code, out.strip()) == (0, "0::" + cgroups.path_of(api.daemon, container))


def test_exec_into_a_divided_group(api, divided):
    code, out, err = api.exec(divided, "cat", "/proc/self/cgroup")
    assert (code, out.strip(), err) == (0, "0::/init", "")


def test_a_divided_group_is_frozen_and_removed(api, divided):
    group = cgroups.Group(api.daemon, divided)
    api.post(f"/containers/{divided}/pause", expect=204)
    assert "frozen 1" in cgroups.read("", group.path + "/init", "cgroup.events")
    api.post(f"/containers/{divided}/unpause", expect=204)
    assert int(cgroups.read("", group.path, "pids.current")) == 1
    api.remove(divided)
    wait.until(lambda: not group.exists(), "the group is gone with those below it")


def test_limits_of_a_disk(cli, api, disk):
    path, number = disk
    name = cli.out(
        "run", "-d", "--device-read-bps", f"{path}:1mb", "--device-write-bps", f"{path}:2mb",
        "--device-read-iops", f"{path}:30", "--device-write-iops", f"{path}:40", "--blkio-weight", "500",
        "busybox:test", "/bin/probe", "wait",
    )  # fmt: skip
    group = cgroups.Group(api.daemon, name)
    assert cgroups.read("", group.path, "io.max") == f"{number} rbps=1048576 wbps=2097152 riops=30 wiops=40"
    assert cgroups.read("", group.path, "io.weight") == "default 4950"


def test_blocks_are_counted(api, disk):
    container = api.waiting()
    assert api.exec(container, "dd", "if=/dev/zero", "of=/f", "bs=1M", "count=4", "conv=fsync")[0] == 0
    stats = api.get(f"/containers/{container}/stats", stream=0, **{"one-shot": 1}).json()
    entries = stats["blkio_stats"]["io_service_bytes_recursive"]
    written = {f"{e['major']}:{e['minor']}": e["value"] for e in entries if e["op"] == "write"}
    assert written[disk[1]] >= 4 * MIB
    assert stats["memory_stats"]["stats"]["file"] > 0 and "max_usage" not in stats["memory_stats"]
    assert stats["memory_stats"]["limit"] > 512 * MIB, "no limit is the machine's memory"


def test_no_limit_of_swap(api):
    container = api.waiting(host={"Memory": 64 * MIB, "MemorySwap": -1})
    assert cgroups.read("", cgroups.path_of(api.daemon, container), "memory.swap.max") == "max"


def test_devices_stay_closed_after_an_update(api):
    container = api.waiting(host={"DeviceCgroupRules": ["c 10:229 r"]})
    # fuse and tun: neither asks for a capability when it is opened.
    script = "mknod /f c 10 229; mknod /t c 10 200; true < /f && echo read; (true < /t) 2>/dev/null || echo closed"
    for _ in range(2):
        code, out, _ = api.exec(container, "sh", "-c", script)
        assert (code, out.split()) == (0, ["read", "closed"])
        api.post(f"/containers/{container}/update", {"PidsLimit": 50})


def test_what_v2_does_not_have(api):
    answer = api.create("true", host={"MemorySwappiness": 3, "OomKillDisable": True, "CpuRealtimeRuntime": 1000}, expect=(201, 400))
    if answer.status == 201:
        assert len(answer.json()["Warnings"]) >= 2
    info = api.get("/info").json()
    assert (info["CgroupVersion"], info["CgroupDriver"]) == ("2", "cgroupfs")
    assert info["MemoryLimit"] and info["CpuCfsQuota"] and info["PidsLimit"] and info["CPUSet"]
