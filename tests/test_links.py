"""HostConfig.Links: other containers of the default bridge under names of one's own."""

import pytest

from harness import wait


def address(api, container):
    return api.inspect(container)["NetworkSettings"]["IPAddress"]


def peer(api, name, **options):
    return api.waiting(name=name, ExposedPorts={"80/tcp": {}, "53/udp": {}}, Env=["KEY=val", "HOME=/x"], **options)


def test_hosts_and_variables(api):
    there = peer(api, "there", Hostname="box")
    here = api.create("/bin/sh", "-c", "cat /etc/hosts; env", name="here", host={"Links": ["there:my-db", "there"]})
    api.start(here)
    api.wait(here)
    ip = address(api, there)
    lines = api.logs(here)[0].decode().splitlines()
    assert f"{ip}\tmy-db box there" in lines and f"{ip}\tthere box" in lines
    for text in (
        f"MY_DB_PORT=udp://{ip}:53", f"MY_DB_PORT_80_TCP=tcp://{ip}:80", f"MY_DB_PORT_80_TCP_ADDR={ip}", "MY_DB_PORT_80_TCP_PORT=80",
        "MY_DB_PORT_80_TCP_PROTO=tcp", f"MY_DB_PORT_53_UDP=udp://{ip}:53", "MY_DB_NAME=/here/my-db", "MY_DB_ENV_KEY=val", f"THERE_PORT=udp://{ip}:53",
    ):  # fmt: skip
        assert text in lines
    assert not [line for line in lines if line.startswith("MY_DB_ENV_HOME")]
    assert sorted(api.inspect(here)["HostConfig"]["Links"]) == ["/there:/here/my-db", "/there:/here/there"]
    names = {c["Id"]: c["Names"] for c in api.get("/containers/json", all=1).json()}
    assert sorted(names[there]) == ["/here/my-db", "/here/there", "/there"]
    assert api.daemon.is_docker or names[there][0] == "/there"  # there in no order


def test_own_variables_count(api):
    peer(api, "there")
    assert api.shell("echo $DB_NAME", host={"Links": ["there:db"]}, Env=["DB_NAME=mine"]) == "mine\n"


def test_exec_has_them(api):
    there = peer(api, "there")
    here = api.waiting(host={"Links": ["there:db"]})
    assert api.exec(here, "sh", "-c", "echo $DB_PORT_80_TCP")[1] == f"tcp://{address(api, there)}:80\n"


def test_a_peer_that_does_not_run(api):
    api.create("true", name="there")
    here = api.create("true", name="here", host={"Links": ["there:db"]})
    assert api.start(here, expect=(409, 500)).message == "Cannot link to a non running container: /there AS /here/db"


def test_a_new_address_is_told(api):
    there = peer(api, "there")
    here = api.waiting(host={"Links": ["there:db"]})
    before = address(api, there)
    assert f"{before}\tdb " in api.exec(here, "cat", "/etc/hosts")[1]
    api.exec(here, "sh", "-c", "echo 192.0.2.9 own >> /etc/hosts")
    api.post(f"/containers/{there}/stop", t=5)
    other = api.waiting()  # may take the address
    api.start(there)
    after = address(api, there)
    hosts = api.exec(here, "cat", "/etc/hosts")[1]
    assert f"{after}\tdb " in hosts and "192.0.2.9 own\n" in hosts
    assert before == after or f"{before}\tdb " not in hosts
    assert other


def test_names_may_change(api):
    there = peer(api, "there")
    here = api.create("/bin/probe", "wait", name="here", host={"Links": ["there:db"]})
    api.post(f"/containers/{there}/rename", name="moved")
    api.post(f"/containers/{here}/rename", name="changed")
    assert api.inspect(here)["HostConfig"]["Links"] == ["/moved:/changed/db"]
    api.start(here)
    assert "\tdb " in api.exec(here, "cat", "/etc/hosts")[1]
    # what inspect shows makes another such container
    again = api.create("true", host={"Links": api.inspect(here)["HostConfig"]["Links"]})
    assert api.inspect(again)["HostConfig"]["Links"][0].startswith("/moved:/")


def test_a_removed_peer(api):
    there = peer(api, "there")
    here = api.create("true", host={"Links": ["there:db"]})
    api.remove(there)
    if not api.daemon.is_docker:  # shows it for ever
        assert api.inspect(here)["HostConfig"]["Links"] in (None, [])
    api.start(here)
    assert api.wait(here) == 0


def test_peers_without_a_bridge(api):
    api.waiting(name="free", host={"NetworkMode": "host"})
    text = "host type networking can't be used with links"
    assert text in api.create("true", host={"Links": ["free:db"]}, expect=400).message
    api.waiting(name="alone", host={"NetworkMode": "none"})
    here = api.create("true", host={"Links": ["alone:db"]})
    text = "Cannot link to /alone, as it does not belong to the default network"
    assert text in api.start(here, expect=(409, 500)).message


def test_without_a_bridge(api):
    peer(api, "there")
    out = api.shell("cat /etc/hosts; env", host={"Links": ["there:db"], "NetworkMode": "none"})
    assert "db" not in out and "DB_" not in out


def test_rm_link(api, cli):
    peer(api, "there")
    here = api.waiting(name="here", host={"Links": ["there:db", "there:other"]})
    assert cli.out("rm", "--link", "/here/db") in ("/here/db", "here/db")
    assert api.inspect(here)["HostConfig"]["Links"] == ["/there:/here/other"]
    assert "No such container: nobody" in cli("rm", "--link", "nobody/db", code=1).err
    assert cli("rm", "--link", "here/nothing", code=1).err
    assert "cannot remove the default link name of the container" in cli("rm", "--link", "here", code=1).err
    assert cli.out("ps", "-q", "--filter", "name=here")


def test_survives_the_daemon(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    there = peer(api, "there", host={"RestartPolicy": {"Name": "always"}})
    here = api.waiting(name="here", host={"Links": ["there:db"]})
    daemon.kill()
    daemon.start()
    assert api.inspect(here)["HostConfig"]["Links"] == ["/there:/here/db"]
    api.post(f"/containers/{there}/restart", t=5)
    wait.until(lambda: f"{address(api, there)}\tdb " in api.exec(here, "cat", "/etc/hosts")[1], "the address is told")
