"""The bridge, published ports, none and host, and the three files that name things."""

import ipaddress
import re
import subprocess

import pytest

from harness import wait

HTTPD = ("httpd", "-f", "-p", "80", "-h", "/www")
PAGE = "hello from the container\n"


def address(api, container):
    return api.inspect(container)["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]


def published(port, host_port="", host_ip="", protocol="tcp"):
    """What `docker run -p` sends. 20.10 publishes only what is exposed, too."""
    key = f"{port}/{protocol}"
    binding = {"HostIp": host_ip, "HostPort": host_port}
    return {"ExposedPorts": {key: {}}, "host": {"PortBindings": {key: [binding]}}}


def fetch(daemon, host, port):
    result = daemon.netns(
        "timeout", "5", "/bin/busybox", "wget", "-qO-", f"http://{host}:{port}/index.html", check=False
    )
    return result.stdout


def serving(api, **options):
    container = api.started(*HTTPD, **options)
    script = "for i in $(seq 100); do wget -qO- http://127.0.0.1/index.html && exit; sleep 0.05; done"
    assert api.exec(container, "sh", "-c", script)[1] == PAGE
    return container


def test_inspect(api):
    told = api.inspect(api.waiting())["NetworkSettings"]
    endpoint = told["Networks"]["bridge"]
    assert re.fullmatch(r"\d+\.\d+\.\d+\.\d+", endpoint["IPAddress"])
    network = ipaddress.ip_network(f"{endpoint['Gateway']}/{endpoint['IPPrefixLen']}", strict=False)
    assert ipaddress.ip_address(endpoint["IPAddress"]) in network
    assert 8 <= endpoint["IPPrefixLen"] <= 30
    assert re.fullmatch("([0-9a-f]{2}:){5}[0-9a-f]{2}", endpoint["MacAddress"])
    assert len(endpoint["NetworkID"]) == len(endpoint["EndpointID"]) == 64
    for key in ("IPAddress", "Gateway", "MacAddress", "IPPrefixLen"):
        assert told[key] == endpoint[key]
    assert told["SandboxKey"] and told["Ports"] == {}


def test_stopped_containers_have_no_address(api):
    container = api.started("true")
    api.wait(container)
    told = wait.until(
        lambda: not (n := api.inspect(container)["NetworkSettings"])["Networks"]["bridge"]["IPAddress"] and n,
        "the address is gone",
    )
    assert told["Ports"] == {} and told["Networks"]["bridge"]["IPPrefixLen"] == 0


def test_inside(api):
    container = api.waiting()
    told = api.inspect(container)["NetworkSettings"]["Networks"]["bridge"]
    out = api.exec(container, "sh", "-c", "ip addr; ip route; cat /sys/class/net/eth0/address")[1]
    assert f"inet {told['IPAddress']}/{told['IPPrefixLen']}" in out
    assert f"default via {told['Gateway']} dev eth0" in out
    assert told["MacAddress"] in out
    assert re.search(r"lo: <LOOPBACK,UP", out)


def test_containers_reach_each_other_and_the_gateway(api):
    server = serving(api)
    assert api.shell(f"wget -qO- http://{address(api, server)}/index.html") == PAGE
    gateway = api.inspect(server)["NetworkSettings"]["Gateway"]
    assert api.exec(server, "ping", "-c", "1", "-W", "5", gateway)[0] == 0


def test_addresses_are_distinct_and_come_back(api):
    many = [api.waiting() for _ in range(8)]
    addresses = {address(api, container) for container in many}
    assert len(addresses) == 8
    for container in many:
        api.remove(container)
    assert address(api, api.waiting())


def test_host_reaches_the_container(api):
    server = serving(api)
    assert fetch(api.daemon, address(api, server), 80) == PAGE


def test_published_port(api):
    server = serving(api, **published(80, "18080"))
    told = api.inspect(server)
    assert {"HostIp": "0.0.0.0", "HostPort": "18080"} in told["NetworkSettings"]["Ports"]["80/tcp"]
    assert told["HostConfig"]["PortBindings"] == published(80, "18080")["host"]["PortBindings"]
    row = api.get("/containers/json").json()[0]["Ports"]
    assert {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 18080, "Type": "tcp"} in row
    gateway = told["NetworkSettings"]["Gateway"]
    for host in (gateway, "127.0.0.1"):
        assert fetch(api.daemon, host, 18080) == PAGE, host


def test_published_port_from_another_machine(api):
    """A second namespace, wired to the daemon's own, stands for the network outside."""
    serving(api, **published(80, "18081"))
    run = api.daemon.netns
    run("ip", "link", "add", "outside0", "type", "veth", "peer", "name", "outside1")
    try:
        run("ip", "addr", "add", "10.77.0.1/24", "dev", "outside0")
        run("ip", "link", "set", "outside0", "up")
        script = (
            "echo $$ ready; read x; ip addr add 10.77.0.2/24 dev outside1; ip link set outside1 up;"
            "/bin/busybox wget -qO- http://10.77.0.1:18081/index.html"
        )
        outside = subprocess.Popen(
            ["unshare", "-n", "sh", "-c", script],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        pid = outside.stdout.readline().split()[0]
        run("ip", "link", "set", "outside1", "netns", pid)
        assert outside.communicate("\n", timeout=30)[0] == PAGE
    finally:
        run("ip", "link", "del", "outside0", check=False)


def test_container_reaches_a_port_published_by_another(api):
    server = serving(api, **published(80, "18082"))
    gateway = api.inspect(server)["NetworkSettings"]["Gateway"]
    assert api.shell(f"wget -qO- http://{gateway}:18082/index.html") == PAGE
    # and by itself (hairpin)
    assert api.exec(server, "wget", "-qO-", f"http://{gateway}:18082/index.html")[1] == PAGE


def test_published_on_one_address(api):
    server = serving(api, **published(80, "18083", "127.0.0.1"))
    assert api.inspect(server)["NetworkSettings"]["Ports"]["80/tcp"] == [
        {"HostIp": "127.0.0.1", "HostPort": "18083"}
    ]
    assert fetch(api.daemon, "127.0.0.1", 18083) == PAGE
    gateway = api.inspect(server)["NetworkSettings"]["Gateway"]
    assert fetch(api.daemon, gateway, 18083) == ""


def test_chosen_port(api):
    server = serving(api, **published(80))
    port = int(api.inspect(server)["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"])
    assert port >= 32768
    assert fetch(api.daemon, "127.0.0.1", port) == PAGE
    assert api.inspect(server)["HostConfig"]["PortBindings"]["80/tcp"][0]["HostPort"] == ""


def test_port_range(api):
    first = api.waiting(**published(80, "18100-18102"))
    second = api.waiting(**published(80, "18100-18102"))
    ports = [api.inspect(c)["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"] for c in (first, second)]
    assert ports == ["18100", "18101"]


def test_publish_all(api):
    server = serving(api, ExposedPorts={"80/tcp": {}, "53/udp": {}}, host={"PublishAllPorts": True})
    ports = api.inspect(server)["NetworkSettings"]["Ports"]
    assert set(ports) == {"80/tcp", "53/udp"}
    assert fetch(api.daemon, "127.0.0.1", ports["80/tcp"][0]["HostPort"]) == PAGE


@pytest.mark.gantry_only("20.10 wants it exposed, too")
def test_published_implies_exposed(api):
    container = api.waiting(host=published(80, "18084")["host"])
    told = api.inspect(container)
    assert told["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"] == "18084"


def test_exposed_only(api):
    told = api.inspect(api.waiting(ExposedPorts={"80/tcp": {}}))
    assert told["NetworkSettings"]["Ports"] == {"80/tcp": None}


PING_BY_UDP = """
import socket
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(1)
client.sendto(b"ping", ("127.0.0.1", 18053))
print(client.recv(100))
"""


def test_udp(api):
    api.started("/bin/probe", "udp-echo", "53", **published(53, "18053", protocol="udp"))
    wait.until(
        lambda: "ping" in api.daemon.netns("/usr/bin/python3", "-c", PING_BY_UDP, check=False).stdout,
        "the datagram comes back",
    )


def test_port_clash(api):
    api.waiting(name="first", **published(80, "18090"))
    second = api.create("/bin/probe", "wait", name="second", **published(80, "18090"))
    answer = api.start(second, expect=500)
    assert re.search(
        r"driver failed programming external connectivity on endpoint second \([0-9a-f]+\): "
        r"Bind for 0\.0\.0\.0:18090 failed: port is already allocated",
        answer.message,
    )
    state = api.state(second)
    assert (state["Status"], state["ExitCode"]) == ("created", 128)
    assert "port is already allocated" in state["Error"]
    api.remove("first")
    api.start(second)


def test_port_that_a_process_of_the_host_has(api):
    listener = subprocess.Popen(
        api.daemon.sandbox.prefix(mounts=False) + ["/bin/busybox", "nc", "-l", "-p", "18091"],
        stdin=subprocess.PIPE,
    )
    try:
        wait.until(lambda: ":46AB " in api.daemon.netns("cat", "/proc/self/net/tcp", "/proc/self/net/tcp6").stdout, "it listens")
        container = api.create("/bin/probe", "wait", **published(80, "18091"))
        answer = api.start(container, expect=500)
        assert "18091" in answer.message
    finally:
        listener.kill()
        listener.communicate()


def test_a_stopped_containers_port_is_free(api):
    first = api.waiting(**published(80, "18092"))
    api.post(f"/containers/{first}/stop", t=5)
    assert fetch(api.daemon, "127.0.0.1", 18092) == ""
    api.waiting(**published(80, "18092"))


def test_none(api):
    container = api.waiting(host={"NetworkMode": "none"})
    assert api.exec(container, "ls", "/sys/class/net")[1] == "lo\n"
    told = api.inspect(container)["NetworkSettings"]
    assert set(told["Networks"]) == {"none"} and told["IPAddress"] == ""


def test_host(api):
    container = api.waiting(host={"NetworkMode": "host"})
    inside = api.exec(container, "sh", "-c", "ip -o link | wc -l; hostname")[1].split()
    outside = api.daemon.netns("sh", "-c", "ip -o link | wc -l; hostname").stdout.split()
    assert inside == outside
    assert set(api.inspect(container)["NetworkSettings"]["Networks"]) == {"host"}


def test_unknown_network(api):
    container = api.create("true", host={"NetworkMode": "nosuch"}, expect=(201, 400, 404, 501))
    if container.status == 201:
        answer = api.start(container.json()["Id"], expect=404)
        assert "network nosuch not found" in answer.message


def test_hosts_file(api):
    container = api.waiting(Hostname="box", Domainname="example.org", host={"ExtraHosts": ["db:10.1.2.3", "v6:fe80::1"]})
    lines = api.exec(container, "cat", "/etc/hosts")[1].splitlines()
    assert lines[0] == "127.0.0.1\tlocalhost"
    assert "10.1.2.3\tdb" in lines and "fe80::1\tv6" in lines
    assert lines[-1] == f"{address(api, container)}\tbox.example.org box"


def test_hostname_file(api):
    container = api.waiting()
    assert api.exec(container, "cat", "/etc/hostname")[1] == container[:12] + "\n"
    assert api.exec(container, "hostname")[1] == container[:12] + "\n"
    named = api.waiting(Hostname="named")
    assert api.exec(named, "sh", "-c", "hostname; echo $HOSTNAME; cat /etc/hostname")[1] == "named\n" * 3


def test_resolv_conf(api):
    container = api.waiting(host={"Dns": ["192.0.2.1", "192.0.2.2"], "DnsSearch": ["a.example", "b.example"], "DnsOptions": ["ndots:3"]})
    lines = api.exec(container, "cat", "/etc/resolv.conf")[1].splitlines()
    lines = [line for line in lines if not line.startswith("#") and line]
    assert sorted(lines) == ["nameserver 192.0.2.1", "nameserver 192.0.2.2", "options ndots:3", "search a.example b.example"]
    assert lines.index("nameserver 192.0.2.1") < lines.index("nameserver 192.0.2.2")


def test_default_resolv_conf_has_no_loopback(api):
    out = api.shell("cat /etc/resolv.conf")
    assert "nameserver" in out and "nameserver 127." not in out


def test_files_are_mounts_that_can_be_written(api):
    container = api.waiting()
    code, out, err = api.exec(
        container, "sh", "-c", "for f in hosts hostname resolv.conf; do echo '# x' >> /etc/$f || exit 1; done; grep -c ' /etc/' /proc/self/mountinfo"
    )
    assert (code, out.strip()) == (0, "3"), err
    told = api.inspect(container)
    base = f"{api.daemon.data_root}/containers/{container}"
    assert told["HostsPath"] == f"{base}/hosts"
    assert told["HostnamePath"] == f"{base}/hostname"
    assert told["ResolvConfPath"] == f"{base}/resolv.conf"


def test_network_namespace_settings(api):
    out = api.shell("cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range")
    assert out.split() == ["0", "0", "2147483647"]


def test_masquerade(api):
    """Out of the bridge's network, packets carry the host's address."""
    run = api.daemon.netns
    run("ip", "link", "add", "outside0", "type", "veth", "peer", "name", "outside1")
    try:
        run("ip", "addr", "add", "10.78.0.1/24", "dev", "outside0")
        run("ip", "link", "set", "outside0", "up")
        script = (
            "echo $$ ready; read x; ip addr add 10.78.0.2/24 dev outside1; ip link set outside1 up;"
            "echo up; /bin/busybox nc -lp 99 -e sh -c 'echo $NCPEER >&2; cat'"
        )
        outside = subprocess.Popen(
            ["unshare", "-n", "sh", "-c", script + " 2>&1"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        pid = outside.stdout.readline().split()[0]
        run("ip", "link", "set", "outside1", "netns", pid)
        outside.stdin.write("\n")
        outside.stdin.flush()
        assert outside.stdout.readline() == "up\n"
        # The other side has no route back to the bridge: an answer proves the translation.
        out = api.shell("for i in $(seq 50); do echo hi | nc -w 5 10.78.0.2 99 && exit; sleep 0.1; done")
        assert out == "hi\n"
        outside.kill()
        outside.communicate()
    finally:
        run("ip", "link", "del", "outside0", check=False)
