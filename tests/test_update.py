"""POST /containers/{id}/update: live in the cgroup, stored, and what is refused changes nothing."""

import time

import pytest

from harness import cgroups, wait, wire

MIB = 1 << 20


def weight(shares):
    """What the kernel shows for cpu shares."""
    return 1 + (shares - 2) * 9999 // 262142 if cgroups.is_v2() else shares


def update(api, container, expect=200, **fields):
    return api.post(f"/containers/{container}/update", fields, expect=expect)


def test_running(api):
    container = api.waiting(host={"Memory": 64 * MIB, "CpuShares": 512})
    answer = update(
        api, container, Memory=96 * MIB, MemorySwap=200 * MIB, MemoryReservation=32 * MIB, CpuShares=256,
        CpuPeriod=50000, CpuQuota=25000, CpusetCpus="0", CpusetMems="0", PidsLimit=17,
    )  # fmt: skip
    assert answer.json()["Warnings"] in (None, [])
    group = cgroups.Group(api.daemon, container)
    assert (group.memory(), group.swap(), group.reservation()) == (96 * MIB, 200 * MIB, 32 * MIB)
    assert (group.shares(), group.quota()) == (weight(256), (25000, 50000))
    assert (group.cpus(), group.mems(), group.pids()) == ("0", "0", "17")
    host = api.inspect(container)["HostConfig"]
    assert (host["Memory"], host["MemorySwap"], host["CpuShares"]) == (96 * MIB, 200 * MIB, 256)
    assert (host["CpusetCpus"], host["PidsLimit"]) == ("0", 17)


def test_what_is_left_out_stays(api):
    container = api.waiting(host={"Memory": 64 * MIB, "CpuShares": 512, "PidsLimit": 9})
    update(api, container, CpuShares=300)
    group = cgroups.Group(api.daemon, container)
    assert (group.memory(), group.shares(), group.pids()) == (64 * MIB, weight(300), "9")
    host = api.inspect(container)["HostConfig"]
    assert (host["Memory"], host["PidsLimit"], host["RestartPolicy"]["Name"]) == (64 * MIB, 9, "no")


def test_no_limit_of_processes(api):
    container = api.waiting(host={"PidsLimit": 9})
    update(api, container, PidsLimit=-1)
    assert cgroups.Group(api.daemon, container).pids() == "max"


def test_stopped(api):
    container = api.create("/bin/probe", "wait", host={"Memory": 64 * MIB})
    update(api, container, Memory=32 * MIB, RestartPolicy={"Name": "on-failure", "MaximumRetryCount": 2})
    host = api.inspect(container)["HostConfig"]
    assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 2}
    api.start(container)
    assert cgroups.Group(api.daemon, container).memory() == 32 * MIB


def test_memory_up_and_down(api):
    """Memory and memory+swap must be written in the order that never crosses them."""
    container = api.waiting(host={"Memory": 64 * MIB, "MemorySwap": 64 * MIB})
    group = cgroups.Group(api.daemon, container)
    for size in (256 * MIB, 32 * MIB):
        update(api, container, Memory=size, MemorySwap=size)
        assert (group.memory(), group.swap()) == (size, size)


def test_restart_policy_is_obeyed(api):
    container = api.create("sh", "-c", "exit 3")
    update(api, container, RestartPolicy={"Name": "on-failure", "MaximumRetryCount": 1})
    api.start(container)
    wait.until(lambda: api.inspect(container)["RestartCount"] == 1, "it was started again")


def test_event(api):
    container = api.waiting(name="told")
    update(api, container, CpuShares=400)
    answer = api.get("/events", since=1, until=int(time.time()) + 1, filters={"event": ["update"], "container": [container]})
    (event,) = answer.json_lines()
    assert event["Actor"]["Attributes"]["name"] == "told"


@pytest.mark.parametrize(
    "host,fields,status,text",
    [
        ({}, {"Memory": MIB}, 400, "Minimum memory limit allowed is 6MB"),
        ({}, {"CpuQuota": 10}, 400, "CPU cfs quota can not be less than 1ms"),
        ({}, {"CpusetCpus": "4096"}, 400, "Requested CPUs are not available"),
        ({}, {"BlkioWeight": 5}, 400, "Range of blkio weight is from 10 to 1000"),
        ({}, {"RestartPolicy": {"Name": "sometimes"}}, 400, "invalid restart policy"),
        ({}, {"RestartPolicy": {"Name": "always", "MaximumRetryCount": 2}}, 400, "maximum retry count"),
        ({"Memory": 64 * MIB}, {"Memory": 512 * MIB}, 409, "smaller than already set memoryswap"),
        ({"Memory": 64 * MIB}, {"MemorySwap": 32 * MIB}, 400, "larger than memory limit"),
        ({"NanoCpus": 500000000}, {"CpuQuota": 20000}, 409, "NanoCPUs has already been set"),
        ({"CpuPeriod": 50000}, {"NanoCpus": 500000000}, 409, "CPU Period has already been set"),
    ],
    ids=lambda value: "",
)
def test_refused(api, host, fields, status, text):
    container = api.waiting(host=host)
    before = api.inspect(container)["HostConfig"]
    assert text in update(api, container, expect=status, **fields).message
    assert api.inspect(container)["HostConfig"] == before


def test_auto_remove_has_no_policy(api):
    container = api.waiting(host={"AutoRemove": True})
    answer = update(api, container, expect=409, RestartPolicy={"Name": "always"})
    assert "AutoRemove is enabled" in answer.message
    update(api, container, RestartPolicy={"Name": "no"})


def test_no_such_container(api):
    assert update(api, "nosuch", expect=404, CpuShares=5).message == "No such container: nosuch"


@pytest.mark.gantry_only("about gantryd itself")
def test_survives_a_crash(own_daemon):
    daemon = own_daemon()
    container = daemon.api.waiting(host={"Memory": 64 * MIB})
    update(daemon.api, container, Memory=48 * MIB, CpuShares=333)
    daemon.kill()
    daemon.start()
    host = daemon.api.inspect(container)["HostConfig"]
    assert (host["Memory"], host["CpuShares"]) == (48 * MIB, 333)
    assert cgroups.Group(daemon, container).memory() == 48 * MIB


@pytest.mark.gantry_only("about gantryd itself")
@pytest.mark.parametrize("point", ["container.update.apply", "container.record.commit"])
def test_crash_in_between(own_daemon, point):
    """Kernel and database agree again, whichever of the two was reached."""
    daemon = own_daemon()
    container = daemon.api.waiting(host={"Memory": 64 * MIB})
    daemon.stop()
    daemon.start(environment={"GANTRY_FAILPOINTS": f"{point}=kill"})
    with pytest.raises((OSError, wire.Closed, AssertionError)):
        update(daemon.api, container, Memory=48 * MIB, MemorySwap=96 * MIB)
    daemon.process.wait(20)
    daemon.start()
    stored = daemon.api.inspect(container)["HostConfig"]["Memory"]
    assert stored in (48 * MIB, 64 * MIB)
    group = cgroups.Group(daemon, container)
    wait.until(lambda: group.memory() == stored, "the cgroup is as the record says")


def test_command_line(cli, api):
    names = [cli.out("run", "-d", "busybox:test", "/bin/probe", "wait") for _ in range(2)]
    done = cli(
        "update", "--memory", "48m", "--memory-swap", "100m", "--memory-reservation", "16m", "--cpu-shares", "200",
        "--cpu-period", "20000", "--cpu-quota", "5000", "--cpuset-cpus", "0", "--cpuset-mems", "0",
        "--pids-limit", "33", "--restart", "unless-stopped", *names, code=0,
    )  # fmt: skip
    assert done.out.split() == names
    for name in names:
        group = cgroups.Group(api.daemon, name)
        assert (group.memory(), group.swap(), group.reservation()) == (48 * MIB, 100 * MIB, 16 * MIB)
        assert (group.shares(), group.quota(), group.cpus()) == (weight(200), (5000, 20000), "0")
        assert (group.mems(), group.pids()) == ("0", "33")
        assert api.inspect(name)["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"


def test_command_line_cpus(cli, api):
    name = cli.out("run", "-d", "busybox:test", "/bin/probe", "wait")
    cli("container", "update", "--cpus", "0.5", name, code=0)
    assert cgroups.Group(api.daemon, name).quota() == (50000, 100000)


def test_command_line_refusals(cli):
    name = cli.out("run", "-d", "busybox:test", "/bin/probe", "wait")
    nothing = cli("update", name, code=1)
    assert "you must provide one or more flags when using this command" in nothing.err
    bad = cli("update", "--memory", "1m", name, "nosuch", code=1)
    assert "Minimum memory limit allowed is 6MB" in bad.err and bad.out == ""
    assert "invalid restart policy" in cli("update", "--restart", "x:y", name, code=1).err


def test_docker_py(py):
    container = py.containers.run("busybox:test", ["/bin/probe", "wait"], detach=True)
    container.update(mem_limit="64m", memswap_limit="128m", cpu_shares=100)
    container.reload()
    assert container.attrs["HostConfig"]["Memory"] == 64 * MIB
