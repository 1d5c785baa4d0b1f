"""Archives that attack: paths, links, devices, xattrs, digests, configs (security.md S12-S22)."""

import json
import os
import tarfile

import pytest

from harness import image
from harness.image import IMAGE, Tar, busybox_layer, derived, digest_of, docker_archive


def refused_or_harmless(api, archive, tag="hostile:1"):
    """True if the archive was refused with nothing left of it."""
    answer = api.load(archive, expect=(200, 400, 500))
    failed = answer.status != 200 or any("error" in line for line in answer.json_lines())
    tags = [t for i in api.get("/images/json").json() for t in i["RepoTags"] or []]
    assert failed == (tag not in tags)
    if failed and not api.daemon.is_docker:
        assert answer.status in (200, 400), answer
        if answer.status == 200:
            assert answer.json_lines()[-1]["error"]
    return failed


@pytest.fixture
def decoy(api, tmp_path):
    """A file of the host that no archive may touch."""
    path = tmp_path / "decoy"
    path.write_text("untouched")
    os.chmod(path, 0o640)
    yield path
    assert path.read_text() == "untouched"
    assert os.stat(path).st_mode & 0o7777 == 0o640
    assert sorted(os.listdir(tmp_path)) == ["decoy"]


def outside(tmp_path):
    return str(tmp_path).lstrip("/")


LINKS = {
    "dotdot": lambda t, p: t.add("../" * 20 + p + "/evil", b"x"),
    "dotdot inside": lambda t, p: t.add("a/../../" + p + "/evil", b"x"),
    "absolute": lambda t, p: t.add("/" + p + "/evil", b"x"),
    "through a symlink": lambda t, p: t.symlink("l", "/" + p).add("l/evil", b"x"),
    "through a relative symlink": lambda t, p: t.symlink("l", "../" * 20 + p).add("l/evil", b"x"),
    "over a symlink": lambda t, p: t.symlink("l", "/" + p + "/decoy").add("l", b"overwritten"),
    "over a symlink with slash": lambda t, p: t.symlink("l", "/" + p).dir("l/").add("l/evil", b"x"),
    "hard link out": lambda t, p: t.hardlink("h", "../" * 20 + p + "/decoy").add("h", b"x"),
    "absolute hard link": lambda t, p: t.hardlink("h", "/" + p + "/decoy").add("h", b"x"),
    "hard link to symlink": lambda t, p: t.symlink("l", "/" + p + "/decoy").hardlink("h", "l").add("h", b"x", mode=0o777),
    "hard link through symlink": lambda t, p: t.symlink("l", "/" + p).hardlink("h", "l/decoy"),
    "whiteout with dotdot": lambda t, p: t.add("../" * 20 + p + "/.wh.decoy"),
    "whiteout of dotdot": lambda t, p: t.add("d/.wh..."),
    "whiteout of nothing": lambda t, p: t.add("d/.wh."),
    "whiteout through symlink": lambda t, p: t.symlink("l", "/" + p).add("l/.wh.decoy"),
    "chmod through symlink": lambda t, p: t.symlink("l", "/" + p + "/decoy").add("l", b"", mode=0o777),
    "empty name": lambda t, p: t.add("", b"x"),
    "only dots": lambda t, p: t.dir("..").dir("."),
    "long component": lambda t, p: t.add("n" * 300, b"x"),
    "long path": lambda t, p: t.add("/".join(["n" * 200] * 25), b"x"),
    "deep path": lambda t, p: t.add("/".join(["d"] * 1500), b"x"),
}  # fmt: skip


@pytest.mark.parametrize("attack", LINKS)
def test_layer_paths(api, decoy, tmp_path, attack):
    tar = LINKS[attack](Tar(), outside(tmp_path))
    refused_or_harmless(api, derived("hostile:1", None, tar.bytes()))


@pytest.mark.parametrize("attack", ["through a symlink", "whiteout through symlink", "over a symlink"])
def test_attack_over_two_layers(api, decoy, tmp_path, attack):
    first = Tar().symlink("l", "/" + outside(tmp_path)).bytes()
    second = {
        "through a symlink": Tar().add("l/evil", b"x"),
        "whiteout through symlink": Tar().add("l/.wh.decoy"),
        "over a symlink": Tar().dir("l", mode=0o777),
    }[attack].bytes()
    archive = docker_archive([busybox_layer(), first, second], ["hostile:1"])
    if not refused_or_harmless(api, archive):
        api.output("true", image="hostile:1")


def test_device_nodes_are_of_no_use(api):
    tar = Tar().add("disk", kind=tarfile.BLKTYPE, mode=0o666, devmajor=254, devminor=0)
    if not refused_or_harmless(api, derived("hostile:1", None, tar.bytes())):
        code, out, _ = api.output("/bin/probe", "open", "/disk", image="hostile:1")
        assert code != 0 or "errno" in out


@pytest.mark.gantry_only("28.5 stores them too: security.md S15")
def test_overlay_xattrs_are_not_taken(api):
    for name, value in (
        ("trusted.overlay.redirect", "/etc"),
        ("trusted.overlay.opaque", "y"),
        ("trusted.overlay.metacopy", ""),
        ("user.overlay.redirect", "/etc"),
    ):
        lower = Tar().dir("d").add("d/lower", b"x").bytes()
        upper = Tar().dir("d", pax={f"SCHILY.xattr.{name}": value}).add("d/upper", b"x").bytes()
        archive = docker_archive([busybox_layer(), lower, upper], ["hostile:1"])
        if not refused_or_harmless(api, archive):
            assert api.shell("ls /d", image="hostile:1").split() == ["lower", "upper"]


def replaced(manifest=None, config=None, layers=None, **names):
    """A docker archive with one of its parts replaced by bytes."""
    real = image.image_config([busybox_layer()])
    config_bytes = json.dumps(real).encode() if config is None else config
    fields = {
        "Config": "config.json",
        "RepoTags": ["hostile:1"],
        "Layers": ["layer.tar"],
        **names,
    }
    tar = Tar().add("config.json", config_bytes)
    tar.add("layer.tar", busybox_layer() if layers is None else layers)
    body = json.dumps([fields]).encode() if manifest is None else manifest
    return tar.add("manifest.json", body).bytes()


def config_with(**fields):
    return json.dumps(dict(image.image_config([busybox_layer()]), **fields)).encode()


BROKEN = {
    "empty": b"",
    "not a tar": b"garbage" * 1000,
    "no manifest": Tar().add("x", b"y").bytes(),
    "manifest is not JSON": replaced(b"{"),
    "manifest is an object": replaced(b"{}"),
    "manifest is a number": replaced(b"5"),
    "manifest is deep": replaced(b"[" * 100000),
    "config is missing": replaced(Config="nosuch.json"),
    "config outside": replaced(Config="../../../etc/passwd"),
    "config absolute": replaced(Config="/etc/passwd"),
    "config is not JSON": replaced(config=b"not json"),
    "config is null": replaced(config=b"null"),
    "config of wrong types": replaced(config=b'{"rootfs":{"diff_ids":5},"config":[]}'),
    "layer is missing": replaced(Layers=["nosuch.tar"]),
    "layer outside": replaced(Layers=["../../../../etc/passwd"]),
    "layer is garbage": replaced(
        layers=b"garbage" * 999,
        config=config_with(rootfs={"type": "layers", "diff_ids": ["sha256:" + digest_of(b"garbage" * 999)]}),
    ),
    "more layers than diff ids": replaced(Layers=["layer.tar", "layer.tar"]),
    "fewer layers than diff ids": replaced(Layers=[]),
    "wrong diff id": replaced(config=config_with(rootfs={"type": "layers", "diff_ids": ["sha256:" + "0" * 64]})),
    "bad diff id": replaced(config=config_with(rootfs={"type": "layers", "diff_ids": ["sha256:../../x"]})),
    "bad tag": replaced(RepoTags=["UPPER:../x"]),
    "tag with escape": replaced(RepoTags=["a\x1b[31m:1"]),
    "foreign architecture os": replaced(config=config_with(os="windows")),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_archives(api, case):
    answer = api.load(BROKEN[case], expect=(200, 400, 500))
    failed = answer.status != 200 or any("error" in line for line in answer.json_lines())
    tags = [t for i in api.get("/images/json").json() for t in i["RepoTags"] or []]
    if not api.daemon.is_docker:
        assert failed or case in ("empty",), answer
        assert answer.status in (200, 400), answer
        assert tags == [IMAGE]


def test_link_as_manifest(api, decoy, tmp_path):
    tar = Tar().symlink("manifest.json", f"{tmp_path}/decoy").bytes()
    assert refused_or_harmless(api, tar)


def test_cut_archives(api):
    archive = replaced()
    for size in (1, 511, 512, 1000, len(archive) // 2, len(archive) - 20000):
        answer = api.load(archive[:size], expect=(200, 400, 500))
        if not api.daemon.is_docker:
            assert answer.status == 400 or "error" in answer.json_lines()[-1], size
    assert [i["RepoTags"] for i in api.get("/images/json").json()] == [[IMAGE]]


# Configs that are only dangerous later: at create, at start, in a listing.
CONFIGS = [
    {"User": "4294967296"}, {"User": "-1"}, {"User": "2147483648"}, {"User": "1000:99999999999"},
    {"User": "x" * 100000}, {"User": "root\0x"}, {"User": "1000 "},
    {"WorkingDir": "/proc/self/fd/7"}, {"WorkingDir": "relative"}, {"WorkingDir": "/../../etc"},
    {"Env": ["=x"]}, {"Env": ["NOEQUALS"]}, {"Env": ["A=b\nLD_PRELOAD=/x"]}, {"Env": ["A=" + "x" * 10_000_000]},
    {"Entrypoint": [""]}, {"Entrypoint": ["\0"]}, {"Cmd": [""]},
    {"StopSignal": "SIGFOO"}, {"StopSignal": "-1"},
    {"ExposedPorts": {"99999/tcp": {}}}, {"ExposedPorts": {"1-65535/tcp": {}}}, {"ExposedPorts": {"x": {}}},
    {"Volumes": {"/": {}}}, {"Volumes": {"..": {}}}, {"Volumes": {"/proc": {}}},
    {"Labels": {"\x1b[31mred": "\x1b]0;title\x07"}}, {"Labels": {"": ""}},
    {"Healthcheck": {"Test": ["CMD", "x"], "Interval": 1}},
]  # fmt: skip


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: str(c)[:50])
def test_hostile_configs(api, config):
    config = {"Env": ["PATH=/bin"], "Cmd": ["id"], **config}
    if refused_or_harmless(api, derived("hostile:1", config)):
        return
    answer = api.create(image="hostile:1", expect=(201, 400, 500))
    if answer.status == 201:
        container = answer.json()["Id"]
        if api.start(container, expect=(204, 400, 404, 500)).status == 204:
            api.wait(container)
            out = api.logs(container)[0].decode()
            assert "uid=0" not in out or "User" not in config, "an impossible user became root"
    else:
        assert answer.status == 400 or api.daemon.is_docker, answer


@pytest.mark.parametrize("line,user", [("1000:x:0:0::/:/bin/sh", "1000"), ("5000x:x:0:0::/:/bin/sh", "5000")])
def test_a_numeric_user_is_never_a_name(api, line, user):
    layer = Tar().add("etc/passwd", line.encode() + b"\n").bytes()
    api.load_ok(derived("hostile:1", {"Env": ["PATH=/bin"]}, layer))
    out = api.output("id", "-u", image="hostile:1", User=user)[1]
    assert out.strip() == user or api.daemon.is_docker


PASSWD = {
    "fifo": Tar().add("etc/passwd", kind=tarfile.FIFOTYPE),
    "symlink to the host": Tar().symlink("etc/passwd", "../../../../../../etc/passwd"),
    "directory": Tar().add(".wh.x").dir("etc2").symlink("etc/passwd", "/etc2"),
    "endless": Tar().symlink("etc/passwd", "/dev/zero"),
    "loop": Tar().symlink("etc/passwd", "passwd"),
    "magic link": Tar().symlink("etc/passwd", "/proc/self/exe"),
}


@pytest.mark.parametrize("case", PASSWD)
@pytest.mark.gantry_only("runc 1.1 hangs on some: security.md S20")
def test_hostile_passwd(api, case):
    archive = derived("hostile:1", {"Env": ["PATH=/bin"]}, PASSWD[case].bytes())
    api.load_ok(archive)
    container = api.create("id", "-u", image="hostile:1", User="daemon")
    answer = api.call("POST", f"/containers/{container}/start", expect=(204, 400, 500), timeout=5)
    assert answer.status != 204, "a user out of nowhere"
    # Numbers need no file; refusing is as good as ignoring it.
    container = api.create("grep", "Uid", "/proc/self/status", image="hostile:1", User="4242")
    answer = api.call("POST", f"/containers/{container}/start", expect=(204, 400), timeout=5)
    if answer.status == 204:
        assert api.wait(container) == 0
        assert api.logs(container)[0].split()[1] == b"4242"


def test_decompression_bomb_is_streamed(api):
    import gzip  # pylint: disable=import-outside-toplevel

    from harness import leaks  # pylint: disable=import-outside-toplevel

    bomb = gzip.compress(Tar().add("zeros", b"\0" * (200 << 20)).bytes(), 1)
    _, before = leaks.size(api.daemon)
    answer = api.call(
        "POST", "/images/create", bomb, headers={"Content-Type": "application/x-tar"},
        fromSrc="-", repo="bomb", tag="1", expect=(200, 400, 500), timeout=120,
    )  # fmt: skip
    _, after = leaks.size(api.daemon)
    assert answer.status in (200, 400) or api.daemon.is_docker
    assert after - before < 64 << 10 or api.daemon.is_docker


def test_sparse_giant(api):
    """A header that claims a terabyte with nothing behind it."""
    info = tarfile.TarInfo("giant")
    info.size = 1 << 40
    layer = info.tobuf(tarfile.GNU_FORMAT) + b"\0" * 1024
    assert digest_of(layer)
    refused_or_harmless(api, derived("hostile:1", None, layer))
