"""GET, HEAD and PUT of /containers/{id}/archive: what docker cp speaks."""

import base64
import bz2
import gzip
import io
import json
import lzma
import os
import stat
import tarfile
import time
import urllib.parse

import pytest

from harness import image

GO_DIR, GO_LINK, GO_FIFO, GO_SETUID = 1 << 31, 1 << 27, 1 << 25, 1 << 23


def where(container, path, **query):
    """The endpoint's path with its query: Api.call() has a "path" of its own."""
    return f"/containers/{container}/archive?" + urllib.parse.urlencode({"path": path, **query})


def put(api, container, path, data, expect=200, **query):
    return api.call("PUT", where(container, path, **query), bytes(data), expect=expect)


def get(api, container, path):
    """The members of the archive of PATH by name, with their content."""
    body = api.get(where(container, path)).body
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        return {m.name: (m, tar.extractfile(m).read() if m.isreg() else None) for m in tar}


def stat_of(api, container, path):
    answer = api.call("HEAD", where(container, path), expect=200)
    return json.loads(base64.b64decode(answer.header("X-Docker-Container-Path-Stat")))


@pytest.fixture(params=["created", "running", "exited", "paused"])
def container(request, api):
    """A container in each state in which files can be copied."""
    ready = "ln -s /etc/passwd /tmp/link; mkdir /tmp/dir; echo x > /tmp/dir/file; chmod 4751 /tmp/dir/file; mkfifo /tmp/fifo"
    if request.param == "created":
        name = api.create("true")
        tar = image.Tar().symlink("link", "/etc/passwd").dir("dir").add("dir/file", b"x\n", mode=0o4751)
        put(api, name, "/tmp", tar.add("fifo", kind=tarfile.FIFOTYPE).bytes())
    elif request.param == "exited":
        name = api.started("sh", "-c", ready)
        api.wait(name)
    else:
        name = api.waiting()
        assert api.exec(name, "sh", "-c", ready)[0] == 0
        if request.param == "paused":
            api.post(f"/containers/{name}/pause", expect=204)
    yield name
    if request.param == "paused":
        api.post(f"/containers/{name}/unpause", expect=(204, 409))


def test_every_state(api, container):
    members = get(api, container, "/tmp/dir")
    assert list(members) == ["dir", "dir/file"]
    file, content = members["dir/file"]
    assert (content, file.mode, file.uid, file.gid) == (b"x\n", 0o4751, 0, 0)
    assert stat_of(api, container, "/tmp/dir")["mode"] == GO_DIR | 0o755
    seen = stat_of(api, container, "/tmp/dir/file")
    assert (seen["name"], seen["size"], seen["mode"]) == ("file", 2, GO_SETUID | 0o751)
    seen = stat_of(api, container, "/tmp/link")
    assert seen["mode"] & GO_LINK and seen["linkTarget"] == "/etc/passwd"
    assert stat_of(api, container, "/tmp/fifo")["mode"] & GO_FIFO
    assert get(api, container, "/tmp/fifo")["fifo"][0].isfifo()
    put(api, container, "/tmp/dir", image.Tar().add("new", b"n", uid=12, gid=34, mtime=1234567890).bytes())
    new, content = get(api, container, "/tmp/dir/new")["new"]
    assert (content, new.uid, new.gid, new.mtime) == (b"n", 12, 34, 1234567890)


def test_names(api):
    name = api.create("true")
    put(api, name, "/tmp", image.Tar().dir("d").add("d/f", b"f").symlink("l", "d").bytes())
    assert list(get(api, name, "/tmp/d/.")) == [".", "./f"]
    assert list(get(api, name, "/tmp/l")) == ["l"]
    assert list(get(api, name, "/tmp/l/")) == ["l", "l/f"]
    assert list(get(api, name, "tmp/../tmp/d")) == ["d", "d/f"]
    top = get(api, name, "/")
    assert "/bin/busybox" in top or "bin/busybox" in top
    assert stat_of(api, name, "/tmp/d/.")["name"] == "."


@pytest.mark.parametrize("path", ["/nope", "/nope/x", "/proc/version"])
def test_missing(api, path):
    name = api.waiting()
    answer = api.get(where(name, path), expect=404)
    assert answer.message == f"Could not find the file {path} in container {name}"
    api.call("HEAD", where(name, path), expect=404)


def test_refusals(api):
    name = api.create("true")
    assert api.get(f"/containers/{name}/archive", expect=400).message == "bad parameter: pathcannot be empty"
    assert put(api, name, "/etc/passwd", b"", 400).message == "extraction point is not a directory"
    assert "Could not find the file /no in container" in put(api, name, "/no", b"", 404).message
    api.get(where("nobody", "/"), expect=404)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress], ids=["plain", "gzip", "bzip2", "xz"])
def test_compressed(api, pack):
    name = api.create("true")
    put(api, name, "/tmp", pack(image.Tar().add("f", b"content").bytes()))
    assert get(api, name, "/tmp/f")["f"][1] == b"content"


@pytest.mark.parametrize("accepted, wanted", [("gzip", "gzip"), ("deflate, gzip;q=0.5", "gzip"), ("gzip;q=0", None), ("identity", None)])
def test_accept_encoding(api, accepted, wanted):
    name = api.create("true")
    answer = api.call("GET", where(name, "/etc/passwd"), expect=200, headers={"Accept-Encoding": accepted})
    assert answer.header("Content-Encoding") == wanted
    body = gzip.decompress(answer.body) if wanted else answer.body
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        assert tar.extractfile("passwd").read() == image.PASSWD.encode()


def test_owner_of_the_user(api):
    name = api.create("true", User="bob")
    data = image.Tar().dir("d", uid=5).add("d/f", b"", uid=7, gid=8).bytes()
    put(api, name, "/tmp", data, copyUIDGID=1)
    assert {(m.uid, m.gid) for m, _ in get(api, name, "/tmp/d").values()} == {(1000, 1000)}


def test_clash(api):
    name = api.create("true")
    put(api, name, "/tmp", image.Tar().dir("d").add("f", b"").bytes())
    over_dir, over_file = image.Tar().add("d", b"").bytes(), image.Tar().dir("f").bytes()
    assert "cannot overwrite directory" in put(api, name, "/tmp", over_dir, 400, noOverwriteDirNonDir=1).message
    assert "cannot overwrite non-directory" in put(api, name, "/tmp", over_file, 400, noOverwriteDirNonDir=1).message
    put(api, name, "/tmp", over_dir)
    put(api, name, "/tmp", over_file)
    assert (stat_of(api, name, "/tmp/d")["mode"], stat_of(api, name, "/tmp/f")["mode"]) == (0o644, GO_DIR | 0o755)


@pytest.mark.parametrize("running", [False, True])
def test_mounts(api, tmp_path, running):
    host, locked = tmp_path / "rw", tmp_path / "ro"
    host.mkdir(), locked.mkdir()
    (host / "f").write_text("of the host")
    options = {"Binds": [f"{host}:/made/rw", f"{locked}:/ro:ro"], "Tmpfs": {"/scratch": ""}}
    name = api.create("/bin/probe", "wait", host=options)
    if running:
        api.start(name)
        assert api.exec(name, "sh", "-c", "echo t > /scratch/t")[0] == 0
        assert get(api, name, "/scratch/t")["t"][1] == b"t\n"
    assert get(api, name, "/made/rw/f")["f"][1] == b"of the host"
    put(api, name, "/made/rw", image.Tar().add("g", b"new").bytes())
    assert (host / "g").read_bytes() == b"new"
    assert put(api, name, "/ro", image.Tar().add("g").bytes(), 403).message == "mounted volume is marked read-only"
    assert not list(locked.iterdir())


@pytest.mark.parametrize("running", [False, True])
def test_read_only_root(api, running):
    name = api.create("/bin/probe", "wait", host={"ReadonlyRootfs": True})
    if running:
        api.start(name)
    assert put(api, name, "/tmp", image.Tar().add("g").bytes(), 403).message == "container rootfs is marked read-only"


HOSTILE = {
    "dotdot": (image.Tar().add("../out", b"x"), 400),
    "deep dotdot": (image.Tar().add("a/../../out", b"x"), 400),
    "absolute": (image.Tar().add("/abs", b"x"), 200),
    "through a link": (image.Tar().symlink("l", "/../../../../../../tmp").add("l/out", b"x"), 200),
    "hard link out": (image.Tar().hardlink("h", "../../etc/passwd"), 400),
    "hard link to nothing": (image.Tar().hardlink("h", "nothing"), 400),
    "long name": (image.Tar().add("n" * 300, b"x"), 400),
    "overlay attribute": (image.Tar().add("f", b"x", pax={"SCHILY.xattr.trusted.overlay.redirect": "/etc"}), 200),
    "twice": (image.Tar().add("f", b"1").add("f", b"2"), 200),
    "no tar": (b"this is no archive" * 100, 400),
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("running", [False, True])
def test_hostile(api, tmp_path, case, running):
    archive, expect = HOSTILE[case]
    name = api.waiting() if running else api.create("true")
    put(api, name, "/tmp", archive if isinstance(archive, bytes) else archive.bytes(), expect)
    for place in ("/out", "/abs", "/tmp/out", "/tmp/abs"):
        assert not os.path.exists(place), place
    if case == "twice":
        assert get(api, name, "/tmp/f")["f"][1] == b"2"


def test_fifo_and_device_in_the_way(api):
    name = api.waiting()
    assert api.exec(name, "sh", "-c", "mkfifo /tmp/f; ln -s /dev/zero /tmp/z")[0] == 0
    put(api, name, "/tmp", image.Tar().add("f", b"1").add("z", b"2").bytes())
    assert (get(api, name, "/tmp/f")["f"][1], get(api, name, "/tmp/z")["z"][1]) == (b"1", b"2")


@pytest.mark.gantry_only("Docker before 29.5 is beaten here")
def test_swapped_links(api):
    """CVE-2018-15664: a container that exchanges a directory and a link to / all the time."""
    name = api.waiting()
    swap = "cd /tmp; mkdir real; echo inside > real/passwd; while :; do ln -sfn /../../../../../etc x; rm x; ln -sfn real x; rm x; done"
    body = {"Cmd": ["sh", "-c", swap]}
    number = api.post(f"/containers/{name}/exec", body, expect=201).json()["Id"]
    api.post(f"/exec/{number}/start", {"Detach": True}, expect=200)
    with open("/etc/passwd", "rb") as file:
        host = file.read()
    good = (b"inside\n", image.PASSWD.encode())
    before = sorted(os.listdir("/etc"))
    for _ in range(200):
        answer = api.get(where(name, "/tmp/x/passwd"), expect=(200, 400, 404))
        if answer.status == 200:
            with tarfile.open(fileobj=io.BytesIO(answer.body)) as tar:
                content = tar.extractfile("passwd").read()
                assert content in good and content != host
        put(api, name, "/tmp/x", image.Tar().add("gantry-planted", b"x").bytes(), (200, 400, 404))
    assert sorted(os.listdir("/etc")) == before


@pytest.mark.gantry_only("Docker shows what is below")
def test_kernel_files_are_not_read(api):
    name = api.waiting()
    members = get(api, name, "/")
    assert not [n for n in members if n.lstrip("/").startswith(("proc/", "sys/", "dev/"))]


def test_hard_links_sparse_and_attributes(api):
    name = api.waiting()
    assert api.exec(name, "sh", "-c", "cd /tmp; echo a > a; ln a b; truncate -s 30000000 hole")[0] == 0
    members = get(api, name, "/tmp")
    assert members["tmp/b"][0].islnk() and members["tmp/b"][0].linkname == "tmp/a"
    assert members["tmp/hole"][0].size == 30000000
    capability = "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    put(api, name, "/tmp", image.Tar().add("c", b"", pax={"SCHILY.xattr.security.capability": capability}).bytes())
    assert get(api, name, "/tmp/c")["c"][0].pax_headers["SCHILY.xattr.security.capability"] == capability


def test_events(api):
    name = api.create("true")
    api.get(where(name, "/etc/passwd"))
    put(api, name, "/tmp", image.Tar().add("f").bytes())
    events = api.get(
        "/events", since=1, until=int(time.time()) + 1, filters={"container": [name]}
    ).json_lines()
    assert [e["Action"] for e in events] == ["create", "archive-path", "extract-to-dir"]


def test_docker_py(py):
    container = py.containers.create(image.IMAGE, "true")
    assert container.put_archive("/tmp", image.Tar().add("f", b"py").bytes())
    chunks, seen = container.get_archive("/tmp/f")
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
        assert tar.extractfile("f").read() == b"py"
    assert seen["name"] == "f" and seen["size"] == 2
    container.remove()
