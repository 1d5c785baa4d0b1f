"""`live-restore: false`: containers end with the daemon, and the next one starts what policies want."""

import os
import time
from datetime import datetime

import pytest

from harness import wait

pytestmark = pytest.mark.gantry_only("the harness has dockerd keep its containers")

END_WITH_IT = {"live-restore": False}
# Says goodbye and ends with a code of its own.
POLITE = ("sh", "-c", "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.1; done")
STUBBORN = ("sleep", "1000")  # as process 1 it hears no SIGTERM


def policy(name):
    return {"RestartPolicy": {"Name": name}, "NetworkMode": "none"}


def polite(api, **options):
    container = api.started(*POLITE, **options)
    wait.until(lambda: b"up" in api.logs(container)[0], "its trap is set")
    return container


def is_gone(pid):
    return not os.path.exists(f"/proc/{pid}")


def seconds_until_end(daemon, container):
    """Stops the daemon, starts it again, and gives the time from the signal to the container's end."""
    begin = time.time()
    assert daemon.stop(90) == 0
    daemon.start()
    # Docker's own digits: nanoseconds
    finished = daemon.api.state(container)["FinishedAt"]
    return datetime.fromisoformat(finished[:26].rstrip("Z") + "+00:00").timestamp() - begin


def test_policies(own_daemon):
    daemon = own_daemon(settings=END_WITH_IT)
    api = daemon.api
    assert api.get("/info").json()["LiveRestoreEnabled"] is False
    names = ["no", "on-failure", "always", "unless-stopped"]
    running = {name: polite(api, host=policy(name)) for name in names}
    by_user = {name: polite(api, host=policy(name)) for name in names}
    for container in by_user.values():
        api.post(f"/containers/{container}/stop")
    paused = polite(api, host=policy("no"))
    pids = [api.state(c)["Pid"] for c in (*running.values(), paused)]
    api.post(f"/containers/{paused}/pause")
    removed = polite(api, host={"AutoRemove": True, "NetworkMode": "none"})
    assert daemon.stop(90) == 0
    assert all(is_gone(pid) for pid in pids)
    daemon.start()
    for name in ("on-failure", "always", "unless-stopped"):
        wait.until(lambda c=running[name]: api.state(c)["Running"], f"{name} is back")
    wait.until(lambda: api.state(by_user["always"])["Running"], "always means always")
    states = {name: api.state(by_user[name])["Status"] for name in ("no", "on-failure", "unless-stopped")}
    assert set(states.values()) == {"exited"}
    for container in (running["no"], paused):
        state = api.state(container)
        assert (state["Status"], state["ExitCode"], api.logs(container)[0]) == ("exited", 7, b"up\nbye\n")
    assert api.call("GET", f"/containers/{removed}/json", expect=404)


def test_the_default_is_to_live_on(own_daemon):
    daemon = own_daemon(settings={"shutdown-timeout": 1})
    api = daemon.api
    assert api.get("/info").json()["LiveRestoreEnabled"] is True
    container = polite(api, host=policy("no"))
    pid = api.state(container)["Pid"]
    assert daemon.stop(90) == 0
    assert not is_gone(pid)
    daemon.start()
    assert api.state(container)["Pid"] == pid


def test_a_crash_ends_nothing(own_daemon):
    daemon = own_daemon(settings=END_WITH_IT)
    container = polite(daemon.api, host=policy("no"))
    pid = daemon.api.state(container)["Pid"]
    daemon.kill()
    daemon.start()
    assert daemon.api.state(container)["Pid"] == pid
    assert daemon.stop(90) == 0
    assert is_gone(pid)


def test_shutdown_timeout(own_daemon):
    daemon = own_daemon(flags=["--live-restore=false", "--shutdown-timeout", "1"])
    container = daemon.api.started(*STUBBORN, host=policy("no"))
    assert 0.9 < seconds_until_end(daemon, container) < 9
    assert daemon.api.state(container)["ExitCode"] == 137


def test_own_stop_timeout_counts(own_daemon):
    daemon = own_daemon(flags=["--live-restore=false", "--shutdown-timeout", "1"])
    script = "trap 'sleep 2; exit 5' TERM; echo up; while :; do sleep 0.1; done"
    slow = daemon.api.started("sh", "-c", script, host=policy("no"), StopTimeout=60)
    wait.until(lambda: b"up" in daemon.api.logs(slow)[0], "its trap is set")
    hasty = daemon.api.started(*STUBBORN, host=policy("no"), StopTimeout=0)
    assert seconds_until_end(daemon, slow) > 1.9
    assert daemon.api.state(slow)["ExitCode"] == 5
    assert daemon.api.state(hasty)["ExitCode"] == 137


def test_many_end_side_by_side(own_daemon):
    daemon = own_daemon(settings=dict(END_WITH_IT, **{"default-stop-timeout": 2}))
    containers = [daemon.api.started(*STUBBORN, host=policy("no")) for _ in range(12)]
    last = containers[-1]
    assert 1.9 < seconds_until_end(daemon, last) < 15  # one after the other: 24
    assert [daemon.api.state(c)["ExitCode"] for c in containers] == [137] * 12
