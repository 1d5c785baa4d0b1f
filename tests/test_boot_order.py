"""What a restart policy starts when the daemon starts comes in the order of the dependencies."""

import os
import signal
import time

import pytest

from harness import wait

pytestmark = pytest.mark.gantry_only("dockerd knows no order at boot")

ALWAYS = {"RestartPolicy": {"Name": "always"}, "NetworkMode": "none"}
SECOND = 1_000_000_000


def processes(api, container):
    """The shim of a container and its first process."""
    pid = api.state(container)["Pid"]
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return [int(file.read().rpartition(")")[2].split()[1]), pid]


def reboot(daemon, containers):
    """Everything ends at once, as the machine does it; then the daemon starts. Gives the time before."""
    doomed = [pid for container in containers for pid in processes(daemon.api, container)]
    daemon.kill()
    for pid in doomed:
        os.kill(pid, signal.SIGKILL)
    wait.until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in doomed), "they are gone")
    begin = time.time()
    daemon.start()
    return begin


def order(api, since, wanted):
    """The first WANTED events (name, action) since the boot."""
    answer = api.get("/events", since=f"{since:.9f}", until=f"{time.time():.9f}", filters={"type": ["container"]})
    seen = []
    for event in answer.json_lines():
        step = (event["Actor"]["Attributes"]["name"], event["Action"])
        if step in wanted and step not in seen:
            seen.append(step)
    return seen


def test_waits_for_health(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    check = {"Test": ["CMD", "sh", "-c", "sleep 0.5"], "Interval": SECOND // 2, "StartInterval": SECOND // 2}
    app = api.started("sleep", "1000", name="app", host=ALWAYS, Labels={"gantry.depends-on": "db:healthy"})
    db = api.started("sleep", "1000", name="db", host=ALWAYS, Healthcheck=check)
    last = api.started("sleep", "1000", name="last", host=ALWAYS, Labels={"gantry.depends-on": "app"})
    begin = reboot(daemon, [app, db, last])
    wait.until(lambda: api.state(last)["Status"] == "running", "all are back")
    wanted = [("db", "start"), ("db", "health_status: healthy"), ("app", "start"), ("last", "start")]
    assert order(api, begin, wanted) == wanted


def test_compose_project(own_daemon):
    daemon = own_daemon()
    api = daemon.api

    def labels(service, needs=""):
        return {"com.docker.compose.project": "shop", "com.docker.compose.service": service, "com.docker.compose.depends_on": needs}

    names = ["web", "api", "store"]
    needs = {"web": "api:service_started:true", "api": "store:service_started:false", "store": ""}
    containers = [
        api.started("sleep", "1000", name=f"shop-{name}-1", host=ALWAYS, Labels=labels(name, needs[name]))
        for name in names
    ]
    begin = reboot(daemon, containers)
    wait.until(lambda: all(api.state(c)["Status"] == "running" for c in containers), "all are back")
    wanted = [(f"shop-{name}-1", "start") for name in reversed(names)]
    assert order(api, begin, wanted) == wanted


def test_joined_namespace(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    main = api.started("sleep", "1000", name="zzz", host=ALWAYS)
    side = api.started("sleep", "1000", name="aaa", host=dict(ALWAYS, NetworkMode=f"container:{main}"))
    begin = reboot(daemon, [main, side])
    wait.until(lambda: api.state(side)["Status"] == "running", "it joined")
    wanted = [("zzz", "start"), ("aaa", "start")]
    assert order(api, begin, wanted) == wanted
    assert api.inspect(side)["RestartCount"] <= 1


def test_links(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    bridge = dict(ALWAYS, NetworkMode="bridge")
    last = api.started("sleep", "1000", name="zzz", host=bridge)
    middle = api.started("sleep", "1000", name="mmm", host=dict(bridge, Links=["zzz:last"]))
    first = api.started("sleep", "1000", name="aaa", host=dict(bridge, Links=["mmm:middle"]))
    begin = reboot(daemon, [first, middle, last])
    wait.until(lambda: api.state(first)["Status"] == "running", "it is linked")
    wanted = [(name, "start") for name in ("zzz", "mmm", "aaa")]
    assert order(api, begin, wanted) == wanted
    ip = api.inspect(middle)["NetworkSettings"]["IPAddress"]
    assert f"{ip}\tmiddle " in api.exec(first, "cat", "/etc/hosts")[1]
    assert api.inspect(first)["RestartCount"] <= 1


def test_nobody_waits_in_vain(own_daemon):
    """Circles, and dependencies that nobody starts."""
    daemon = own_daemon()
    api = daemon.api
    one = api.started("sleep", "1000", name="one", host=ALWAYS, Labels={"gantry.depends-on": "two:healthy"})
    two = api.started("sleep", "1000", name="two", host=ALWAYS, Labels={"gantry.depends-on": "one"})
    api.create("sleep", "1000", name="idle")
    job = api.started("sleep", "1000", name="job", host=ALWAYS, Labels={"gantry.depends-on": "idle,gone:healthy"})
    reboot(daemon, [one, two, job])
    wait.until(lambda: all(api.state(c)["Status"] == "running" for c in (one, two, job)), "all are back")


def test_stop_ends_the_wait_and_a_kill_does_not(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    never = {"Test": ["CMD", "false"], "Interval": 3600 * SECOND}
    db = api.started("sleep", "1000", name="db", host=ALWAYS, Healthcheck=never)
    labels = {"gantry.depends-on": "db:healthy"}
    app = api.started("sleep", "1000", name="app", host=ALWAYS, Labels=labels)
    other = api.started("sleep", "1000", name="other", host=ALWAYS, Labels=labels)
    reboot(daemon, [db, app, other])
    wait.until(lambda: api.state(db)["Status"] == "running", "the first is back")
    assert api.state(app)["Status"] == "restarting"
    api.post(f"/containers/{app}/stop", expect=204)
    assert api.state(app)["Status"] == "exited"
    daemon.kill()
    daemon.start()
    assert api.state(other)["Status"] == "restarting"
    api.delete(f"/containers/{db}?force=1")
    wait.until(lambda: api.state(other)["Status"] == "running", "what it waited for is gone")
