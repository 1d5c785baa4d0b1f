"""start, stop, kill, restart, wait and remove, and what inspect says in between."""

import threading
import time

import pytest

from harness import wait

TRAP = "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.05; done"


def wait_ready(api, container):
    wait.until(lambda: b"ready" in api.logs(container)[0], "the container says ready")


@pytest.mark.parametrize("code", [0, 1, 3, 125, 127, 255])
def test_exit_codes(api, code):
    container = api.started("sh", "-c", f"exit {code}")
    assert api.wait(container) == code
    state = api.state(container)
    assert (state["Status"], state["ExitCode"], state["Running"]) == ("exited", code, False)
    assert (state["Pid"], state["OOMKilled"], state["Dead"]) == (0, False, False)
    # dockerd notes the end of a short run before its start.
    assert state["StartedAt"] < state["FinishedAt"] or api.daemon.is_docker


@pytest.mark.parametrize("signal,code", [("KILL", 137), ("SEGV", 139), ("ABRT", 134)])
def test_death_by_signal(api, signal, code):
    container = api.started("sh", "-c", f"sh -c 'kill -{signal} $$'; exit $?")
    assert api.wait(container) == code


def test_running(api):
    container = api.waiting()
    state = api.state(container)
    assert (state["Status"], state["Running"], state["Paused"]) == ("running", True, False)
    assert state["Pid"] > 0 and state["ExitCode"] == 0
    assert state["FinishedAt"] == "0001-01-01T00:00:00Z"


def test_start_twice_is_304(api):
    container = api.waiting()
    answer = api.start(container, expect=304)
    assert answer.body == b""


def test_start_again(api):
    container = api.started("sh", "-c", "echo one more")
    api.wait(container)
    api.start(container)
    api.wait(container)
    assert api.logs(container)[0] == b"one more\none more\n"


def test_files_survive_a_restart(api):
    container = api.started("sh", "-c", "cat /f; echo kept > /f")
    api.wait(container)
    api.start(container)
    api.wait(container)
    assert api.logs(container)[0] == b"kept\n"


def test_stop_sends_the_stop_signal(api):
    container = api.started("sh", "-c", TRAP)
    wait_ready(api, container)
    api.post(f"/containers/{container}/stop", expect=204, t=20)
    assert api.state(container)["ExitCode"] == 7
    assert api.logs(container)[0] == b"ready\nbye\n"
    assert api.post(f"/containers/{container}/stop", expect=304).body == b""


def test_stop_of_a_created_container(api):
    api.post(f"/containers/{api.create('true')}/stop", expect=304)


def test_stop_kills_after_the_timeout(api):
    container = api.started("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done")
    wait_ready(api, container)
    begin = time.monotonic()
    api.post(f"/containers/{container}/stop", expect=204, t=1)
    assert 0.9 < time.monotonic() - begin < 8
    assert api.state(container)["ExitCode"] == 137


def test_stop_uses_the_containers_signal_and_timeout(api):
    container = api.started(
        "sh", "-c", "trap '' TERM; trap 'exit 9' USR1; echo ready; while :; do sleep 0.05; done",
        StopSignal="SIGUSR1", StopTimeout=30,
    )  # fmt: skip
    wait_ready(api, container)
    api.post(f"/containers/{container}/stop", expect=204)
    assert api.state(container)["ExitCode"] == 9


@pytest.mark.gantry_only("the parameter came with 1.42")
def test_stop_with_another_signal(api):
    container = api.started("/bin/probe", "signals")
    wait_ready(api, container)
    api.post(f"/containers/{container}/stop", expect=204, signal="SIGUSR2", t=1)
    assert b"signal 12\n" in api.logs(container)[0]


@pytest.mark.parametrize("signal,number", [("SIGHUP", 1), ("usr1", 10), ("12", 12), ("SIGRTMIN+3", 37)])
def test_kill_with_a_signal(api, signal, number):
    container = api.started("/bin/probe", "signals")
    wait_ready(api, container)
    api.post(f"/containers/{container}/kill", expect=204, signal=signal)
    wait.until(
        lambda: f"signal {number}\n".encode() in api.logs(container)[0], f"signal {number} arrived"
    )
    assert api.state(container)["Running"]


def test_kill(api):
    container = api.waiting()
    api.post(f"/containers/{container}/kill", expect=204)
    assert api.wait(container) == 137
    answer = api.post(f"/containers/{container}/kill", expect=409)
    assert "is not running" in answer.message


@pytest.mark.parametrize("signal", ["FOO", "SIGFOO", "99", "-1", "0x9", "9;reboot"])
def test_kill_with_a_bad_signal(api, signal):
    container = api.waiting()
    answer = api.post(f"/containers/{container}/kill", expect=(400, 500), signal=signal)
    if not api.daemon.is_docker:  # 20.10: 500 "The linux daemon does not support signal 99"
        assert answer.status == 400
        assert f"nvalid signal: {signal}" in answer.message
    assert api.state(container)["Running"]


def test_restart(api):
    container = api.waiting()
    before = api.state(container)
    api.post(f"/containers/{container}/restart", expect=204, t=5)
    after = api.state(container)
    assert after["Running"] and after["Pid"] != before["Pid"]
    assert after["StartedAt"] > before["StartedAt"]


def test_restart_starts_a_stopped_container(api):
    container = api.create("/bin/probe", "wait")
    api.post(f"/containers/{container}/restart", expect=204)
    assert api.state(container)["Running"]


def test_wait_returns_at_once_when_not_running(api):
    container = api.create("sh", "-c", "exit 4")
    assert api.wait(container) == 0
    api.start(container)
    api.wait(container)
    assert api.wait(container, condition="not-running") == 4


def test_wait_sends_its_head_before_the_exit(api):
    container = api.waiting()
    connection, answer = api.open("POST", f"/containers/{container}/wait")
    with connection:
        assert answer.status == 200
        api.post(f"/containers/{container}/kill")
        assert connection.read_body(answer).json()["StatusCode"] == 137


def test_wait_next_exit_before_the_start(api):
    container = api.create("sh", "-c", "exit 5")
    connection, answer = api.open("POST", f"/containers/{container}/wait", condition="next-exit")
    with connection:
        api.start(container)
        assert connection.read_body(answer).json()["StatusCode"] == 5


def test_wait_removed(api):
    container = api.create("sh", "-c", "exit 6", host={"AutoRemove": True})
    connection, answer = api.open("POST", f"/containers/{container}/wait", condition="removed")
    with connection:
        api.start(container)
        assert connection.read_body(answer).json()["StatusCode"] == 6
    api.get(f"/containers/{container}/json", expect=404)


@pytest.mark.gantry_only("20.10 ignores it")
def test_wait_with_a_bad_condition(api):
    answer = api.post(f"/containers/{api.create('true')}/wait", expect=400, condition="foo")
    assert answer.message == 'invalid condition: "foo"'


def test_many_waiters(api):
    container = api.waiting()
    codes = []
    threads = [threading.Thread(target=lambda: codes.append(api.wait(container))) for _ in range(20)]
    for thread in threads:
        thread.start()
    api.post(f"/containers/{container}/stop", t=5)
    for thread in threads:
        thread.join(20)
    assert codes == [0] * 20


def test_remove(api):
    container = api.create("true", name="gone")
    api.delete(f"/containers/{container}", expect=204)
    for key in (container, container[:12], "gone"):
        answer = api.get(f"/containers/{key}/json", expect=404)
        assert answer.message == f"No such container: {key}"
    api.delete(f"/containers/{container}", expect=404)
    api.create("true", name="gone")


def test_remove_of_a_running_container(api):
    container = api.waiting()
    answer = api.delete(f"/containers/{container}", expect=409)
    assert answer.message in (
        f"You cannot remove a running container {container}. "
        "Stop the container before attempting removal or force remove",
        f'cannot remove container "{api.inspect(container)["Name"]}": container is running: '
        "stop the container before removing or force remove",  # since 26
    )
    api.delete(f"/containers/{container}", expect=204, force=1)


def test_auto_remove(api):
    container = api.started("true", host={"AutoRemove": True})
    wait.until(
        lambda: api.get(f"/containers/{container}/json", expect=(200, 404)).status == 404, "removed"
    )


def test_auto_remove_after_stop(api):
    container = api.waiting(host={"AutoRemove": True})
    api.post(f"/containers/{container}/stop", expect=204, t=5)
    wait.until(
        lambda: api.get(f"/containers/{container}/json", expect=(200, 404)).status == 404, "removed"
    )


# The text decides which exit code a client shows: cli-notes 1.
FAILED_STARTS = [
    (["nosuch"], {}, 127, "executable file not found in $PATH"),
    (["/bin/nosuch"], {}, 127, "no such file or directory"),
    (["/etc/notexecutable"], {}, 126, "permission denied"),
    (["/etc"], {}, 126, ("permission denied", "is a directory")),
    (["true"], {"User": "nosuchuser"}, 126, "unable to find user nosuchuser: no matching entries in passwd file"),
    (["true"], {"User": "bob:nosuchgroup"}, 126, "unable to find group nosuchgroup: no matching entries in group file"),
]  # fmt: skip


@pytest.mark.parametrize("command,config,code,text", FAILED_STARTS, ids=lambda v: str(v)[:40])
def test_failed_start(api, command, config, code, text):
    container = api.create(*command, **config)
    answer = api.start(container, expect=(400, 404, 500))
    texts = (text,) if isinstance(text, str) else text
    assert any(t in answer.message for t in texts), answer.message
    state = api.state(container)
    assert (state["Status"], state["Running"], state["Pid"]) == ("created", False, 0)
    assert any(t in state["Error"] for t in texts)
    if "User" not in config:
        assert state["ExitCode"] == code
    api.remove(container)


def test_failed_start_can_be_tried_again(api):
    container = api.create("/tmp/late", host={"Binds": [f"{api.daemon.root}/late:/tmp"]})
    api.start(container, expect=(400, 404, 500))
    api.start(container, expect=(400, 404, 500))
    api.remove(container)


@pytest.mark.parametrize("action", ["start", "stop", "kill", "restart", "wait", "attach?stream=1"])
def test_unknown_container(api, action):
    answer = api.post(f"/containers/nosuch/{action}", expect=404)
    assert answer.message.endswith("No such container: nosuch")


def test_lookup(api):
    container = api.create("true", name="looked")
    for key in (container, container[:12], container[:20], "looked"):
        assert api.inspect(key)["Id"] == container
    api.get(f"/containers/{container.upper()}/json", expect=404)


def test_ambiguous_prefix(api):
    made = {}
    while True:
        container = api.create("true")
        if container[0] in made:
            break
        made[container[0]] = container
    answer = api.get(f"/containers/{container[0]}/json", expect=(400, 404, 500))
    assert answer.status == 400 or api.daemon.is_docker
    assert "multiple IDs found with provided prefix" in answer.message.replace(
        "Multiple", "multiple"
    )


def test_start_with_a_body(api):
    container = api.create("true")
    answer = api.post(f"/containers/{container}/start", {"Binds": ["/:/host"]}, expect=400)
    assert answer.message
    assert not api.state(container)["Running"]
