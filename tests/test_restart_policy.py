"""Restart policies: when a container is started again, how soon, and what ends it (F6)."""

import os
import time

import pytest

from harness import wait


def policy(name, count=0):
    return {"RestartPolicy": {"Name": name, "MaximumRetryCount": count}}


def restarts(api, container):
    return api.inspect(container)["RestartCount"]


def wait_restarts(api, container, count):
    wait.until(lambda: restarts(api, container) >= count, f"{count} restarts")


def test_on_failure_gives_up(api):
    container = api.started("sh", "-c", "exit 3", host=policy("on-failure", 2))
    wait.until(lambda: api.state(container)["Status"] == "exited", "it gave up")
    assert restarts(api, container) == 2
    assert api.state(container)["ExitCode"] == 3


def test_on_failure_leaves_success_alone(api):
    container = api.started("true", host=policy("on-failure"))
    api.wait(container)
    assert api.state(container)["Status"] == "exited" and restarts(api, container) == 0


@pytest.mark.parametrize("name", ["always", "unless-stopped"])
def test_restarts_after_success(api, name):
    container = api.started("true", host=policy(name))
    wait_restarts(api, container, 2)
    api.post(f"/containers/{container}/stop", expect=(204, 304), t=5)
    assert api.state(container)["Status"] == "exited"


def test_delay_doubles(api):
    container = api.started("sh", "-c", "exit 1", host=policy("always"))
    wait_restarts(api, container, 5)
    query = {"since": 1, "until": int(time.time()) + 1}
    events = api.get("/events", filters={"container": {container: True}}, **query).json_lines()
    gaps, died = [], None
    for event in events:
        if event["Action"] == "die":
            died = event["timeNano"]
        elif event["Action"] == "start" and died:
            gaps.append((event["timeNano"] - died) / 1e9)
    for gap, least in zip(gaps, (0.1, 0.2, 0.4, 0.8), strict=False):
        assert gap >= least * 0.98, gaps


def test_manual_start_begins_anew(api):
    container = api.started("sh", "-c", "exit 1", host=policy("on-failure", 1))
    wait.until(lambda: api.state(container)["Status"] == "exited", "it gave up")
    assert restarts(api, container) == 1
    api.start(container)
    assert restarts(api, container) <= 1
    wait.until(lambda: api.state(container)["Status"] == "exited", "it gave up again")
    assert restarts(api, container) == 1


@pytest.mark.parametrize("signal,again", [("KILL", False), ("TERM", False), ("INT", True)])
def test_kill_cancels_only_with_a_stop_signal(api, signal, again):
    container = api.waiting(host=policy("always"))
    wait.until(lambda: b"ready" in api.logs(container)[0], "it is ready")
    api.post(f"/containers/{container}/kill", signal=signal)
    if again:
        wait_restarts(api, container, 1)
    else:
        assert api.wait(container) in (137, 0)
        assert api.state(container)["Status"] == "exited" and restarts(api, container) == 0


def test_wait_conditions_between_two_runs(api):
    container = api.create("sh", "-c", "exit 5", host=policy("on-failure", 2))
    next_exit, head = api.open("POST", f"/containers/{container}/wait", condition="next-exit")
    with next_exit:
        api.start(container)
        assert next_exit.read_body(head).json()["StatusCode"] == 5
    assert api.wait(container, condition="not-running") == 5
    assert restarts(api, container) == 2  # not before the last of its runs


def test_over_a_restart_of_the_daemon(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    made = {name: api.waiting(host=policy(name)) for name in ("always", "unless-stopped", "no")}
    failed = api.waiting(host=policy("on-failure"))
    stopped = {name: api.waiting(host=policy(name)) for name in ("always", "unless-stopped")}
    for container in stopped.values():
        api.post(f"/containers/{container}/stop", t=5)
    pids = [api.state(container)["Pid"] for container in [*made.values(), failed]]
    daemon.kill()
    for pid in pids:
        os.kill(pid, 9)
    daemon.start()
    running = lambda container: api.state(container)["Status"] == "running"  # noqa: E731
    for container in (made["always"], made["unless-stopped"], failed, stopped["always"]):
        wait.until(lambda c=container: running(c), "it is started again")
    assert api.state(made["no"])["Status"] == "exited"
    assert api.state(stopped["unless-stopped"])["Status"] == "exited"


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_storm_stays_cheap(own_daemon):
    """R17: what exits at once costs less and less."""
    daemon = own_daemon()
    api = daemon.api
    count = 100 if os.environ.get("GANTRY_SOAK") else 25
    host = {**policy("always"), "NetworkMode": "none"}
    made = [api.started("true", host=host) for _ in range(count)]
    for container in made:
        # 100 ms, 200 ms, ... 1.6 s: from here on the gaps are longer than three seconds.
        wait.until(lambda c=container: restarts(api, c) >= 5, "five restarts", 120)
    begin, used = time.monotonic(), cpu_seconds(daemon.pid)
    slowest = 0.0
    while time.monotonic() - begin < 4:
        asked = time.monotonic()
        api.get("/containers/json", all=1)
        slowest = max(slowest, time.monotonic() - asked)
        wait.until(lambda a=asked: time.monotonic() - a > 0.1, "the next look")
    share = (cpu_seconds(daemon.pid) - used) / (time.monotonic() - begin)
    assert share < 0.3, f"{share:.0%} of a processor"
    assert slowest < 2, f"an answer took {slowest:.1f} s"
