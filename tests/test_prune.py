"""prune of containers and images, and what a dry run of Gantry's own tells before."""

import threading
import time

import pytest

from harness import image, wait
from harness.image import IMAGE

SIZE = 300_000


@pytest.fixture
def world(api):
    """A running container, one that ended, one never started."""
    ids = {"runs": api.waiting(name="runs", Labels={"tier": "front"})}
    ids["ended"] = api.started("sh", "-c", f"head -c {SIZE} /dev/zero > /big", name="ended", Labels={"tier": "back", "keep": "no"})
    api.wait(ids["ended"])
    ids["fresh"] = api.create("true", name="fresh", Labels={"keep": "yes"})
    return ids


def names(api):
    return sorted(c["Names"][0][1:] for c in api.get("/containers/json", all=1).json())


def prune(api, expect=200, **query):
    return api.post("/containers/prune", expect=expect, **query).json()


def test_prune(api, world):
    since = f"{time.time():.9f}"
    report = prune(api)
    assert sorted(report["ContainersDeleted"]) == sorted([world["ended"], world["fresh"]])
    assert SIZE <= report["SpaceReclaimed"] < 2 * SIZE
    assert "Objects" not in report
    assert names(api) == ["runs"]
    events = api.get("/events", since=since, until=f"{time.time() + 0.01:.9f}", filters={"type": ["container"]}).json_lines()
    assert [e["Action"] for e in events] == ["destroy", "destroy", "prune"]
    assert events[-1]["Actor"]["Attributes"] == {"reclaimed": str(report["SpaceReclaimed"])}


def test_nothing_to_prune(api):
    report = prune(api)
    assert (report["ContainersDeleted"] or [], report["SpaceReclaimed"]) == ([], 0)


def test_paused_containers_stay(api, world):
    api.post("/containers/runs/pause")
    prune(api)
    assert names(api) == ["runs"]


@pytest.mark.parametrize(
    "filters,left",
    [
        ({"label": ["tier"]}, ["fresh", "runs"]),
        ({"label": ["tier=front"]}, ["ended", "fresh", "runs"]),
        ({"label": {"tier=back": True}}, ["fresh", "runs"]),
        ({"label": ["tier", "keep=yes"]}, ["ended", "fresh", "runs"]),
        ({"label!": ["keep=yes"]}, ["fresh", "runs"]),
        ({"label!": ["keep"]}, ["ended", "fresh", "runs"]),
        ({"until": ["10h"]}, ["ended", "fresh", "runs"]),
        ({"until": ["2019-01-01T00:00:00"]}, ["ended", "fresh", "runs"]),
        ({"until": ["0s"]}, ["runs"]),
        ({"until": ["0s"], "label": ["tier"]}, ["fresh", "runs"]),
    ],
    ids=str,
)
def test_filters(api, world, filters, left):
    prune(api, filters=filters)
    assert names(api) == left


@pytest.mark.parametrize("filters,text", [
    ({"foo": ["x"]}, "nvalid filter 'foo'"), ({"dangling": ["true"]}, "nvalid filter 'dangling'"),
    ({"until": ["1h", "2h"]}, "more than one until filter specified"), ({"until": ["yesterday"]}, "yesterday"), ("x", ""),
], ids=str)  # fmt: skip
def test_bad_filters(api, world, filters, text):
    answer = api.post("/containers/prune", expect=(400, 500), filters=filters)
    assert answer.status == 400 or api.daemon.is_docker
    assert text in answer.message
    assert names(api) == ["ended", "fresh", "runs"]


@pytest.mark.gantry_only("an extension")
def test_dry_run(api, world):
    since = f"{time.time():.9f}"
    report = prune(api, **{"dry-run": 1})
    assert names(api) == ["ended", "fresh", "runs"]
    assert sorted((o["Name"], o["Id"]) for o in report["Objects"]) == [("ended", world["ended"]), ("fresh", world["fresh"])]
    assert sum(o["Size"] for o in report["Objects"]) == report["SpaceReclaimed"] >= SIZE
    assert [e for e in api.get("/events", since=since, until=f"{time.time() + 0.01:.9f}").json_lines() if e["Action"] == "prune"] == []
    after = prune(api)
    assert after["ContainersDeleted"] == report["ContainersDeleted"]
    assert after["SpaceReclaimed"] == report["SpaceReclaimed"]


@pytest.mark.gantry_only("an extension")
def test_only_what_was_shown(api, world):
    shown = [o["Id"] for o in prune(api, **{"dry-run": 1})["Objects"]]
    api.create("true", name="later")
    assert sorted(prune(api, filters={"id": shown})["ContainersDeleted"]) == sorted(shown)
    assert names(api) == ["later", "runs"]


def test_two_at_a_time(api):
    """Each container is deleted once; a second prune under way is a conflict or finds nothing."""
    made = {api.create("true") for _ in range(12)}
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(api.post("/containers/prune", expect=(200, 409)))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    deleted = [i for a in answers if a.status == 200 for i in a.json()["ContainersDeleted"] or []]
    assert sorted(deleted) == sorted(made)
    for answer in answers:
        if answer.status == 409:
            assert answer.message == "a prune operation is already running"


def load(api, name, size, **config):
    layers = [image.busybox_layer(), image.Tar().add("data", b"x" * size).bytes()]
    api.load_ok(image.docker_archive(layers, [name] if name else [], {"Cmd": ["true"], **config}))


@pytest.fixture
def images(api):
    """used:1 by a container, free:1 by nobody, and one that lost its name."""
    load(api, "lost:1", SIZE)
    lost = api.get("/images/lost:1/json").json()["Id"]
    load(api, "lost:1", SIZE + 1)
    load(api, "used:1", SIZE + 2, Labels={"keep": "yes"})
    load(api, "free:1", SIZE + 3, Labels={"tier": "x"})
    api.create("true", image="used:1")
    api.create("true")
    return {"lost": lost}


def tags(api):
    return sorted(tag for i in api.get("/images/json").json() for tag in i["RepoTags"] or ["<none>"])


def prune_images(api, expect=200, **query):
    return api.post("/images/prune", expect=expect, **query).json()


def test_prune_dangling_images(api, images):
    report = prune_images(api)
    assert {"Deleted": images["lost"]} in report["ImagesDeleted"]
    assert report["SpaceReclaimed"] == SIZE
    assert tags(api) == sorted([IMAGE, "free:1", "lost:1", "used:1"])


def test_prune_all_images(api, images):
    report = prune_images(api, filters={"dangling": ["false"]})
    assert tags(api) == sorted([IMAGE, "used:1"])
    untagged = sorted(item["Untagged"] for item in report["ImagesDeleted"] if "Untagged" in item)
    assert untagged == ["free:1", "lost:1"]
    assert report["SpaceReclaimed"] == 3 * SIZE + 4


@pytest.mark.parametrize("filters,gone", [
    ({"label": ["tier"]}, ["free:1"]), ({"label!": ["tier"]}, ["lost:1"]), ({"label": ["nosuch"]}, []),
    ({"until": ["2001-01-01"]}, []),
], ids=str)  # fmt: skip
def test_image_filters(api, images, filters, gone):
    before = tags(api)
    prune_images(api, filters=dict({"dangling": ["false"]}, **filters))
    assert sorted(set(before) - set(tags(api)) - {"<none>"}) == gone


@pytest.mark.parametrize("filters", [{"foo": ["x"]}, {"dangling": ["maybe"]}, {"until": ["x"]}], ids=str)
def test_bad_image_filters(api, images, filters):
    before = tags(api)
    answer = api.post("/images/prune", expect=(400, 500), filters=filters)
    assert answer.status == 400 or api.daemon.is_docker
    assert tags(api) == before


@pytest.mark.gantry_only("an extension")
def test_image_dry_run(api, images):
    before = tags(api)
    report = prune_images(api, filters={"dangling": ["false"]}, **{"dry-run": 1})
    assert tags(api) == before
    assert {o["Name"] for o in report["Objects"]} == {"<none>", "free:1", "lost:1"}
    assert report["SpaceReclaimed"] == 3 * SIZE + 4
    after = prune_images(api, filters={"dangling": ["false"]})
    assert after["SpaceReclaimed"] == report["SpaceReclaimed"]


def test_container_prune_command(cli, api, world):
    out = cli.out("container", "prune", "-f", "--filter", "label=tier")
    assert out.splitlines()[:2] == ["Deleted Containers:", world["ended"]]
    assert out.splitlines()[2] == "" and out.splitlines()[3].startswith("Total reclaimed space: 300")
    assert names(api) == ["fresh", "runs"]


def test_prompt(cli, api, world):
    done = cli("container", "prune", stdin="n\n", code=0)
    assert done.out.startswith("WARNING! This will remove all stopped containers.\n")
    assert "Are you sure you want to continue? [y/N] " in done.out
    assert names(api) == ["ended", "fresh", "runs"]
    if cli.is_gantry:
        assert "ended" in done.out and "300kB" in done.out and "runs" not in done.out
    done = cli("container", "prune", stdin="y\n", code=0)
    assert "Deleted Containers:\n" in done.out
    assert names(api) == ["runs"]


def test_image_prune_command(cli, api, images):
    out = cli.out("image", "prune", "-f")
    assert f"Deleted Images:\ndeleted: {images['lost']}\n" in out
    assert out.endswith("\nTotal reclaimed space: 300kB")
    out = cli.out("image", "prune", "-a", "-f", "--filter", "label=tier")
    assert "untagged: free:1\n" in out
    assert tags(api) == sorted([IMAGE, "lost:1", "used:1"])


def test_system_prune_command(cli, api, world, images):
    out = cli.out("system", "prune", "-f")
    assert world["ended"] in out and images["lost"] in out
    assert out.rstrip().splitlines()[-1].startswith("Total reclaimed space: 60")
    assert names(api) == ["runs"]
    assert "free:1" in tags(api)
    done = cli("system", "prune", "-a", stdin="n\n", code=0)
    assert "  - all images without at least one container associated to them\n" in done.out
    cli.out("system", "prune", "-a", "-f")
    assert tags(api) == [IMAGE]


def test_dry_run_commands(gantry, api, world, images):
    out = gantry.out("container", "prune", "--dry-run")
    assert "ended" in out and "fresh" in out and "runs" not in out and "300kB" in out
    assert "free:1" in gantry.out("image", "prune", "-a", "--dry-run")
    out = gantry.out("system", "prune", "-a", "--dry-run")
    assert "ended" in out and "free:1" in out and "used:1" in out and IMAGE not in out
    assert names(api) == sorted(["ended", "fresh", "runs"] + [n for n in names(api) if "_" in n])
    assert "free:1" in tags(api)


def test_docker_py(py, api, world):
    report = py.containers.prune(filters={"label": "tier=back"})
    assert report["ContainersDeleted"] == [world["ended"]]
    assert py.images.prune()["SpaceReclaimed"] == 0
    assert wait.until(lambda: names(api) == ["fresh", "runs"], "pruned")
