"""GET /containers/json: fields, order, limit and every filter."""

import pytest

from harness.image import IMAGE, derived


def names(api, expect=200, **query):
    query = {"all": 1, **query}
    return [c["Names"][0].lstrip("/") for c in api.get("/containers/json", expect=expect, **query).json()]


def filtered(api, **filters):
    return sorted(names(api, filters=filters))


def test_empty(api):
    assert api.get("/containers/json").body.strip() == b"[]"


def test_fields(api):
    container = api.waiting(name="listed", Labels={"k": "v"}, ExposedPorts={"80/tcp": {}}, host={"Binds": ["/tmp:/mnt"]})
    row = api.get("/containers/json").json()[0]
    assert (row["Id"], row["Names"], row["Image"]) == (container, ["/listed"], IMAGE)
    assert row["ImageID"] == api.get(f"/images/{IMAGE}/json").json()["Id"]
    assert row["Command"] == "/bin/probe wait"
    assert row["Labels"] == {"k": "v"}
    assert (row["State"], row["Status"][:3]) == ("running", "Up ")
    assert row["Ports"] == [{"PrivatePort": 80, "Type": "tcp"}]
    assert row["HostConfig"]["NetworkMode"] in ("default", "bridge")
    assert row["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    assert row["Mounts"][0]["Destination"] == "/mnt"
    assert isinstance(row["Created"], int)
    assert "SizeRw" not in row


def test_command_is_quoted(api):
    api.create("sh", "-c", "echo a  b")
    assert api.get("/containers/json", all=1).json()[0]["Command"] == "sh -c 'echo a  b'"


def test_status_texts(api):
    api.create("true", name="created")
    ended = api.started("sh", "-c", "exit 3", name="ended")
    api.wait(ended)
    api.waiting(name="running")
    status = {c["Names"][0]: c["Status"] for c in api.get("/containers/json", all=1).json()}
    assert status["/created"] == "Created"
    assert status["/ended"].startswith("Exited (3) ") and status["/ended"].endswith(" ago")
    assert status["/running"].startswith("Up ")


def test_only_running_unless_all(api):
    api.create("true", name="idle")
    api.waiting(name="busy")
    assert names(api, all=0) == ["busy"]
    assert names(api, all="false") == ["busy"]
    assert names(api) == ["busy", "idle"]


def test_newest_first_and_limit(api):
    for name in ("c1", "c2", "c3"):
        api.create("true", name=name)
    assert names(api) == ["c3", "c2", "c1"]
    assert names(api, all=0, limit=2) == ["c3", "c2"]
    assert names(api, limit=-1) == ["c3", "c2", "c1"]
    answer = api.get("/containers/json", limit="a", expect=(400, 500))
    assert answer.status == 400 or api.daemon.is_docker


def test_size(api):
    container = api.started("sh", "-c", "dd if=/dev/zero of=/big bs=1000 count=100 2>/dev/null")
    api.wait(container)
    row = api.get("/containers/json", all=1, size=1).json()[0]
    assert 100_000 <= row["SizeRw"] < 200_000
    assert row["SizeRootFs"] > row["SizeRw"]


@pytest.fixture
def three(api):
    """web (running, labelled, published), job (exited 3), idle (created, other image)."""
    api.load_ok(derived("other:1", {"Cmd": ["true"]}))
    made = {
        "web": api.waiting(name="web", Labels={"tier": "front", "x": "1"}, ExposedPorts={"80/tcp": {}}, host={"PortBindings": {"80/tcp": [{"HostPort": "18080"}]}, "Binds": ["/tmp:/data"]}),
        "job": api.started("sh", "-c", "exit 3", name="job", Labels={"tier": "back"}),
        "idle": api.create("true", name="idle", image="other:1", ExposedPorts={"53/udp": {}}),
    }  # fmt: skip
    api.wait(made["job"])
    return made


@pytest.mark.parametrize(
    "filters,expected",
    [
        ({"name": ["we"]}, ["web"]),
        ({"name": ["^/?job$"]}, ["job"]),
        ({"name": ["web", "idle"]}, ["idle", "web"]),
        ({"name": {"web": True}}, ["web"]),
        ({"label": ["tier"]}, ["job", "web"]),
        ({"label": ["tier=front"]}, ["web"]),
        ({"label": ["tier=front", "x=1"]}, ["web"]),
        ({"label": ["tier", "x=2"]}, []),
        ({"status": ["running"]}, ["web"]),
        ({"status": ["exited", "created"]}, ["idle", "job"]),
        ({"status": ["paused"]}, []),
        ({"exited": ["3"]}, ["job"]),
        ({"exited": ["0"]}, []),
        ({"ancestor": [IMAGE]}, ["job", "web"]),
        ({"ancestor": ["busybox"]}, []),
        ({"ancestor": ["other:1"]}, ["idle"]),
        ({"ancestor": ["nosuch"]}, []),
        ({"before": ["job"]}, ["web"]),
        ({"since": ["web"]}, ["idle", "job"]),
        # publish is about the host's port, expose about the container's, both about what runs
        ({"publish": ["18080"]}, ["web"]),
        ({"publish": ["80"]}, []),
        ({"publish": ["18000-18100/tcp"]}, ["web"]),
        ({"expose": ["80"]}, ["web"]),
        ({"expose": ["80/udp"]}, []),
        ({"volume": ["/data"]}, ["web"]),
        ({"volume": ["/nosuch"]}, []),
        ({"network": ["bridge"]}, ["idle", "job", "web"]),
        ({"network": ["none"]}, []),
        ({"is-task": ["true"]}, []),
        ({"is-task": ["false"]}, ["idle", "job", "web"]),
        ({"health": ["none"]}, ["idle", "job", "web"]),
        ({"name": ["web"], "status": ["exited"]}, []),
    ],
    ids=str,
)
def test_filters(api, three, filters, expected):
    assert filtered(api, **filters) == expected


def test_id_filter(api, three):
    assert filtered(api, id=[three["job"]]) == ["job"]
    assert filtered(api, id=[three["job"][:10]]) == ["job"]
    assert filtered(api, id=["ffffffffffff0000"]) == []


def test_filters_imply_all(api, three):
    assert names(api, all=0, filters={"status": ["created"]}) == ["idle"]


@pytest.mark.parametrize(
    "filters",
    ['{"foo":["x"]}', "x", "[1]", '{"status":["nosuch"]}', '{"exited":["x"]}', '{"before":["nosuch"]}',
     '{"is-task":["maybe"]}', '{"health":["x"]}', '{"name":5}', '{"publish":["x"]}'],
)  # fmt: skip
def test_bad_filters(api, filters):
    answer = api.get("/containers/json", filters=filters, expect=(200, 400, 404, 500))
    if not api.daemon.is_docker:
        assert answer.status == (404 if "before" in filters else 400), answer
    if "foo" in filters:
        assert "nvalid filter 'foo'" in answer.message
