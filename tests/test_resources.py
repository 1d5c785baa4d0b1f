"""Each limit of HostConfig, read from the cgroup or from inside the container, under v1 and v2."""

import os
import time

import pytest

from harness import cgroups, wait

MIB = 1 << 20


def test_memory_swappiness(api):
    answer = api.create("/bin/probe", "wait", host={"MemorySwappiness": 7}, expect=(201,))
    container, warnings = answer.json()["Id"], answer.json()["Warnings"]
    api.start(container)
    if cgroups.is_v2():
        assert any("swappiness" in text for text in warnings)
        assert api.inspect(container)["HostConfig"]["MemorySwappiness"] is None
    else:
        assert cgroups.read("memory", cgroups.path_of(api.daemon, container), "memory.swappiness") == "7"


def test_oom_kill_disable(api):
    host = {"OomKillDisable": True, "Memory": 64 * MIB}
    answer = api.create("/bin/probe", "wait", host=host, expect=(201,))
    container, warnings = answer.json()["Id"], answer.json()["Warnings"]
    api.start(container)
    if cgroups.is_v2():
        assert any("OomKillDisable discarded" in text for text in warnings)
    else:
        text = cgroups.read("memory", cgroups.path_of(api.daemon, container), "memory.oom_control")
        assert "oom_kill_disable 1" in text


def test_memory_that_runs_out_under_a_child(api):
    """The container goes on, but everybody is told, at once."""
    container = api.waiting(host={"Memory": 16 * MIB, "MemorySwap": 16 * MIB})
    assert api.exec(container, "/bin/probe", "eat", "200")[0] == 137
    wait.until(lambda: api.state(container)["OOMKilled"], "the container is OOMKilled")
    assert api.state(container)["Running"]

    def events():
        answer = api.get("/events", since=1, until=int(time.time()) + 1, filters={"container": [container]})
        return [line["Action"] for line in answer.json_lines()]

    assert events().count("oom") == 1
    assert api.exec(container, "/bin/probe", "eat", "200")[0] == 137
    wait.until(lambda: events().count("oom") == 2, "the second kill is told")
    api.post(f"/containers/{container}/restart", t=0)
    assert api.state(container)["OOMKilled"] is False


@pytest.mark.gantry_only("about gantryd itself")
def test_memory_that_runs_out_without_a_daemon(own_daemon, tmp_path):
    daemon = own_daemon()
    script = "while [ ! -e /go/now ]; do sleep 0.1; done; /bin/probe eat 200; exec sleep 1000"
    host = {"Memory": 16 * MIB, "MemorySwap": 16 * MIB, "Binds": [f"{tmp_path}:/go"]}
    container = daemon.api.started("sh", "-c", script, host=host)
    group = cgroups.Group(daemon, container)
    daemon.kill()
    (tmp_path / "now").write_text("")
    wait.until(lambda: group.oom_kills() == 1, "memory ran out")
    daemon.start()
    wait.until(lambda: daemon.api.state(container)["OOMKilled"], "the new daemon knows")
    assert daemon.api.state(container)["Running"]


def test_shm_size(api):
    assert api.shell("df -k /dev/shm | tail -1", host={"ShmSize": 8 * MIB}).split()[1] == "8192"


def test_ulimits(api):
    host = {"Ulimits": [{"Name": "nofile", "Soft": 77, "Hard": 99}]}
    assert api.shell("ulimit -Sn; ulimit -Hn", host=host).split() == ["77", "99"]


@pytest.mark.gantry_only("its default parent is another")
def test_cgroup_parent(api):
    parent = f"gantry-foreign-{os.getpid()}"
    container = api.waiting(host={"CgroupParent": "/" + parent})
    group = cgroups.Group(api.daemon, container, parent)
    try:
        assert group.exists() and not cgroups.Group(api.daemon, container).exists()
    finally:
        api.remove(container)
        remove_parent(parent)


def remove_parent(parent):
    roots = [os.path.join(cgroups.ROOT, name, parent) for name in os.listdir(cgroups.ROOT)]
    for path in [p for p in roots + [os.path.join(cgroups.ROOT, parent)] if os.path.isdir(p)]:
        wait.until(lambda: not any(e.is_dir() for e in os.scandir(path)), f"{path} is empty")
        os.rmdir(path)


@pytest.mark.parametrize("field", ["BlkioDeviceReadBps", "BlkioDeviceWriteIOps"])
def test_no_such_device(api, field):
    container = api.create("true", host={field: [{"Path": "/dev/nosuch", "Rate": 1}]})
    assert "/dev/nosuch" in api.start(container, expect=(400, 404, 500)).message


def test_info_tells_the_truth(api):
    info = api.get("/info").json()
    container = api.waiting()
    group = cgroups.Group(api.daemon, container)
    assert info["CgroupVersion"] == ("2" if cgroups.is_v2() else "1")
    assert info["MemoryLimit"] == group.has("memory", "memory.limit_in_bytes", "memory.max")
    assert info["SwapLimit"] == group.has("memory", "memory.memsw.limit_in_bytes", "memory.swap.max")
    assert info["PidsLimit"] == group.has("pids", "pids.max", "pids.max")
    assert info["OomKillDisable"] == (not cgroups.is_v2())
