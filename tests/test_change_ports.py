"""Ports of a running container that come and go."""

import subprocess
import threading

import pytest

from harness import wait
from harness.image import IMAGE
from test_change import change, restart, revisions, rollback
from test_network import PAGE, fetch, published, serving

pytestmark = pytest.mark.gantry_only("changes of existing containers are Gantry's own")


def bindings(api, container, port="80/tcp"):
    found = api.inspect(container)["NetworkSettings"]["Ports"].get(port) or []
    return sorted(b["HostPort"] for b in found)


def add(port, host_port="", host_ip=""):
    return {"PortsAdd": {f"{port}/tcp": [{"HostIp": host_ip, "HostPort": host_port}]}}


def remove(port, *host_ports):
    return {"PortsRemove": {f"{port}/tcp": [{"HostPort": p} for p in host_ports] or None}}


@pytest.fixture
def web(api):
    """A container with a web server that publishes nothing."""
    return serving(api)


def test_add_and_remove(api, web):
    assert fetch(api.daemon, "127.0.0.1", 18460) == ""
    pid = api.state(web)["Pid"]
    answer = change(api, web, **add(80, "18460"))
    assert (answer["Live"], answer["NextStart"]) == (["Ports"], [])
    assert fetch(api.daemon, "127.0.0.1", 18460) == PAGE
    assert bindings(api, web) == ["18460"]
    assert api.inspect(web)["HostConfig"]["PortBindings"] == {"80/tcp": [{"HostIp": "", "HostPort": "18460"}]}
    assert change(api, web, **remove(80, "18460"))["Live"] == ["Ports"]
    assert fetch(api.daemon, "127.0.0.1", 18460) == ""
    assert bindings(api, web) == [] and not api.inspect(web)["HostConfig"]["PortBindings"]
    assert api.state(web)["Pid"] == pid


def test_the_container_reaches_its_own_port(api, web):
    """The first port also turns on what lets a frame go back to where it came from."""
    change(api, web, **add(80, "18460"))
    gateway = api.inspect(web)["NetworkSettings"]["Gateway"]
    assert api.exec(web, "wget", "-qO-", f"http://{gateway}:18460/index.html")[1] == PAGE


def test_chosen_port_and_address(api, web):
    change(api, web, **add(80))
    (port,) = bindings(api, web)
    assert int(port) > 1024 and fetch(api.daemon, "127.0.0.1", port) == PAGE
    change(api, web, **add(80, "18461", "127.0.0.1"))
    assert bindings(api, web) == sorted([port, "18461"])
    assert fetch(api.daemon, "127.0.0.1", 18461) == PAGE
    # The one that nobody named stays where it is.
    change(api, web, PortsRemove={"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18461"}]})
    assert bindings(api, web) == [port]
    change(api, web, **remove(80))
    assert bindings(api, web) == []


def test_replace_in_one_request(api, web):
    change(api, web, **add(80, "18460"))
    answer = change(api, web, PortsRemove={"80/tcp": None}, PortsAdd={"81/tcp": [{"HostPort": "18460"}], "80/tcp": [{"HostPort": "18462"}]})
    assert answer["Live"] == ["Ports"]
    assert fetch(api.daemon, "127.0.0.1", 18460) == "" and fetch(api.daemon, "127.0.0.1", 18462) == PAGE
    assert bindings(api, web, "81/tcp") == ["18460"]
    assert revisions(api, web)[-1]["Changes"] == ["Ports +18460:81/tcp +18462:80/tcp -18460:80/tcp"]


def test_port_in_use(api, web):
    other = api.waiting(**published(80, "18463"))
    before = api.inspect(web)
    message = change(api, web, expect=500, PortsAdd={"80/tcp": [{"HostPort": "18464"}, {"HostPort": "18463"}]})
    assert "Bind for 0.0.0.0:18463 failed: port is already allocated" in message
    assert "driver failed programming external connectivity on endpoint" in message
    assert api.inspect(web) == before and fetch(api.daemon, "127.0.0.1", 18464) == ""
    # What was taken on the way is free again, and so is the port of one that stops.
    change(api, web, **add(80, "18464"))
    api.remove(other)
    change(api, web, **add(80, "18463"))
    assert bindings(api, web) == ["18463", "18464"]


def test_port_that_a_process_of_the_host_has(api, web):
    with subprocess.Popen(
        api.daemon.sandbox.prefix(mounts=False) + ["/bin/busybox", "nc", "-l", "-p", "18465"],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
    ) as listener:  # fmt: skip
        try:
            tables = ("/proc/self/net/tcp", "/proc/self/net/tcp6")
            wait.until(lambda: f":{18465:04X} " in api.daemon.netns("cat", *tables).stdout, "it listens")
            assert "address already in use" in change(api, web, expect=500, **add(80, "18465"))
        finally:
            listener.kill()


def test_twice_the_same(api, web):
    change(api, web, **add(80, "18460"))
    assert "is published by the container already" in change(api, web, expect=400, **add(80, "18460"))
    assert 'no published port "0.0.0.0:1:80/tcp"' in change(api, web, expect=400, **remove(80, "1"))


def test_connections_to_a_removed_port_are_cut(api):
    container = api.started("nc", "-ll", "-p", "7", "-e", "cat", **published(7, "18466"))
    wait.until(lambda: ":0007 " in api.exec(container, "cat", "/proc/net/tcp", "/proc/net/tcp6")[1], "it listens")
    with subprocess.Popen(
        api.daemon.sandbox.prefix(mounts=False) + ["/bin/busybox", "nc", "127.0.0.1", "18466"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as client:  # fmt: skip
        client.stdin.write(b"one\n")
        client.stdin.flush()
        assert client.stdout.readline() == b"one\n"
        change(api, container, **remove(7))
        client.stdin.write(b"two\n")
        client.stdin.flush()
        assert client.stdout.readline() == b""
        client.kill()


def test_stopped_and_restarted(api):
    container = api.create("/bin/probe", "wait", **published(80, "18460"))
    answer = change(api, container, PortsAdd={"90/udp": [{"HostPort": "18467"}]}, PortsRemove={"80/tcp": None})
    assert (answer["Live"], answer["NextStart"]) == ([], ["Ports"])
    api.start(container)
    assert (bindings(api, container), bindings(api, container, "90/udp")) == ([], ["18467"])
    change(api, container, **add(80, "18460"))
    restart(api, container)
    assert bindings(api, container) == ["18460"]
    assert rollback(api, container)["Live"] == ["Ports"]
    assert bindings(api, container) == []
    other = api.waiting(**published(80, "18460"))
    assert "port is already allocated" in rollback(api, container, expect=500)
    api.remove(other)
    rollback(api, container)
    assert bindings(api, container) == ["18460"]


def test_networks_without_ports(api):
    joined = api.waiting(name="front")
    behind = api.waiting(host={"NetworkMode": "container:front"})
    assert "port publishing and the container type network mode" in change(api, behind, expect=400, **add(80, "18460"))
    change(api, joined, **add(80, "18460"))
    of_host = api.waiting(host={"NetworkMode": "host"})
    answer = change(api, of_host, **add(80, "18468"))
    assert answer["Warnings"] == ["Published ports are discarded when using host network mode"]


def test_survives_a_crash(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    container = api.waiting(**published(80, "18460"))
    change(api, container, PortsAdd={"81/tcp": [{"HostPort": "18469"}, {}]}, PortsRemove={"80/tcp": None})
    before = api.inspect(container)["NetworkSettings"]["Ports"]
    daemon.kill()
    daemon.start()
    assert api.inspect(container)["NetworkSettings"]["Ports"] == before
    rules = daemon.netns("nft", "list", "ruleset").stdout
    assert "18469" in rules and "18460" not in rules
    message = api.post(f"/containers/{api.create('true', **published(1, '18469'))}/start", expect=500).message
    assert "port is already allocated" in message
    api.start(api.create("/bin/probe", "wait", **published(1, "18460")))


@pytest.mark.parametrize("point", ["net.ports", "container.record.commit"])
def test_refused_by_the_kernel_or_the_disk(own_daemon, point):
    """A change that cannot be done whole is not done at all."""
    daemon = own_daemon()
    api = daemon.api
    container = api.waiting(**published(80, "18460"))
    daemon.stop()
    daemon.start(environment={"GANTRY_FAILPOINTS": f"{point}=error@1"})
    change(api, container, expect=500, PortsAdd={"80/tcp": [{"HostPort": "18461"}]}, PortsRemove={"80/tcp": [{"HostPort": "18460"}]})
    rules = daemon.netns("nft", "list", "ruleset").stdout
    assert "18460" in rules and "18461" not in rules
    assert bindings(api, container) == ["18460"] and len(revisions(api, container)) == 1
    assert change(api, container, **add(80, "18461"))["Revision"] == 2
    assert bindings(api, container) == ["18460", "18461"]


def test_many_at_once(api):
    """Two who want the same port: one gets it."""
    containers = [api.waiting() for _ in range(4)]
    got = []

    def publish(container):
        answer = api.post(f"/containers/{container}/update", {"Change": add(80, "18470")}, expect=(200, 500))
        got.append(answer.status)

    threads = [threading.Thread(target=publish, args=(c,)) for c in containers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [200, 500, 500, 500]
    assert sorted(bindings(api, c) for c in containers) == [[], [], [], ["18470"]]


def test_stock_client_sees_the_ports(cli, api):
    name = cli.out("run", "-d", "--name", "web", IMAGE, "/bin/probe", "wait")
    change(api, name, **add(80, "18460"))
    assert cli.out("ps", "--format", "{{.Ports}}") == "0.0.0.0:18460->80/tcp"
    assert cli.out("port", "web", "80") == "0.0.0.0:18460"


def test_command_line(gantry, api):
    name = gantry.out("run", "-d", "-p", "18460:80", IMAGE, "/bin/probe", "wait")
    done = gantry("update", "--publish-add", "18461:80", "--publish-add", "127.0.0.1:18471-18472:81-82/udp", name, code=0)
    assert (done.out.strip(), done.err) == (name, "")
    assert bindings(api, name) == ["18460", "18461"] and bindings(api, name, "82/udp") == ["18472"]
    gantry("update", "--publish-rm", "18460:80", "--publish-rm", "81/udp", name, code=0)
    assert bindings(api, name) == ["18461"] and bindings(api, name, "81/udp") == []
    gantry("update", "--publish-rm", "80", name, code=0)
    assert bindings(api, name) == []
    assert "invalid containerPort" in gantry("update", "--publish-add", "80:x", name, code=1).err
