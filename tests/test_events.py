"""events: what is announced, in which order, with which attributes; filters; replay."""

import time

import pytest

from harness import wait, wire
from harness.image import IMAGE, derived


class Events:
    """A subscription that starts now. `until` closes it and returns what came."""

    def __init__(self, api, **query):
        self.connection, self.answer = api.open("GET", "/events", **query)
        assert self.answer.status == 200
        self.data = b""

    def read_until(self, action, count=1):
        for chunk in self.connection.read_chunks():
            self.data += chunk
            events = list(wire.json_values(self.data)) if self.data.endswith((b"\n", b"}")) else []
            if sum(event["Action"] == action for event in events) >= count:
                self.connection.close()
                return events
        raise AssertionError(f"the stream ended: {self.data!r}")


def actions(events, kind="container"):
    return [event["Action"] for event in events if event["Type"] == kind]


def past(api, since, **filters):
    """The events from SINCE to now."""
    answer = api.get("/events", since=f"{since:.6f}", until=f"{time.time():.6f}", filters=filters)
    return answer.json_lines()


def test_life_of_a_container(api):
    events = Events(api)
    container = api.create("sh", "-c", "exit 3", name="lived", Labels={"k": "v"})
    api.start(container)
    api.wait(container)
    api.remove(container)
    seen = events.read_until("destroy")
    assert actions(seen) == ["create", "start", "die", "destroy"]
    for event in seen:
        if event["Type"] == "container":
            assert event["Actor"]["ID"] == container
            attributes = event["Actor"]["Attributes"]
            assert (attributes["name"], attributes["image"], attributes["k"]) == ("lived", IMAGE, "v")
            assert event["scope"] == "local"
            assert event["timeNano"] // 10**9 == event["time"]
            assert (event["status"], event["id"], event["from"]) == (event["Action"], container, IMAGE)
    died = next(event for event in seen if event["Action"] == "die")
    assert died["Actor"]["Attributes"]["exitCode"] == "3"
    if not api.daemon.is_docker:
        assert died["Actor"]["Attributes"]["execDuration"].isdigit()
    times = [event["timeNano"] for event in seen]
    assert times == sorted(times)


def test_network_events_around_a_run(api):
    events = Events(api)
    container = api.started("true")
    api.wait(container)
    api.remove(container)
    seen = events.read_until("destroy")
    order = [(event["Type"], event["Action"]) for event in seen]
    assert order.index(("container", "create")) < order.index(("network", "connect"))
    assert order.index(("network", "connect")) < order.index(("container", "start"))
    assert ("network", "disconnect") in order
    connect = next(event for event in seen if event["Type"] == "network")
    attributes = connect["Actor"]["Attributes"]
    assert (attributes["container"], attributes["name"], attributes["type"]) == (container, "bridge", "bridge")


def test_stop_and_restart(api):
    container = api.waiting()
    # Before that, process 1 has no handler and a signal is nothing to it.
    wait.until(lambda: b"ready" in api.logs(container)[0], "the container can be stopped")
    events = Events(api)
    api.post(f"/containers/{container}/stop", t=5)
    seen = actions(events.read_until("stop"))
    assert seen == ["kill", "die", "stop"]
    api.start(container)
    events = Events(api)
    api.post(f"/containers/{container}/restart", t=5)
    seen = actions(events.read_until("restart"))
    assert [a for a in seen if a not in ("kill",)] == ["die", "stop", "start", "restart"]
    assert seen[0] == "kill"


def test_kill_tells_the_signal(api):
    container = api.waiting()
    events = Events(api)
    api.post(f"/containers/{container}/kill", signal="TERM")
    seen = events.read_until("die")
    kill = next(event for event in seen if event["Action"] == "kill")
    assert kill["Actor"]["Attributes"]["signal"] == "15"


def test_auto_remove(api):
    events = Events(api)
    api.started("true", host={"AutoRemove": True})
    assert actions(events.read_until("destroy")) == ["create", "start", "die", "destroy"]


def test_attach_exec_resize(api):
    container = api.waiting()
    events = Events(api)
    api.hijack(f"/containers/{container}/attach", stream=1, stdout=1).close()
    api.exec(container, "true", "x")
    seen = [a for a in actions(events.read_until("exec_die")) if a != "detach"]
    assert seen == ["attach", "exec_create: true x", "exec_start: true x", "exec_die"]


def test_image_events(api):
    events = Events(api)
    api.load_ok(derived("seen:1", {"Cmd": ["true"]}))
    api.post("/images/seen:1/tag", repo="seen", tag="2")
    api.delete("/images/seen:2")
    api.delete("/images/seen:1")
    seen = events.read_until("delete")
    assert [a for a in actions(seen, "image") if a != "load"] == ["tag", "untag", "untag", "delete"]
    assert all(e["Actor"]["ID"].startswith("sha256:") for e in seen if e["Type"] == "image" and e["Action"] != "load")


def test_oom(api):
    events = Events(api)
    container = api.started("/bin/probe", "eat", "200", host={"Memory": 16 << 20, "MemorySwap": 16 << 20})
    assert api.wait(container) == 137
    seen = actions(events.read_until("die"))
    assert seen[:2] == ["create", "start"] and "oom" in seen
    if not api.daemon.is_docker:
        assert seen.count("oom") == 1


@pytest.mark.parametrize(
    "filters,expected",
    [
        ({"event": ["die"]}, {"die"}),
        ({"event": {"die": True, "start": True}}, {"start", "die"}),
        ({"type": ["container"]}, {"create", "start", "die"}),
        ({"type": ["network"]}, {"connect", "disconnect"}),
        ({"container": ["one"]}, {"create", "start", "die"}),
        ({"container": ["one"], "event": ["start"]}, {"start"}),
        ({"image": ["busybox:test"], "event": ["create"]}, {"create"}),
        ({"image": ["busybox"], "event": ["create"]}, {"create"}),
        ({"label": ["k=v"], "event": ["create"]}, {"create"}),
        ({"label": ["k"], "event": ["create"]}, {"create"}),
        ({"label": ["k=other"]}, set()),
        ({"container": ["other"]}, set()),
        ({"scope": ["swarm"]}, set()),
    ],
    ids=str,
)
def test_filters(api, filters, expected):
    begin = time.time()
    container = api.started("true", name="one", Labels={"k": "v"})
    api.wait(container)
    wait.until(lambda: "disconnect" in actions(past(api, begin), "network"), "all is over")
    seen = {event["Action"] for event in past(api, begin, **filters)}
    assert seen == expected


def test_container_filter_by_id(api):
    begin = time.time()
    container = api.create("true")
    api.create("true")
    for key in (container, container[:12]):
        assert actions(past(api, begin, container=[key])) == ["create"]


def test_replay_then_live(api):
    begin = time.time()
    first = api.create("true")
    events = Events(api, since=f"{begin:.6f}", filters={"type": ["container"]})
    second = api.create("true")
    seen = events.read_until("create", count=2)
    assert [event["Actor"]["ID"] for event in seen] == [first, second]


def test_until_in_the_past_is_empty(api):
    assert api.get("/events", until=1).body == b""


def test_until_ends_the_stream(api):
    begin = time.time()
    answer = api.get("/events", since=int(begin), until=f"{begin + 1:.3f}")
    assert answer.status == 200 and time.time() - begin >= 0.9


@pytest.mark.parametrize(
    "query,text",
    [
        ({"since": "x"}, ""),
        ({"since": "10", "until": "1"}, "`since` time (10) cannot be after `until` time (1)"),
        ({"filters": "x"}, ""),
        ({"filters": '{"type":5}'}, ""),
    ],
)
def test_bad_queries(api, query, text):
    answer = api.get("/events", expect=(400, 500), **dict({"until": "1"}, **query))
    assert answer.status == 400 or api.daemon.is_docker
    assert text in answer.message


def test_head_comes_before_the_first_event(api):
    connection, answer = api.open("GET", "/events")
    assert answer.status == 200
    assert answer.header("Content-Type").startswith("application/json")
    connection.close()


@pytest.mark.gantry_only("dockerd drops a reader after 100 ms")
def test_many_idle_subscribers(api):
    subscribers = [Events(api) for _ in range(200)]
    container = api.create("true")
    for subscriber in subscribers:
        seen = subscriber.read_until("create")
        assert seen[0]["Actor"]["ID"] == container
