"""Devices of the host in containers: --device, CDI specs, --gpus."""

import json
import os

import pytest

from harness.image import IMAGE


def mapping(host, inside=None, access="rwm"):
    return {"Devices": [{"PathOnHost": str(host), "PathInContainer": inside or str(host), "CgroupPermissions": access}]}


def probe(api, path, **options):
    """What opening PATH for reading and writing says: "ok" or "errno N"."""
    return api.shell(f"exec /bin/probe open {path}", **options).strip()


def test_device_at_another_path(api):
    assert probe(api, "/dev/mine", host=mapping("/dev/fuse", "/dev/mine")) == "ok"
    assert "10, 229" in api.shell("ls -l /dev/mine", host=mapping("/dev/fuse", "/dev/mine"))


@pytest.mark.parametrize("access,read,write", [("r", True, False), ("w", False, True), ("rw", True, True)])
def test_device_access(api, access, read, write):
    out = api.shell(
        "true < /dev/fuse && echo r; true > /dev/fuse && echo w; true", host=mapping("/dev/fuse", access=access)
    )
    assert out.split() == ["r"] * read + ["w"] * write


def test_device_behind_a_link(api, tmp_path):
    (tmp_path / "link").symlink_to("/dev/fuse")
    assert probe(api, "/dev/linked", host=mapping(tmp_path / "link", "/dev/linked")) == "ok"


def test_directory_of_devices(api, tmp_path):
    os.makedirs(tmp_path / "bus" / "deep")
    os.mknod(tmp_path / "bus" / "a", 0o600 | 0o020000, os.makedev(10, 229))
    os.mknod(tmp_path / "bus" / "deep" / "b", 0o600 | 0o020000, os.makedev(1, 5))
    (tmp_path / "bus" / "plain").write_text("")
    out = api.shell("cd /dev/bus; ls -l a deep/b | awk '{print $5 $6}'; ls", host=mapping(tmp_path / "bus", "/dev/bus"))
    assert out.split() == ["10,229", "1,5", "a", "deep"]


def test_device_that_is_none(api, tmp_path):
    for path in ("/nosuch", str(tmp_path)):
        container = api.create("true", host=mapping(path))
        answer = api.start(container, expect=(204, 400, 404, 500))
        if path == "/nosuch":
            assert 'error gathering device information while adding custom device "/nosuch"' in answer.message
            assert api.state(container)["Status"] == "created"


def test_device_by_flag(cli):
    assert cli.out("run", "--rm", "--device", "/dev/fuse", IMAGE, "/bin/probe", "open", "/dev/fuse") == "ok"
    assert cli.out("run", "--rm", "--device", "/dev/fuse:/dev/f:r", IMAGE, "sh", "-c", "true < /dev/f && echo r; true > /dev/f || echo no") == "r\nno"
    result = cli("run", "--rm", "--device", "/dev/fuse:/dev/f:x", IMAGE, "true")
    assert result.code == 125 and "bad mode specified: x" in result.err


SPEC = {
    "cdiVersion": "0.6.0",
    "kind": "vendor.com/thing",
    "containerEdits": {"env": ["COMMON=yes"]},
    "devices": [
        {
            "name": "one",
            "containerEdits": {
                "env": ["THING=one"],
                "deviceNodes": [{"path": "/dev/thing", "hostPath": "/dev/fuse", "permissions": "rw"}],
                "additionalGids": [4242],
            },
        },
        {"name": "two", "containerEdits": {"env": ["OTHER=two"]}},
    ],
}

YAML = """---
cdiVersion: "0.5.0"
kind: vendor.com/yaml
devices:
- name: "0"
  containerEdits:
    env:
    - "YAML=0"
    mounts:
    - hostPath: {source}
      containerPath: /opt/vendor
      options: [ro, nosuid, nodev, bind]
"""


@pytest.fixture
def cdi(own_daemon, tmp_path):
    """A daemon with a directory of CDI specs."""
    for name in ("low", "high"):
        (tmp_path / name).mkdir()
    (tmp_path / "low" / "thing.json").write_text(json.dumps(SPEC))
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "lib").write_text("of the vendor")
    (tmp_path / "low" / "y.yaml").write_text(YAML.format(source=tmp_path / "source"))
    (tmp_path / "low" / "broken.yaml").write_text("kind: [")
    daemon = own_daemon(flags=["--cdi-spec-dir", str(tmp_path / "low"), "--cdi-spec-dir", str(tmp_path / "high")])
    daemon.specs = tmp_path
    return daemon


def requests(*names):
    return {"DeviceRequests": [{"Driver": "cdi", "DeviceIDs": list(names)}]}


@pytest.mark.gantry_only("20.10 has no CDI")
def test_cdi_devices(cdi):
    api = cdi.api
    out = api.shell("env; exec /bin/probe open /dev/thing", host=requests("vendor.com/thing=one", "vendor.com/thing=two"))
    assert {"COMMON=yes", "THING=one", "OTHER=two", "ok"} <= set(out.splitlines())
    assert "4242" in api.shell("id -G", host=requests("vendor.com/thing=one")).split()
    out = api.shell("env", host=requests("vendor.com/thing=two"))
    assert "THING=one" not in out and "OTHER=two" in out
    out = api.shell("cat /opt/vendor/lib; echo; touch /opt/vendor/x || echo $YAML", host=requests("vendor.com/yaml=0"))
    assert out.split("\n")[:2] == ["of the vendor", "0"]
    # What is given by the spec is no more than that.
    assert probe(api, "/dev/thing", host=requests("vendor.com/thing=one"), User="1000") == "ok"
    assert api.get("/info").json()["CDISpecDirs"] == [str(cdi.specs / "low"), str(cdi.specs / "high")]


@pytest.mark.gantry_only("20.10 has no CDI")
def test_cdi_directories_have_ranks(cdi):
    better = {**SPEC, "devices": [{"name": "two", "containerEdits": {"env": ["OTHER=better"]}}]}
    (cdi.specs / "high" / "thing.json").write_text(json.dumps(better))
    assert "OTHER=better" in cdi.api.shell("env", host=requests("vendor.com/thing=two"))
    # Twice in one directory is nobody's.
    (cdi.specs / "high" / "again.json").write_text(json.dumps(better))
    container = cdi.api.create("true", host=requests("vendor.com/thing=two"))
    assert "unresolvable CDI devices vendor.com/thing=two" in cdi.api.start(container, expect=500).message


@pytest.mark.gantry_only("20.10 has no CDI")
def test_unknown_cdi_devices(cdi):
    container = cdi.api.create("true", host=requests("vendor.com/thing=one", "vendor.com/thing=nine", "no.org/x=y"))
    answer = cdi.api.start(container, expect=500)
    assert answer.message == "CDI device injection failed: unresolvable CDI devices vendor.com/thing=nine, no.org/x=y"
    assert cdi.api.state(container)["Status"] == "created"


@pytest.mark.gantry_only("20.10 has no CDI")
def test_gpus_are_cdi_devices(cdi):
    gpus = {"cdiVersion": "0.5.0", "kind": "nvidia.com/gpu", "devices": [{"name": n, "containerEdits": {"env": [f"GPU_{n}=1"]}} for n in ("0", "1", "all")]}
    (cdi.specs / "high" / "nvidia.json").write_text(json.dumps(gpus))

    def ask(**request):
        request = {"DeviceRequests": [{"Capabilities": [["gpu"]], **request}]}
        return {line for line in cdi.api.shell("env", host=request).splitlines() if line.startswith("GPU")}

    assert ask(Count=-1) == {"GPU_all=1"}
    assert ask(Count=2) == {"GPU_0=1", "GPU_1=1"}
    assert ask(DeviceIDs=["1"], Driver="nvidia") == {"GPU_1=1"}


def test_gpus_without_a_driver(cli):
    result = cli("run", "--gpus", "all", IMAGE, "true", code=125)
    assert 'could not select device driver "" with capabilities: [[gpu]]' in result.err
    assert cli.out("ps", "-a", "--format", "{{.Status}}") == "Created"


def test_cdi_by_flag(cli):
    if cli.daemon.is_docker:
        pytest.skip("20.10 has no CDI")
    result = cli("run", "--device", "vendor.com/nosuch=1", IMAGE, "true", code=125)
    assert "unresolvable CDI devices vendor.com/nosuch=1" in result.err
