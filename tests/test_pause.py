"""pause and unpause, and what else may be done to a paused container."""

import os
import time

import pytest

from harness import wait

TRAP = "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.05; done"
COUNT = "i=0; while :; do echo $i; i=$((i+1)); sleep 0.02; done"


@pytest.fixture
def paused(api):
    container = api.started("sh", "-c", COUNT, name="still")
    wait.until(lambda: api.logs(container)[0], "the container writes")
    api.post(f"/containers/{container}/pause", expect=204)
    return container


def freezer(api, container):
    """The file that freezes the container, v1 or v2, and its words for off and on."""
    pid = api.state(container)["Pid"]
    with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
        groups = dict(line.strip().split(":", 2)[1:] for line in file)
    if "freezer" in groups:
        return f"/sys/fs/cgroup/freezer{groups['freezer']}/freezer.state", "THAWED", "FROZEN"
    return f"/sys/fs/cgroup{groups['']}/cgroup.freeze", "0", "1"


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def stands_still(api, container):
    before = api.logs(container)[0]
    time.sleep(0.3)  # not a wait for something: it must not happen
    return api.logs(container)[0] == before


def actions_since(api, since):
    events = api.get("/events", since=since, until=f"{time.time() + 0.01:.9f}", filters={"type": ["container"]})
    return [line["Action"] for line in events.json_lines()]


def test_paused_processes_stand_still(api, paused):
    state = api.state(paused)
    assert (state["Status"], state["Running"], state["Paused"]) == ("paused", True, True)
    assert stands_still(api, paused)
    api.post(f"/containers/{paused}/unpause", expect=204)
    state = api.state(paused)
    assert (state["Status"], state["Paused"]) == ("running", False)
    seen = api.logs(paused)[0]
    wait.until(lambda: api.logs(paused)[0] != seen, "the container goes on")


def test_list_and_info_know(api, paused):
    summary = api.get("/containers/json").json()[0]
    assert summary["State"] == "paused"
    assert summary["Status"].startswith("Up ") and summary["Status"].endswith(" (Paused)")
    assert api.get("/containers/json", filters={"status": ["paused"]}).json()
    info = api.get("/info").json()
    assert (info["ContainersPaused"], info["ContainersRunning"]) == (1, 0)


def test_events(api):
    container = api.waiting()
    since = f"{time.time():.9f}"
    api.post(f"/containers/{container}/pause")
    api.post(f"/containers/{container}/unpause")
    assert actions_since(api, since) == ["pause", "unpause"]


@pytest.mark.parametrize("state", ["paused", "created", "exited"])
def test_pause_is_refused(api, state):
    container = api.create("sh", "-c", "exit 0" if state == "exited" else "sleep 100")
    if state != "created":
        api.start(container)
    if state == "paused":
        api.post(f"/containers/{container}/pause", expect=204)
    if state == "exited":
        api.wait(container)
    answer = api.post(f"/containers/{container}/pause", expect=409)
    assert answer.message == f"Container {container} is {'already paused' if state == 'paused' else 'not running'}"
    assert api.state(container)["Status"] == state


@pytest.mark.parametrize("start", [True, False])
def test_unpause_is_refused(api, start):
    container = api.waiting() if start else api.create("true")
    answer = api.post(f"/containers/{container}/unpause", expect=(409, 500))
    assert answer.message == f"Container {container} is not paused"
    assert answer.status == 409 or api.daemon.is_docker


def test_pause_of_nobody(api):
    for action in ("pause", "unpause"):
        assert "No such container: nosuch" in api.post(f"/containers/nosuch/{action}", expect=404).message


def test_kill_ends_a_paused_container(api, paused):
    api.post(f"/containers/{paused}/kill", expect=204)
    assert api.wait(paused) == 137
    assert not api.state(paused)["Paused"]


def test_stop_ends_a_paused_container(api):
    container = api.started("sh", "-c", TRAP)
    wait.until(lambda: b"ready" in api.logs(container)[0], "the container says ready")
    api.post(f"/containers/{container}/pause")
    since = f"{time.time():.9f}"
    api.post(f"/containers/{container}/stop", expect=204, t=20)
    assert api.state(container)["ExitCode"] == 7
    assert actions_since(api, since) == ["unpause", "kill", "die", "stop"] or api.daemon.is_docker


@pytest.mark.gantry_only("20.10 thaws for any signal unless the container has a StopSignal")
def test_another_signal_waits_for_unpause(api):
    container = api.started("/bin/probe", "signals")
    wait.until(lambda: b"ready" in api.logs(container)[0], "the container says ready")
    api.post(f"/containers/{container}/pause")
    api.post(f"/containers/{container}/kill", expect=204, signal="USR1")
    assert api.state(container)["Paused"]
    assert b"signal 10" not in api.logs(container)[0]
    api.post(f"/containers/{container}/unpause")
    wait.until(lambda: b"signal 10\n" in api.logs(container)[0], "signal 10 arrived")


def test_restart_of_a_paused_container(api, paused):
    api.post(f"/containers/{paused}/restart", expect=204, t=1)
    assert api.state(paused)["Status"] == "running"


def test_remove_wants_force(api, paused):
    answer = api.delete(f"/containers/{paused}", expect=409)
    assert "cannot remove a paused container" in answer.message or api.daemon.is_docker
    begin = time.monotonic()
    api.remove(paused)
    assert time.monotonic() - begin < 8
    api.get(f"/containers/{paused}/json", expect=404)


def test_exec_attach_and_start_are_refused(api, paused):
    answer = api.post(f"/containers/{paused}/exec", {"Cmd": ["true"]}, expect=409)
    assert f"{paused} is paused, unpause the container before exec" in answer.message
    api.hijack(f"/containers/{paused}/attach", expect=409, stream=1, stdout=1)
    answer = api.start(paused, expect=(304, 409, 500))
    if not api.daemon.is_docker:
        assert (answer.status, answer.message) == (409, "cannot start a paused container, try unpause instead")


def test_a_stranger_froze_it(api):
    """R19: our state does not know, and still nothing hangs."""
    for action in ("kill", "stop", "remove", "unpause"):
        container = api.started("sh", "-c", TRAP)
        wait.until(lambda: b"ready" in api.logs(container)[0], "the container says ready")  # pylint: disable=cell-var-from-loop
        path, _, on = freezer(api, container)
        write(path, on)
        begin = time.monotonic()
        if action == "remove":
            api.remove(container)
        elif action == "unpause":
            if not api.daemon.is_docker:
                api.post(f"/containers/{container}/unpause", expect=204)
                assert api.exec(container, "true")[0] == 0
        else:
            api.post(f"/containers/{container}/{action}", expect=204)
            assert not api.state(container)["Running"]
        assert time.monotonic() - begin < 10, action


@pytest.mark.gantry_only("a daemon of the test's own")
def test_the_state_comes_from_the_freezer(own_daemon):
    """The daemon may die between the freezer and its database: what stands still at boot is paused
    if somebody was told so, and is let go otherwise."""
    daemon = own_daemon()
    api = daemon.api
    container = api.waiting(name="aa")
    other = api.waiting(name="bb")
    third = api.waiting(name="cc")
    api.post("/containers/aa/pause")
    api.post("/containers/bb/pause")
    state_b, off, on = freezer(api, other)
    state_c, _, _ = freezer(api, third)
    daemon.kill()
    write(state_b, off)
    write(state_c, on)
    daemon.start()
    assert [api.state(name)["Status"] for name in ("aa", "bb", "cc")] == ["paused", "running", "running"]
    api.post("/containers/aa/unpause", expect=204)
    api.post("/containers/bb/unpause", expect=409)
    api.post("/containers/cc/unpause", expect=409)
    assert api.exec(container, "true")[0] == 0
    for name in ("aa", "bb", "cc"):
        api.remove(name)


def test_command_line(cli, api):
    api.waiting(name="one")
    api.waiting(name="two")
    assert cli.out("pause", "one", "two") == "one\ntwo"
    assert "(Paused)" in cli.out("ps")
    assert cli.out("ps", "-q", "--filter", "status=paused").count("\n") == 1
    failed = cli("pause", "one", "nosuch", code=1)
    assert "is already paused" in failed.err and "No such container: nosuch" in failed.err
    assert cli.out("container", "unpause", "one") == "one"
    assert "is not paused" in cli("unpause", "one", code=1).err
    assert api.state("two")["Paused"] and not api.state("one")["Paused"]


def test_docker_py(py, api):
    container = py.containers.get(api.waiting())
    container.pause()
    container.reload()
    assert container.status == "paused"
    container.unpause()
    container.reload()
    assert container.status == "running"
    assert os.path.exists(f"/proc/{container.attrs['State']['Pid']}")
