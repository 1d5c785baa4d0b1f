"""Namespaces that containers share with each other and with the host."""

import os

import pytest

from harness import wait
from harness.image import IMAGE


def namespaces(api, container, *kinds):
    """The namespaces of a container's first process."""
    pid = api.state(container)["Pid"]
    return [os.readlink(f"/proc/{pid}/ns/{kind}") for kind in kinds]


def join(api, field, peer, *command, **options):
    host = dict(options.pop("host", {}), **{field: f"container:{peer}"})
    return api.create(*(command or ("/bin/probe", "wait")), host=host, **options)


def joined(api, field, peer, *command, **options):
    container = join(api, field, peer, *command, **options)
    api.start(container)
    return container


@pytest.mark.parametrize("field,kind", [("NetworkMode", "net"), ("PidMode", "pid"), ("IpcMode", "ipc")])
def test_joins_one_namespace_and_no_other(api, field, kind):
    peer = api.waiting(name="peer", host={"IpcMode": "shareable"})
    other = joined(api, field, "peer")
    kinds = ("net", "pid", "ipc", "uts", "mnt")
    for name, theirs, ours in zip(kinds, namespaces(api, peer, *kinds), namespaces(api, other, *kinds)):
        assert (theirs == ours) == (name == kind), name
    # Names become ids, so that a rename does not matter.
    assert api.inspect(other)["HostConfig"][field] == f"container:{peer}"
    # What is executed in it is there, too.
    assert api.exec(other, "readlink", f"/proc/self/ns/{kind}")[1].strip() == namespaces(api, peer, kind)[0]


def test_shared_network(api):
    peer = api.waiting(Hostname="lighthouse", Domainname="example.org", host={"ExtraHosts": ["far:10.9.8.7"]})
    shown = api.inspect(peer)
    address = shown["NetworkSettings"]["IPAddress"]
    out = api.shell(
        "hostname; cat /etc/hostname; echo $HOSTNAME; ip addr show eth0; cat /etc/hosts",
        host={"NetworkMode": f"container:{peer}"},
    )
    assert out.split()[:3] == ["lighthouse"] * 3
    assert f"inet {address}/16" in out and "10.9.8.7\tfar" in out and "lighthouse.example.org" in out
    told = api.inspect(joined(api, "NetworkMode", peer))
    assert told["NetworkSettings"]["Networks"] == {} and told["NetworkSettings"]["Ports"] == {}
    for path in ("HostsPath", "HostnamePath", "ResolvConfPath"):
        assert told[path] == shown[path]
    assert told["Config"]["Hostname"] == "lighthouse"


def test_shared_hosts_file_is_the_same_file(api):
    peer = api.waiting()
    other = joined(api, "NetworkMode", peer)
    api.exec(other, "sh", "-c", "echo 10.1.1.1 added >> /etc/hosts")
    assert "10.1.1.1 added" in api.exec(peer, "cat", "/etc/hosts")[1]


def test_shared_pids(api):
    peer = api.waiting()
    other = joined(api, "PidMode", peer, "sh", "-c", "sleep 1000 & exec /bin/probe wait")
    out = api.exec(peer, "ps", "-o", "args")[1]
    assert "sleep 1000" in out
    # What it leaves goes with it, though the namespace stays.
    api.remove(other)
    wait.until(lambda: "sleep 1000" not in api.exec(peer, "ps", "-o", "args")[1], "its processes are gone")
    assert api.state(peer)["Running"]


def test_end_of_a_pid_namespace_ends_who_joined(api):
    peer = api.waiting()
    other = joined(api, "PidMode", peer)
    api.post(f"/containers/{peer}/kill")
    assert api.wait(other) == 137


def test_shared_memory(api):
    peer = api.waiting(host={"IpcMode": "shareable", "ShmSize": 1 << 20})
    api.exec(peer, "sh", "-c", "echo from the peer > /dev/shm/note")
    other = joined(api, "IpcMode", peer)
    code, out, _ = api.exec(other, "sh", "-c", "cat /dev/shm/note; df -k /dev/shm | tail -n 1 | awk '{print $2}'; touch /dev/shm/x")
    assert (code, out.split()) == (0, ["from", "the", "peer", "1024"])
    # One that joined can be joined.
    third = joined(api, "IpcMode", other)
    assert api.exec(third, "ls", "/dev/shm")[1].split() == ["note", "x"]


@pytest.mark.parametrize("mode", ["private", "none"])
def test_private_ipc_cannot_be_joined(api, mode):
    peer = api.waiting(host={"IpcMode": mode})
    answer = api.start(join(api, "IpcMode", peer), expect=(400, 500))
    assert "non-shareable IPC (hint: use IpcMode:shareable for the donor container)" in answer.message


@pytest.mark.parametrize("field", ["NetworkMode", "PidMode", "IpcMode"])
def test_peer_must_run(api, field):
    peer = api.create("true", host={"IpcMode": "shareable"})
    other = join(api, field, peer)
    answer = api.start(other, expect=(400, 409, 500))
    assert peer in answer.message
    assert api.state(other)["Status"] == "created"
    api.remove(peer)
    assert f"No such container: {peer}" in api.start(other, expect=(400, 404, 500)).message


@pytest.mark.parametrize("field", ["NetworkMode", "PidMode", "IpcMode"])
def test_unknown_peer(api, field):
    answer = api.create("true", host={field: "container:nosuch"}, expect=(201, 400, 404))
    if api.daemon.is_docker and answer.status == 201:
        return  # found out at the start
    assert answer.message == "No such container: nosuch"
    assert api.get("/containers/json", all=1).json() == []


NETWORK = "container:peer"


@pytest.mark.parametrize(
    "config,host,text",
    [
        ({"Hostname": "x"}, {"NetworkMode": NETWORK}, "conflicting options: hostname and the network mode"),
        ({}, {"NetworkMode": NETWORK, "Dns": ["1.1.1.1"]}, "conflicting options: dns and the network mode"),
        ({}, {"NetworkMode": NETWORK, "ExtraHosts": ["a:1.1.1.1"]}, "conflicting options: custom host-to-IP mapping and the network mode"),
        ({}, {"NetworkMode": NETWORK, "Links": ["peer:x"]}, "container type network can't be used with links"),
        ({}, {"NetworkMode": NETWORK, "PublishAllPorts": True}, "conflicting options: port publishing and the container type network mode"),
        ({}, {"NetworkMode": NETWORK, "PortBindings": {"80/tcp": [{"HostPort": "0"}]}}, "conflicting options: port publishing and the container type network mode"),
        ({"ExposedPorts": {"80/tcp": {}}}, {"NetworkMode": NETWORK}, "conflicting options: port exposing and the container type network mode"),
        ({"MacAddress": "92:d0:c6:0a:29:33"}, {"NetworkMode": NETWORK}, "conflicting options: mac-address and the network mode"),
        ({}, {"NetworkMode": "container:"}, "invalid container format container:<name|id>"),
        ({}, {"PidMode": "container:"}, "invalid PID mode: container:"),
        ({}, {"IpcMode": "container:"}, "invalid IPC mode: container:"),
        ({"Hostname": "x"}, {"UTSMode": "host"}, "conflicting options: hostname and the UTS mode"),
    ],
)  # fmt: skip
def test_conflicts(api, config, host, text):
    peer = api.waiting(name="peer")
    answer = api.create("true", host=host, expect=400, **config)
    assert text in answer.message
    assert [c["Id"] for c in api.get("/containers/json", all=1).json()] == [peer]


@pytest.mark.gantry_only("dockerd takes the interface away from who stays")
def test_shared_network_outlives_its_container(api):
    peer = api.waiting(name="peer", host={"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "0"}]}})
    address = api.inspect(peer)["NetworkSettings"]["IPAddress"]
    other = joined(api, "NetworkMode", "peer")
    before = namespaces(api, other, "net")
    api.post(f"/containers/{peer}/restart", t=0)
    # It keeps its namespace and its address; the peer got a new one of each, and its port again.
    assert namespaces(api, other, "net") == before != namespaces(api, peer, "net")
    now = api.inspect(peer)["NetworkSettings"]
    assert now["IPAddress"] != address and now["Ports"]["80/tcp"]
    assert api.exec(other, "ping", "-c", "1", "-W", "5", now["IPAddress"])[0] == 0
    listed = api.get("/networks/bridge").json()["Containers"]
    assert listed[other]["IPv4Address"] == f"{address}/16"
    # And nobody else gets the address while it is used.
    assert api.inspect(api.waiting())["NetworkSettings"]["IPAddress"] not in (address, now["IPAddress"])
    api.remove(other)
    assert other not in api.get("/networks/bridge").json()["Containers"]


@pytest.mark.gantry_only("kills the daemon")
def test_joined_containers_survive_the_daemon(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    peer = api.waiting(name="peer", host={"IpcMode": "shareable"})
    address = api.inspect(peer)["NetworkSettings"]["IPAddress"]
    first = joined(api, "NetworkMode", "peer", host={"IpcMode": "container:peer", "PidMode": "container:peer"})
    daemon.kill()
    daemon.start()
    second = joined(api, "NetworkMode", "peer", host={"IpcMode": "container:peer", "PidMode": "container:peer"})
    kinds = ("net", "ipc", "pid")
    assert namespaces(api, peer, *kinds) == namespaces(api, first, *kinds) == namespaces(api, second, *kinds)
    api.remove(second)
    # The address is kept for the joiner across daemons, after its container went.
    alone = joined(api, "NetworkMode", "peer")
    api.remove(peer)
    daemon.kill()
    daemon.start()
    listed = api.get("/networks/bridge").json()["Containers"]
    assert listed[alone]["IPv4Address"] == f"{address}/16"
    assert api.inspect(api.waiting())["NetworkSettings"]["IPAddress"] != address


def test_join_by_flag(cli):
    peer = cli.out("run", "-d", "--name", "peer", "--ipc", "shareable", IMAGE, "/bin/probe", "wait")
    kinds = ("net", "pid", "ipc", "uts")
    script = "; ".join(f"readlink /proc/self/ns/{kind}" for kind in kinds)
    theirs = cli.out("exec", "peer", "sh", "-c", script).split()
    for number, flag in enumerate(("--network", "--pid", "--ipc")):
        ours = cli.out("run", "--rm", flag, "container:peer", IMAGE, "sh", "-c", script).split()
        assert [a == b for a, b in zip(theirs, ours)] == [i == number for i in range(4)], flag
    created = cli.out("create", "--network", "container:peer", IMAGE, "true")
    assert cli.out("inspect", "-f", "{{.HostConfig.NetworkMode}}", created) == f"container:{peer}"
    result = cli("run", "--rm", "--network", "container:peer", "-p", "80", IMAGE, "true", code=125)
    assert "port publishing and the container type network mode" in result.err
    result = cli("run", "--rm", "--network", "container:peer", "-h", "x", IMAGE, "true", code=125)
    assert "hostname and the network mode" in result.err


def test_host_namespaces_by_flag(cli):
    own = {kind: os.readlink(f"/proc/{cli.daemon.pid}/ns/{kind}") for kind in ("net", "pid", "ipc", "uts", "cgroup")}
    for flag, kind in (("--network", "net"), ("--pid", "pid"), ("--ipc", "ipc"), ("--uts", "uts"), ("--cgroupns", "cgroup")):
        assert cli.out("run", "--rm", flag, "host", IMAGE, "readlink", f"/proc/self/ns/{kind}") == own[kind], flag
    assert cli.out("run", "--rm", "--cgroupns", "private", IMAGE, "readlink", "/proc/self/ns/cgroup") != own["cgroup"]
