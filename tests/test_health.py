"""Health checks: their timing, what they report, and what comes of it."""

import json
import time

import pytest

from harness import image, wait

MS = 1_000_000


def check(*test, interval=100 * MS, retries=2, **fields):
    """A Healthcheck with short times."""
    return {"Test": list(test), "Interval": interval, "Retries": retries, **fields}


def shell(script, **fields):
    return check("CMD-SHELL", script, **fields)


def checked(api, health, **options):
    return api.waiting(Healthcheck=health, **options)


def health(api, container):
    return api.state(container)["Health"]


def wait_status(api, container, status):
    wait.until(lambda: health(api, container)["Status"] == status, f"the container is {status}")


def events_of(api, container, until):
    query = {"since": 1, "until": until, "filters": {"container": {container: True}}}
    return api.get("/events", **query).json_lines()


def test_healthy_and_back(api):
    container = checked(api, shell("echo seen; test ! -e /sick"))
    assert api.state(container)["Health"]["Status"] in ("starting", "healthy")
    wait_status(api, container, "healthy")
    log = health(api, container)["Log"]
    assert (log[-1]["ExitCode"], log[-1]["Output"]) == (0, "seen\n")
    assert log[-1]["Start"] <= log[-1]["End"]
    api.exec(container, "touch", "/sick")
    wait_status(api, container, "unhealthy")
    assert health(api, container)["FailingStreak"] >= 2
    assert health(api, container)["Log"][-1]["ExitCode"] == 1
    assert api.state(container)["Running"]
    api.exec(container, "rm", "/sick")
    wait_status(api, container, "healthy")
    assert health(api, container)["FailingStreak"] == 0
    wait.until(lambda: len(health(api, container)["Log"]) == 5, "the log is full")


def test_first_probe_is_one_interval_after_the_start(api):
    container = checked(api, shell("true", interval=1500 * MS))
    begin = time.monotonic()
    assert health(api, container) == {"Status": "starting", "FailingStreak": 0, "Log": []}
    wait_status(api, container, "healthy")
    assert time.monotonic() - begin > 1.2


@pytest.mark.gantry_only("StartInterval came with 1.44")
def test_start_period(api):
    container = checked(
        api,
        shell("test -e /up", interval=600_000 * MS, retries=1, StartPeriod=600_000 * MS, StartInterval=50 * MS),
    )
    wait.until(lambda: len(health(api, container)["Log"]) >= 3, "three probes failed")
    assert health(api, container)["Status"] == "starting"
    assert health(api, container)["FailingStreak"] == 0
    api.exec(container, "touch", "/up")
    wait_status(api, container, "healthy")


def test_command_without_shell(api):
    container = checked(api, check("CMD", "/bin/echo", "a  $HOME"))
    wait_status(api, container, "healthy")
    assert health(api, container)["Log"][-1]["Output"] == "a  $HOME\n"


def test_command_that_is_not_there(api):
    container = checked(api, check("CMD", "/bin/nosuch", retries=1))
    wait_status(api, container, "unhealthy")
    entry = health(api, container)["Log"][-1]
    assert entry["ExitCode"] == -1 or api.daemon.is_docker
    assert "no such file or directory" in entry["Output"]


def test_timeout_kills_the_probe(api):
    container = checked(api, shell("echo begun; exec sleep 1234", retries=1, Timeout=300 * MS))
    wait_status(api, container, "unhealthy")
    entry = health(api, container)["Log"][0]
    assert entry["ExitCode"] == -1
    assert entry["Output"].startswith("Health check exceeded timeout (300ms)")
    wait.until(
        lambda: api.exec(container, "sh", "-c", "ps | grep -c '[s]leep 1234'")[1].strip() in "01",
        "the old probes are gone",
    )


def test_hung_probe_holds_up_nobody(api):
    hung = [checked(api, shell("exec sleep 1000", Timeout=600_000 * MS)) for _ in range(12)]
    wait.until(lambda: len(api.exec(hung[-1], "sh", "-c", "ps | grep '[s]leep 1000'")[1]) > 0, "it hangs")
    other = checked(api, shell("true"))
    wait_status(api, other, "healthy")
    api.post(f"/containers/{other}/stop", t=5)
    for container in hung:
        assert health(api, container)["Status"] == "starting"


def test_long_output_is_cut(api):
    container = checked(api, shell("yes 0123456789 | head -c 300000"))
    wait_status(api, container, "healthy")
    output = health(api, container)["Log"][-1]["Output"]
    assert output.startswith("0123456789\n") and 4096 <= len(output) <= 4096 + 3


def test_runs_as_the_container_does(api):
    script = 'test "$(id -u)" = 1000 && test "$X" = y && test "$(pwd)" = /tmp'
    container = checked(api, shell(script), User="bob", Env=["X=y"], WorkingDir="/tmp")
    wait_status(api, container, "healthy")


def test_image_check_and_merge(api):
    config = {
        "Cmd": ["/bin/probe", "wait"],
        "Env": ["PATH=/bin"],
        "Healthcheck": {"Test": ["CMD-SHELL", "echo of the image"], "Interval": 100 * MS, "Retries": 7},
    }
    api.load_ok(image.docker_archive([image.busybox_layer()], ["checked:1"], config))
    container = api.started(image="checked:1")
    wait_status(api, container, "healthy")
    assert health(api, container)["Log"][-1]["Output"] == "of the image\n"
    merged = api.create(image="checked:1", Healthcheck={"Timeout": 5000 * MS})
    assert api.inspect(merged)["Config"]["Healthcheck"] == {
        "Test": ["CMD-SHELL", "echo of the image"], "Interval": 100 * MS, "Timeout": 5000 * MS, "Retries": 7,
    }  # fmt: skip
    none = api.started(image="checked:1", Healthcheck={"Test": ["NONE"]})
    assert "Health" not in api.state(none)


@pytest.mark.parametrize(
    "fields,text",
    [
        ({"Interval": 1}, "Interval in Healthcheck cannot be less than 1ms"),
        ({"Timeout": 999_999}, "Timeout in Healthcheck cannot be less than 1ms"),
        ({"StartPeriod": -1}, "StartPeriod in Healthcheck cannot be less than 1ms"),
        ({"Retries": -1}, "Retries in Healthcheck cannot be negative"),
    ],
)
def test_refusals(api, fields, text):
    answer = api.create("true", Healthcheck={"Test": ["CMD", "true"], **fields}, expect=400)
    assert text in answer.message


def test_events(api):
    container = checked(api, shell("test ! -e /sick", retries=1))
    wait_status(api, container, "healthy")
    api.exec(container, "touch", "/sick")
    wait_status(api, container, "unhealthy")
    api.post(f"/containers/{container}/stop", t=5)
    events = events_of(api, container, int(time.time()) + 1)
    actions = [event["Action"] for event in events]
    assert [a for a in actions if a.startswith("health_status")] == [
        "health_status: healthy", "health_status: unhealthy",
    ]  # fmt: skip
    words = "/bin/sh -c test ! -e /sick"
    first = actions.index("health_status: healthy")
    assert actions[first - 3 : first] == [f"exec_create: {words}", f"exec_start: {words}", "exec_die"]
    probe = events[first - 3 : first]
    assert len({event["Actor"]["Attributes"]["execID"] for event in probe}) == 1
    assert probe[2]["Actor"]["Attributes"]["exitCode"] == "0"


def test_list_and_filter(api):
    healthy = checked(api, shell("true"))
    starting = checked(api, shell("true", interval=600_000 * MS))
    plain = api.waiting()
    wait_status(api, healthy, "healthy")
    for status, container, suffix in [
        ("healthy", healthy, " (healthy)"), ("starting", starting, " (health: starting)"), ("none", plain, ""),
    ]:  # fmt: skip
        found = api.get("/containers/json", filters={"health": {status: True}}).json()
        assert [summary["Id"] for summary in found] == [container]
        assert found[0]["Status"].startswith("Up ") and found[0]["Status"].endswith(suffix)
    assert "(" not in found[0]["Status"]


def test_stops_with_the_container_and_starts_anew(api):
    container = checked(api, shell("test ! -e /sick"))
    wait_status(api, container, "healthy")
    api.post(f"/containers/{container}/stop", t=5)
    assert health(api, container)["Status"] == "unhealthy"  # so says Docker of what is not checked
    assert "(unhealthy)" not in api.get("/containers/json", all=1).json()[0]["Status"]
    api.start(container)
    wait_status(api, container, "healthy")


@pytest.mark.gantry_only("dockerd begins anew")
def test_goes_on_after_a_crash_of_the_daemon(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    container = checked(api, shell("date +%N; test ! -e /sick", interval=200 * MS))
    wait_status(api, container, "healthy")
    daemon.kill()
    daemon.start()
    assert health(api, container)["Status"] == "healthy"
    wait.until(lambda: health(api, container)["Log"], "a probe ran after the restart")
    api.exec(container, "touch", "/sick")
    wait_status(api, container, "unhealthy")


@pytest.mark.gantry_only("wanted of Docker since 2016")
def test_restart_on_unhealthy(api):
    container = checked(
        api, shell("test ! -e /sick", retries=1), host={"RestartPolicy": {"OnUnhealthy": "restart"}}
    )
    wait_status(api, container, "healthy")
    first = api.state(container)["Pid"]
    api.exec(container, "touch", "/sick")
    wait.until(lambda: api.inspect(container)["RestartCount"] >= 1, "it is restarted")
    wait.until(lambda: api.state(container)["Pid"] not in (0, first), "it runs again")
    api.post(f"/containers/{container}/stop", t=5)
    assert api.state(container)["Status"] == "exited"


@pytest.mark.gantry_only("wanted of Docker since 2016")
@pytest.mark.parametrize("action,code", [("kill", 137), ("stop", 0)])
def test_other_ends_of_the_unhealthy(api, action, code):
    container = checked(
        api, shell("false", retries=1), host={"RestartPolicy": {"OnUnhealthy": action}}
    )
    assert api.wait(container) == code
    assert api.inspect(container)["RestartCount"] == 0


@pytest.mark.gantry_only("wanted of Docker since 2016")
def test_bad_on_unhealthy(api):
    answer = api.create("true", host={"RestartPolicy": {"OnUnhealthy": "pray"}}, expect=400)
    assert "unknown OnUnhealthy 'pray'" in answer.message
    host = {"RestartPolicy": {"OnUnhealthy": "restart"}, "AutoRemove": True}
    answer = api.create("true", host=host, expect=400)
    assert answer.message == "can't create 'AutoRemove' container with restart policy"


def test_flags(api, cli):
    container = cli.out(
        "run", "-d", "--health-cmd", "echo by flag; test ! -e /sick", "--health-interval", "100ms",
        "--health-retries", "1", "--health-timeout", "9s", "--health-start-period", "2ms",
        "busybox:test", "/bin/probe", "wait",
    )  # fmt: skip
    def status():
        return cli.out("inspect", "--format", "{{.State.Health.Status}}", container)

    wait.until(lambda: status() == "healthy", "it is healthy")
    assert json.loads(cli.out("inspect", "--format", "{{json .Config.Healthcheck}}", container)) == {
        "Test": ["CMD-SHELL", "echo by flag; test ! -e /sick"], "Interval": 100 * MS, "Retries": 1,
        "Timeout": 9000 * MS, "StartPeriod": 2 * MS,
    }  # fmt: skip
    assert "(healthy)" in cli.out("ps", "--format", "{{.Status}}")
    api.exec(container, "touch", "/sick")
    wait.until(lambda: status() == "unhealthy", "it is unhealthy")
    assert container[:12] in cli.out("ps", "--filter", "health=unhealthy")


@pytest.mark.gantry_only("a flag of our own")
def test_restart_unhealthy_flag(api, gantry):
    container = gantry.out(
        "run", "-d", "--restart-unhealthy", "--health-cmd", "false", "--health-interval", "100ms",
        "--health-retries", "1", "busybox:test", "/bin/probe", "wait",
    )  # fmt: skip
    count = lambda: int(gantry.out("inspect", "--format", "{{.RestartCount}}", container))  # noqa: E731
    wait.until(lambda: count() >= 2, "it is restarted again and again")
    gantry("rm", "-f", container, code=0)


def test_docker_py(api, py):
    container = py.containers.run(
        "busybox:test", ["/bin/probe", "wait"], detach=True,
        healthcheck={"test": ["CMD", "true"], "interval": 100 * MS, "retries": 1},
    )  # fmt: skip
    wait_status(api, container.id, "healthy")
    container.reload()
    assert container.attrs["State"]["Health"]["Status"] == "healthy"
