"""Volumes by themselves: create, list, inspect, remove, prune, rename."""

import json
import os
import re

import pytest

from harness import wait

SEEN = re.compile(r"^[0-9a-f]{64}$")


def make(api, name, **body):
    return api.post("/volumes/create", {"Name": name, **body}, expect=201).json()


def names(api, **query):
    return sorted(v["Name"] for v in api.get("/volumes", **query).json()["Volumes"])




def test_create_and_inspect(api):
    made = make(api, "data", Labels={"k": "v"})
    assert made == api.get("/volumes/data").json()
    assert (made["Name"], made["Driver"], made["Scope"]) == ("data", "local", "local")
    assert made["Labels"] == {"k": "v"} and made["Options"] is None
    assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", made["CreatedAt"])
    status = os.stat(f"/proc/{api.daemon.sandbox.pid}/root{made['Mountpoint']}")
    assert (status.st_mode & 0o7777, status.st_uid) == (0o755, 0)


def test_the_same_name_is_the_same_volume(api):
    first = make(api, "data", Labels={"k": "v"})
    again = make(api, "data", Labels={"other": "x"}, DriverOpts={"type": "tmpfs", "device": "tmpfs"})
    assert again == first
    assert names(api) == ["data"]


def test_without_a_name(api):
    made = api.post("/volumes/create", {}, expect=201).json()
    assert SEEN.match(made["Name"])
    assert "com.docker.volume.anonymous" in made["Labels"] or api.daemon.is_docker


REFUSED = [
    ({"Name": "a/b"}, 400, 'create a/b: "a/b" includes invalid characters for a local volume name'),
    ({"Name": "x"}, 400, "volume name is too short"),
    ({"Name": "x" * 300}, 400, "includes invalid characters"),
    ({"Name": "../../etc"}, 400, "includes invalid characters"),
    ({"Name": "ok", "Driver": "nosuch"}, 404, "nosuch"),
    ({"Name": "ok", "DriverOpts": {"foo": "1"}}, 400, 'invalid option: "foo"'),
    ({"Name": "ok", "DriverOpts": {"o": "ro"}}, 400, "missing required option"),
    ({"Name": "ok", "DriverOpts": {"type": "tmpfs"}}, 400, 'missing required option: "device"'),
    ({"Name": "ok", "DriverOpts": {"size": "x"}}, 400, "size"),
]


@pytest.mark.parametrize("body,status,text", REFUSED, ids=lambda v: str(v)[:40])
@pytest.mark.gantry_only("20.10 waits for plugins and answers 500 to some")
def test_refusals(api, body, status, text):
    answer = api.post("/volumes/create", body, expect=status)
    assert text in answer.json()["message"]
    assert names(api) == []


def test_missing(api):
    for method, path in (("GET", "/volumes/nosuch"), ("DELETE", "/volumes/nosuch")):
        answer = api.call(method, path, expect=404)
        assert answer.json()["message"] == "get nosuch: no such volume"
    api.delete("/volumes/nosuch", expect=204, force=1)


def test_filters(api):
    make(api, "one", Labels={"a": "1", "b": "2"})
    make(api, "two", Labels={"a": "2"})
    api.create("true", host={"Binds": ["two:/x"]})
    for filters, wanted in (
        ({"name": ["on"]}, ["one"]), ({"name": ["^o", "^t"]}, ["one", "two"]), ({"label": ["a"]}, ["one", "two"]),
        ({"label": ["a=1", "b"]}, ["one"]), ({"driver": ["local"]}, ["one", "two"]), ({"driver": ["x"]}, []),
        ({"dangling": ["true"]}, ["one"]), ({"dangling": ["false"]}, ["two"]), ({"dangling": {"1": True}}, ["one"]),
    ):  # fmt: skip
        assert names(api, filters=filters) == wanted, filters
    for bad in ({"nosuch": ["1"]}, {"dangling": ["maybe"]}):
        api.get("/volumes", expect=400, filters=bad)


def test_in_use(api):
    container = api.create("true", host={"Binds": ["data:/x"]})
    answer = api.delete("/volumes/data", expect=409)
    assert answer.json()["message"] == f"remove data: volume is in use - [{container}]"
    api.delete("/volumes/data", expect=409, force=1)
    api.remove(container)
    api.delete("/volumes/data", expect=204)
    assert names(api) == []


def test_prune(api):
    make(api, "named")
    make(api, "used")
    make(api, "mounted", DriverOpts={"type": "tmpfs", "device": "tmpfs"})
    anonymous = api.post("/volumes/create", {}, expect=201).json()["Name"]
    api.shell("head -c 5000 /dev/zero > /x/file", host={"Binds": [f"{anonymous}:/x"]})
    api.create("true", host={"Binds": ["used:/x"]})
    wanted = [anonymous] if not api.daemon.is_docker else sorted([anonymous, "named"])
    if not api.daemon.is_docker:
        told = api.post("/volumes/prune", **{"dry-run": 1}).json()
        assert (told["VolumesDeleted"], told["SpaceReclaimed"]) == (wanted, 5000)
        assert anonymous in names(api)
    pruned = api.post("/volumes/prune").json()
    assert sorted(pruned["VolumesDeleted"]) == wanted and pruned["SpaceReclaimed"] == 5000
    pruned = api.post("/volumes/prune", filters={"all": ["true"]}).json()
    assert names(api) == ["mounted", "used"]
    api.post("/volumes/prune", expect=400, filters={"nosuch": ["1"]})


@pytest.mark.gantry_only("20.10 speaks no 1.42")
def test_prune_by_label_and_version(api):
    make(api, "keep", Labels={"keep": ""})
    make(api, "drop", Labels={"drop": ""})
    everything = {"all": ["true"], "label!": ["keep"]}
    assert api.post("/volumes/prune", filters=everything).json()["VolumesDeleted"] == ["drop"]
    make(api, "drop")
    old = type(api)(api.daemon, api.description, "1.41")
    assert old.post("/volumes/prune", filters={"label": ["keep"]}).json()["VolumesDeleted"] == ["keep"]
    assert names(api) == ["drop"]


@pytest.mark.gantry_only("Docker has no rename")
def test_rename_in_use(api):
    box = api.waiting(name="box", host={"Binds": ["old:/x:ro"], "Mounts": [{"Type": "volume", "Source": "old", "Target": "/y"}]})
    api.exec(box, "sh", "-c", "echo kept > /y/file")
    api.post("/volumes/old/rename", expect=204, name="new")
    told = api.inspect(box)
    assert told["HostConfig"]["Binds"] == ["new:/x:ro"]
    assert told["HostConfig"]["Mounts"][0]["Source"] == "new"
    assert {m["Name"] for m in told["Mounts"]} == {"new"}
    assert [c["Id"] for c in api.get("/containers/json", filters={"volume": ["new"]}).json()] == [box]
    api.get("/volumes/old", expect=404)
    api.post(f"/containers/{box}/restart", expect=204, t=5)
    assert api.exec(box, "cat", "/x/file")[1] == "kept\n"
    make(api, "old")
    for name, to, status in (("old", "new", 409), ("nosuch", "x1", 404), ("old", "a/b", 400), ("old", "old", 400), ("old", "", 400)):
        api.post(f"/volumes/{name}/rename", expect=status, name=to)
    assert names(api) == ["new", "old"]




def test_events(api):
    connection, _ = api.open("GET", "/events", filters={"type": ["volume"]})
    with connection:
        api.output("true", host={"Binds": ["data:/x:ro"]})
        api.delete("/volumes/data", expect=204)
        seen = []
        text = b""
        while b'"destroy"' not in text:
            text += connection.read_some()
        for part in re.findall(rb"\{.*\}", text):
            seen.append(json.loads(part))
    assert [e["Action"] for e in seen] == ["create", "mount", "unmount", "destroy"]
    assert {e["Actor"]["ID"] for e in seen} == {"data"}
    mount = seen[1]["Actor"]["Attributes"]
    assert (mount["destination"], mount["driver"], mount["read/write"]) == ("/x", "local", "false")
    assert len(mount["container"]) == 64


@pytest.mark.gantry_only("about gantryd itself")
def test_survive_the_daemon(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    api.shell("echo kept > /x/file", host={"Binds": ["data:/x"]})
    ram = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}
    make(api, "ram", DriverOpts=ram)
    box = api.waiting(host={"Binds": ["ram:/ram", "data:/data"]})
    api.exec(box, "touch", "/ram/there")
    before = api.get("/volumes").json()
    daemon.kill()
    daemon.start()
    assert api.get("/volumes").json() == before
    api.delete("/volumes/data", expect=409)
    # A second container sees the same file system: it is still mounted.
    assert api.shell("ls /ram", host={"Binds": ["ram:/ram"]}) == "there\n"
    api.remove(box)
    point = api.get("/volumes/ram").json()["Mountpoint"]

    def mounted():
        with open(f"/proc/{daemon.sandbox.pid}/mountinfo", encoding="utf-8") as file:
            return point in file.read()

    wait.until(lambda: not mounted(), "unmounted with the last container")
    assert api.shell("ls /ram; cat /data/file", host={"Binds": ["ram:/ram", "data:/data"]}) == "kept\n"


def test_cli(cli, api):
    assert cli.out("volume", "create", "--label", "k=v", "data") == "data"
    assert cli.out("volume", "create", "v2") == "v2"
    assert cli.out("volume", "create", "v10") == "v10"
    assert cli.out("volume", "ls") == "DRIVER    VOLUME NAME\nlocal     data\nlocal     v2\nlocal     v10"
    assert cli.out("volume", "ls", "-q", "--filter", "label=k=v") == "data"
    assert cli.out("volume", "ls", "--format", "{{.Name}} {{.Scope}} {{.Labels}} {{.Links}} {{.Size}}", "-f", "name=data") == "data local k=v N/A N/A"
    assert json.loads(cli.out("volume", "inspect", "data"))[0]["Labels"] == {"k": "v"}
    assert cli.out("volume", "inspect", "-f", "{{.Name}} {{.Mountpoint}}", "data").startswith("data /")
    assert json.loads(cli.out("inspect", "--type", "volume", "data"))[0]["Name"] == "data"
    missing = cli("volume", "inspect", "nosuch", code=1)
    assert "get nosuch: no such volume" in missing.err and missing.out.strip() == "[]"
    removed = cli("volume", "rm", "v2", "nosuch", "v10", code=1)
    assert removed.out == "v2\nv10\n" and "get nosuch: no such volume" in removed.err
    assert cli("volume", "rm", "-f", "nosuch", code=0).out == "nosuch\n"
    ram = cli.out("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "--opt", "o=size=1m,uid=7")
    assert SEEN.match(ram)
    assert api.get(f"/volumes/{ram}").json()["Options"] == {"type": "tmpfs", "device": "tmpfs", "o": "size=1m,uid=7"}
    if not api.daemon.is_docker:
        assert "plugin \"nosuch\" not found" in cli("volume", "create", "-d", "nosuch", "z1", code=1).err


def test_cli_prune(cli, api):
    cli.out("volume", "create", "named")
    anonymous = cli.out("volume", "create")
    refused = cli("volume", "prune", stdin="n\n", code=None)
    assert "WARNING! This will remove anonymous local volumes not used by at least one container." in refused.out
    assert anonymous in names(api)
    if not api.daemon.is_docker:
        assert cli.out("volume", "prune", "-f") == f"Deleted Volumes:\n{anonymous}\n\nTotal reclaimed space: 0B"
        assert cli("volume", "prune", "-a", "-f", "--filter", "label!=x", code=0).out.startswith("Deleted Volumes:\nnamed")


@pytest.mark.gantry_only("extensions")
def test_cli_extensions(gantry, api):
    gantry.out("volume", "create", "old")
    gantry("volume", "rename", "old", "new", code=0)
    assert names(api) == ["new"]
    assert "no such volume" in gantry("volume", "rename", "old", "x1", code=1).err
    told = gantry.out("volume", "prune", "--all", "--dry-run")
    assert told == "Volumes to be removed:\nnew\n\nTotal reclaimable space: 0B"
    assert names(api) == ["new"]


def test_docker_py(py):
    volume = py.volumes.create("data", labels={"a": "b"})
    assert volume.attrs["Labels"] == {"a": "b"} and py.volumes.get("data").id == "data"
    py.containers.run("busybox:test", ["sh", "-c", "echo x > /v/f"], volumes={"data": {"bind": "/v", "mode": "rw"}})
    container = py.containers.list(all=True)[0]
    with pytest.raises(Exception, match="volume is in use"):
        volume.remove()
    container.remove()
    volume.remove()
    assert py.volumes.list() == []
    assert py.volumes.prune()["VolumesDeleted"] in (None, [])
