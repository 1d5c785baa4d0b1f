"""system df: what images, containers and volumes use, true to du."""

import os
import subprocess

import pytest

from harness import image

SIZE = 1_000_000


@pytest.fixture
def world(api):
    """Two images on one layer, a running and a stopped container that have written."""
    shared = image.busybox_layer()
    for name, extra in (("one:1", b"1" * SIZE), ("two:1", b"2" * (2 * SIZE))):
        api.load_ok(image.docker_archive([shared, image.Tar().add("extra", extra).bytes()], [name], {"Cmd": ["true"]}))
    runs = api.started("sh", "-c", f"head -c {SIZE} /dev/zero > /big; echo done; sleep 1000", name="runs")
    stopped = api.started("sh", "-c", f"head -c {3 * SIZE} /dev/zero > /big", name="stopped", image="one:1")
    api.wait(stopped)
    return {"runs": runs, "stopped": stopped}


def usage(api, **query):
    return api.get("/system/df", **query).json()


def bytes_below(path):
    done = subprocess.run(["du", "-sb", "--exclude=work", path], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[0])


def test_images(api, world):
    df = usage(api)
    images = {tag: i for i in df["Images"] for tag in i["RepoTags"]}
    base = images[image.IMAGE]["Size"]
    assert images["one:1"]["Size"] - images["one:1"]["SharedSize"] == SIZE
    assert images["two:1"]["Size"] - images["two:1"]["SharedSize"] == 2 * SIZE
    assert images["one:1"]["SharedSize"] == base
    assert (images["one:1"]["Containers"], images["two:1"]["Containers"]) == (1, 0)
    assert df["LayersSize"] == base + 3 * SIZE, "shared layers count once"


def test_containers(api, world):
    containers = {c["Names"][0]: c for c in usage(api)["Containers"]}
    assert SIZE <= containers["/runs"]["SizeRw"] < SIZE + 10_000
    assert 3 * SIZE <= containers["/stopped"]["SizeRw"] < 3 * SIZE + 10_000
    assert containers["/stopped"]["SizeRootFs"] > 4 * SIZE


@pytest.mark.gantry_only("looks into our data-root")
def test_true_to_du(api, world):
    root = api.daemon.data_root
    df = usage(api)
    layers = sum(bytes_below(os.path.join(root, "layers", name, "diff")) for name in os.listdir(os.path.join(root, "layers")))
    assert abs(df["LayersSize"] - layers) < 400_000, "but for the directories"
    for container in df["Containers"]:
        upper = bytes_below(os.path.join(root, "containers", container["Id"], "upper"))
        assert abs(container["SizeRw"] - upper) < 50_000


def test_empty(api):
    df = usage(api)
    assert df["Containers"] == []
    assert df["BuildCache"] in ([], None)
    assert df["Volumes"] is not None


@pytest.mark.gantry_only("came with 1.42")
@pytest.mark.parametrize("types,filled", [
    (["image"], {"Images"}), (["container"], {"Containers"}), (["volume"], {"Volumes"}), (["build-cache"], {"BuildCache"}),
    (["image", "container"], {"Images", "Containers"}),
], ids=str)  # fmt: skip
def test_types(api, world, types, filled):
    df = usage(api, type=types)
    assert {name for name in ("Images", "Containers", "Volumes", "BuildCache") if df.get(name) is not None} == filled


@pytest.mark.gantry_only("came with 1.42")
def test_unknown_type(api):
    assert api.get("/system/df", type="foo", expect=400).message == "unknown object type: foo"


def test_command_line(cli, api, world):
    rows = [line.split() for line in cli.out("system", "df").splitlines()]
    assert rows[0] == ["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"]
    assert [row[0] for row in rows[1:]] == ["Images", "Containers", "Local", "Build"]
    assert rows[1][1:3] == ["3", "2"]
    assert rows[2][1:3] == ["2", "1"]
    assert rows[2][-1] in ("(74%)", "(75%)"), rows[2]
    out = cli.out("system", "df", "-v")
    assert "Images space usage:" in out and "Containers space usage:" in out
    assert "Local Volumes space usage:" in out and "Build cache usage: 0B" in out
    assert "two:1" not in out and "stopped" in out


def test_docker_py(py, world):
    assert py.df()["LayersSize"] > 3 * SIZE
