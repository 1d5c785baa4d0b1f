"""Volumes in containers: every notation, precedence, copy-up, sharing, removal."""

import os
import tarfile
import threading

import pytest

from harness import wait
from harness.image import IMAGE, Tar, busybox_layer, docker_archive


def names(api):
    return sorted(v["Name"] for v in api.get("/volumes").json()["Volumes"])


def mounts(api, container):
    return {m["Destination"]: m for m in api.inspect(container)["Mounts"]}


def volume(target, source="", **options):
    read_only = options.pop("ro", False)
    return {"Type": "volume", "Source": source, "Target": target, "ReadOnly": read_only, "VolumeOptions": options}


@pytest.fixture
def filled(api):
    """An image with a directory to copy up, and a VOLUME."""
    tar = Tar().dir("data", uid=1000, gid=1001, mode=0o750).add("data/file", b"text", uid=7, mode=0o4711)
    tar.add("data/hard", kind=tarfile.LNKTYPE, link="data/file", uid=7, mode=0o4711)
    tar.symlink("data/link", "/etc/passwd").dir("data/sub")
    tar.dir("empty", uid=5, gid=6, mode=0o1777).add("plain", b"x")
    layers = [busybox_layer(), tar.bytes()]
    api.load_ok(docker_archive(layers, ["filled:1"], {"Env": ["PATH=/bin"], "Volumes": {"/data": {}}}))
    return "filled:1"


def test_named(api):
    api.shell("echo one > /x/file", host={"Binds": ["data:/x"]})
    assert api.shell("cat /deep/er/file", host={"Binds": ["data:/deep/er:ro"]}) == "one\n"
    code, _, err = api.output("touch", "/x/no", host={"Binds": ["data:/x:ro"]})
    assert code != 0 and "Read-only" in err
    assert names(api) == ["data"]


def test_inspect_and_list(api):
    box = api.create("true", name="box", host={"Binds": ["data:/x:ro"], "Mounts": [volume("/y", "data")]}, Volumes={"/z": {}})
    seen = mounts(api, box)
    path = api.get("/volumes/data").json()["Mountpoint"]
    assert seen["/x"] == {"Type": "volume", "Name": "data", "Source": path, "Destination": "/x", "Driver": "local", "Mode": "ro", "RW": False, "Propagation": ""}
    assert (seen["/y"]["Mode"], seen["/y"]["RW"]) == ("z", True)
    anonymous = seen["/z"]["Name"]
    assert (len(anonymous), seen["/z"]["Mode"]) == (64, "")
    assert api.get(f"/volumes/{anonymous}").json()["Labels"] == {"com.docker.volume.anonymous": ""} or api.daemon.is_docker
    for value in ("data", "/z", anonymous, path):
        if value == path and api.daemon.is_docker:
            continue
        found = api.get("/containers/json", all=1, filters={"volume": [value]}).json()
        assert [c["Id"] for c in found] == [box], value
    assert api.get("/containers/json", all=1, filters={"volume": ["nosuch"]}).json() == []
    listed = api.get("/containers/json", all=1).json()[0]["Mounts"]
    assert {m["Destination"] for m in listed} == {"/x", "/y", "/z"}


def test_mount_options(api):
    options = {"Labels": {"k": "v"}, "DriverConfig": {"Name": "local", "Options": {"type": "tmpfs", "device": "tmpfs", "o": "size=1m,uid=77"}}}
    out = api.shell("stat -c %u /x; grep ' /x ' /proc/mounts", host={"Mounts": [volume("/x", "ram", **options)]})
    assert out.split()[0] == "77" and "tmpfs" in out
    told = api.get("/volumes/ram").json()
    assert told["Labels"] == {"k": "v"} and told["Options"]["o"] == "size=1m,uid=77"
    code, _, err = api.output("touch", "/x/no", host={"Mounts": [volume("/x", "ram", ro=True)]})
    assert code != 0 and "Read-only" in err


@pytest.mark.gantry_only("20.10 has no subpaths")
def test_subpath(api):
    api.shell("mkdir -p /v/a/b; echo deep > /v/a/b/file; ln -s /etc /v/out", host={"Binds": ["data:/v"]})
    assert api.shell("ls /x; cat /x/file", host={"Mounts": [volume("/x", "data", Subpath="a/b")]}) == "file\ndeep\n"
    assert api.shell("cat /x", host={"Mounts": [volume("/x", "data", Subpath="a/b/file")]}) == "deep\n"
    code, _, err = api.output("touch", "/x/n", host={"Mounts": [volume("/x", "data", ro=True, Subpath="a")]})
    assert code != 0 and "Read-only" in err
    for subpath in ("nosuch", "out"):
        box = api.create("true", host={"Mounts": [volume("/x", "data", Subpath=subpath)]})
        answer = api.start(box, expect=(400, 404, 500))
        assert "cannot access path" in answer.json()["message"]
    for subpath in ("../up", "/abs", "a/../../b"):
        api.create("true", host={"Mounts": [volume("/x", "data", Subpath=subpath)]}, expect=400)


@pytest.mark.gantry_only("20.10 has no subpaths")
def test_subpath_never_leaves_the_volume(api, tmp_path):
    """S40: a container swaps a part of the path for a link while others are started."""
    (tmp_path / "decoy").mkdir()
    (tmp_path / "decoy" / "secret").write_text("host")
    api.shell(f"mkdir -p /v/a/b /v/spare; ln -s {tmp_path}/decoy /v/link", host={"Binds": ["data:/v"]})
    swapper = api.started(
        "sh", "-c", "cd /v; while :; do mv a t; mv link a; mv a link; mv t a; done",
        host={"Binds": ["data:/v"], "AutoRemove": True},
    )  # fmt: skip
    for _ in range(15):
        box = api.create("ls", "/x", host={"Mounts": [volume("/x", "data", Subpath="a")]})
        if api.start(box, expect=(204, 400, 404, 500)).status == 204:
            api.wait(box)
            assert b"secret" not in api.logs(box)[0]
        api.remove(box)
    api.remove(swapper)


def test_copy_up(api, filled):
    script = "stat -c '%n %u:%g %a' /x /x/file; ls /x; [ /x/file -ef /x/hard ] && readlink /x/link"
    wanted = "/x 1000:1001 750\n/x/file 7:0 4711\nfile\nhard\nlink\nsub\n/etc/passwd\n"
    assert api.shell(script.replace("/x", "/data"), image=filled) == wanted.replace("/x", "/data")
    assert api.shell(script.replace("/x", "/data"), image=filled, host={"Binds": ["named:/data"]}) == wanted.replace("/x", "/data")
    # Filled once; what it has then is what everybody sees.
    api.shell("rm /data/file; echo mine > /data/new", image=filled, host={"Binds": ["named:/data"]})
    assert api.shell("ls /data", image=filled, host={"Binds": ["named:/data"]}) == "hard\nlink\nnew\nsub\n"
    assert api.shell("ls /data", image=filled, host={"Binds": ["bare:/data:nocopy"]}) == ""
    assert api.shell("ls /data", image=filled, host={"Mounts": [volume("/data", "bare2", NoCopy=True)]}) == ""
    # A bare one is filled as soon as somebody wants that; an empty directory gives its owner.
    api.shell("true", image=filled, host={"Binds": ["bare:/data"]})
    assert "file" in api.shell("ls /data", image=filled, host={"Binds": ["bare:/data"]})
    assert api.shell("stat -c '%u:%g %a' /empty", image=filled, host={"Binds": ["e0:/empty"]}) == "5:6 1777\n"


def test_copy_up_happens_at_create(api, filled):
    api.create("true", image=filled, host={"Binds": ["named:/data"]})
    point = api.get("/volumes/named").json()["Mountpoint"]
    assert sorted(os.listdir(f"/proc/{api.daemon.sandbox.pid}/root{point}")) == ["file", "hard", "link", "sub"]


def test_copy_up_beside_a_running_container(api, filled):
    box = api.waiting(host={"Binds": ["shared:/v"]})
    api.create("true", image=filled, host={"Binds": ["shared:/data"]})
    assert api.exec(box, "cat", "/v/file")[1] == "text"
    assert api.exec(box, "stat", "-c", "%u:%g %a", "/v")[1] == "1000:1001 750\n"


def test_no_volume_over_a_file(api, filled):
    for how in ({"host": {"Binds": ["named:/plain"]}}, {"Volumes": {"/plain": {}}}):
        answer = api.create("true", image=filled, expect=400, **how)
        assert "cannot mount volume over existing file, file exists /plain" in answer.json()["message"] or api.daemon.is_docker
    assert names(api) == [] or api.daemon.is_docker


def test_image_volumes(api, filled):
    box = api.create("true", image=filled)
    assert list(mounts(api, box)) == ["/data"] and api.inspect(box)["Config"]["Volumes"] == {"/data": {}}
    for host in ({"Binds": ["named:/data"]}, {"Tmpfs": {"/data": ""}}, {"Mounts": [{"Type": "tmpfs", "Target": "/data"}]}):
        before = len(names(api))
        api.create("true", image=filled, host=host)
        assert len(names(api)) - before == (1 if "Binds" in host else 0), host


def test_precedence_and_duplicates(api, tmp_path):
    api.create("true", name="lender", host={"Binds": ["lent:/a", f"{tmp_path}:/b:ro", "lent:/c"]})
    box = api.create("true", host={"Binds": ["own:/a"], "VolumesFrom": ["lender"], "Tmpfs": {"/c": ""}}, Volumes={"/a": {}, "/b": {}, "/d/": {}})
    seen = mounts(api, box)
    assert seen["/a"]["Name"] == "own" and seen["/b"]["Source"] == str(tmp_path) and not seen["/b"]["RW"]
    assert "/c" not in seen and len(seen["/d"]["Name"]) == 64
    for host in (
        {"Binds": ["x1:/a", "x2:/a/"]}, {"Binds": ["x1:/a"], "Mounts": [volume("/a", "x2")]},
        {"Binds": ["x1:/a"], "Tmpfs": {"/a": ""}},
    ):  # fmt: skip
        assert api.create("true", host=host, expect=400).json()["message"] == "Duplicate mount point: /a"
    assert "x1" not in names(api)


def test_volumes_from(api):
    api.shell("echo text > /v/file", name="lender", host={"Binds": ["data:/v"]})
    api.create("true", name="lender", host={"Binds": ["data:/v"]}, Volumes={"/anon": {}})
    assert api.shell("cat /v/file; touch /anon/x", host={"VolumesFrom": ["lender"]}) == "text\n"
    code, _, err = api.output("touch", "/v/no", host={"VolumesFrom": ["lender:ro"]})
    assert code != 0 and "Read-only" in err
    assert api.shell("ls /anon", host={"VolumesFrom": ["lender:rw"]}) == "x\n"
    for bad, status in (("nosuch", 404), ("lender:shared", 400), ("lender:nocopy", 400), ("", 400)):
        api.create("true", host={"VolumesFrom": [bad]}, expect=status)


REFUSED = [
    ({"Binds": ["a/b:/x"]}, "includes invalid characters"),
    ({"Binds": ["data:x"]}, "mount path must be absolute"),
    ({"Binds": ["data:/"]}, "destination can't be '/'"),
    ({"Binds": ["data:/x:shared"]}, "BindOptions"),
    ({"Binds": ["data:/x:nosuch"]}, "invalid mode"),
    ({"Binds": ["/tmp:/x:nocopy"]}, "VolumeOptions"),
    ({"Mounts": [volume("/x", ro=True)]}, "must not set ReadOnly mode when using anonymous volumes"),
    ({"Mounts": [volume("/x", Subpath="s")]}, "must not set Subpath when using anonymous volumes"),
    ({"Mounts": [{"Type": "npipe", "Source": "x", "Target": "/x"}]}, "mount type unknown"),
    ({"Mounts": [volume("/x", "data", DriverConfig={"Options": {"foo": "1"}})]}, 'invalid option: "foo"'),
    ({"Mounts": [volume("/x", "a/b")]}, "includes invalid characters"),
]


@pytest.mark.parametrize("host,text", REFUSED, ids=lambda v: str(v)[:60])
@pytest.mark.gantry_only("20.10 words some of them in another way")
def test_refusals(api, host, text):
    assert text in api.create("true", host=host, expect=400).json()["message"]
    assert names(api) == [] and api.get("/containers/json", all=1).json() == []


@pytest.mark.gantry_only("20.10 waits for the plugin")
@pytest.mark.parametrize("host", [
    {"VolumeDriver": "nosuch", "Binds": ["data:/x"]}, {"Mounts": [volume("/x", "data", DriverConfig={"Name": "nosuch"})]},
])  # fmt: skip
def test_unknown_driver_is_told_at_once(api, host):
    answer = api.create("true", host=host, expect=400)
    assert answer.json()["message"] == 'error looking up volume plugin nosuch: plugin "nosuch" not found'
    api.create("true", host={"Mounts": [{"Type": "cluster", "Source": "x", "Target": "/x"}]}, expect=501)
    assert names(api) == []


def test_a_failed_create_leaves_no_volume(api):
    api.create("true", name="taken")
    api.create("true", name="taken", host={"Binds": ["fresh:/x"]}, Volumes={"/a": {}}, expect=409)
    assert names(api) == []


def test_rm_with_volumes(api):
    box = api.create("true", host={"Binds": ["named:/n"]}, Volumes={"/a": {}})
    lent = api.create("true", host={"VolumesFrom": [box]})
    assert len(names(api)) == 2
    api.delete(f"/containers/{box}", v=1)
    assert len(names(api)) == 2, "the other container still uses it"
    api.delete(f"/containers/{lent}", v=1)
    assert names(api) == ["named"]
    box = api.create("true", Volumes={"/a": {}})
    api.delete(f"/containers/{box}")
    assert len(names(api)) == 2


def test_auto_remove_takes_anonymous_volumes(api):
    box = api.create("true", host={"AutoRemove": True, "Binds": ["named:/n", "/b"]}, Volumes={"/a": {}})
    assert len(names(api)) == 3
    api.start(box)
    wait.until(lambda: names(api) == ["named"], "the anonymous ones are gone")


@pytest.mark.gantry_only("20.10 has no image mounts")
def test_image_mount(api, filled):
    mount = {"Type": "image", "Source": filled, "Target": "/x"}
    assert api.shell("cat /x/data/file", host={"Mounts": [mount]}) == "text"
    sub = dict(mount, ImageOptions={"Subpath": "data"})
    assert api.shell("cat /x/file; touch /x/no 2>&1 | grep -c Read-only", host={"Mounts": [sub]}) == "text1\n"
    api.create("true", host={"Mounts": [dict(mount, Source="nosuch:1")]}, expect=404)


def test_many_share_and_fill_one(api, filled):
    """Sixteen creates at once: one of them fills the volume, all see it whole."""
    failed = []

    def work():
        box = api.create("sh", "-c", "ls /data | wc -l; ls /two | wc -l", image=filled, host={"Binds": ["many:/data", "other:/two"]})
        api.start(box)
        api.wait(box)
        if api.logs(box)[0] != b"4\n0\n":
            failed.append(api.logs(box))

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed and names(api) == ["many", "other"]


def test_cli(cli, api, filled):
    cli("run", "--rm", "-v", "data:/v", IMAGE, "sh", "-c", "echo text > /v/file", code=0)
    assert cli.out("run", "--rm", "-v", "data:/v:ro", IMAGE, "cat", "/v/file") == "text"
    assert cli.out("run", "--rm", "--mount", "type=volume,source=data,target=/v,readonly", IMAGE, "cat", "/v/file") == "text"
    assert cli.out("run", "--rm", "--mount", "src=lab,dst=/data,volume-nocopy,volume-label=a=b,volume-driver=local", filled, "ls", "/data") == ""
    assert api.get("/volumes/lab").json()["Labels"] == {"a": "b"}
    ram = "type=volume,src=ram,dst=/r,volume-opt=type=tmpfs,volume-opt=device=tmpfs,\"volume-opt=o=size=1m,uid=9\""
    assert cli.out("run", "--rm", "--mount", ram, IMAGE, "stat", "-c", "%u", "/r") == "9"
    assert sorted(names(api)) == ["data", "lab", "ram"]
    cli("create", "--name", "lender", "-v", "/anon", "-v", "data:/v", IMAGE, code=0)
    assert cli.out("run", "--rm", "--volumes-from", "lender:ro", IMAGE, "cat", "/v/file") == "text"
    assert cli.out("ps", "-a", "--filter", "volume=/anon", "--format", "{{.Names}} {{.LocalVolumes}}") == "lender 2"
    cli("rm", "-v", "lender", code=0)
    assert sorted(names(api)) == ["data", "lab", "ram"]
    if not api.daemon.is_docker:
        assert "plugin \"nosuch\" not found" in cli("run", "--rm", "--volume-driver", "nosuch", "-v", "n1:/x", IMAGE, "true", code=125).err
        assert cli.out("run", "--rm", "--mount", "type=volume,src=data,dst=/x,volume-subpath=file", IMAGE, "cat", "/x") == "text"
    cli("run", "--rm", "-v", "C:\\x:/y", IMAGE, "true", code=125)


def test_docker_py(py):
    import docker.types  # pylint: disable=import-outside-toplevel

    mount = docker.types.Mount("/v", "data", labels={"a": "b"}, no_copy=True)
    py.containers.run(IMAGE, ["sh", "-c", "echo x > /v/f"], mounts=[mount], remove=True)
    out = py.containers.run(IMAGE, ["cat", "/v/f"], volumes={"data": {"bind": "/v", "mode": "ro"}}, remove=True)
    assert out == b"x\n" and py.volumes.get("data").attrs["Labels"] == {"a": "b"}
