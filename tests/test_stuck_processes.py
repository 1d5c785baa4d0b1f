"""Containers whose process cannot be killed for now: it waits in the kernel for a file system that
does not answer. Everything returns in bounded time, and the engine heals when the process does."""

import os
import threading
import time

import pytest

from harness import fuse, wait

pytestmark = pytest.mark.gantry_only("20.10 needs minutes and leaves such containers in disorder")
if not os.path.exists("/dev/fuse"):
    pytest.skip("needs /dev/fuse", allow_module_level=True)

# A kill waits 10 s for the end, and 2 s after a second one; the rest is the machine's.
BOUND = 12 + 18
NO_EVENT = "tried to kill container, but did not receive an exit event"
D_STATE = "is in state D (disk sleep)"


@pytest.fixture
def place(own_daemon, tmp_path):
    """A daemon and a mount in which look-ups get stuck."""
    daemon = own_daemon()
    mount = fuse.StuckMount(daemon, tmp_path)
    daemon.stuck = mount
    yield daemon
    mount.close()


def stuck_container(daemon, name, **options):
    """Runs a container whose first process cannot be killed."""
    before = len(daemon.stuck.waiting)
    options.setdefault("host", {}).setdefault("Binds", []).append(f"{daemon.stuck.directory}:/stuck")
    container = daemon.api.started("sh", "-c", f"exec cat /stuck/{name}", name=name, **options)
    wait.until(lambda: len(daemon.stuck.waiting) > before, "the process is stuck")
    return container


class Call(threading.Thread):
    """One request in a thread of its own, with the time that it takes."""

    def __init__(self, daemon, method, path, **query):
        super().__init__(daemon=True)
        self.send = lambda: daemon.api.call(method, path, timeout=200, **query)
        self.answer, self.seconds = None, None
        self.start()

    def run(self):
        begin = time.monotonic()
        self.answer = self.send()
        self.seconds = time.monotonic() - begin

    def failed(self, *texts):
        self.join()
        assert self.answer is not None and self.answer.status == 500, self.answer
        for text in texts:
            assert text in self.answer.message
        assert self.seconds < BOUND * wait.PATIENCE
        return True


def check_others(daemon):
    """What has nothing to do with the stuck ones works, and at once."""
    begin = time.monotonic()
    assert daemon.api.get("/containers/json", all=1).json()
    for name in ("ender", "killed", "goner", "again"):
        assert daemon.api.inspect(name)["State"]["Pid"] > 0
        daemon.api.logs(name)
    other = daemon.api.started("true")
    assert daemon.api.wait(other) == 0
    daemon.api.remove(other)
    assert time.monotonic() - begin < 8 * wait.PATIENCE


def status(daemon, name):
    answer = daemon.api.call("GET", f"/containers/{name}/json")
    return answer.json()["State"]["Status"] if answer.status == 200 else answer.status


def test_nothing_waits_for_a_stuck_process(place):
    daemon, api = place, place.api
    for name in ("ender", "killed", "goner", "again"):
        stuck_container(daemon, name, host={"AutoRemove": name == "killed"})
    calls = [
        Call(daemon, "POST", "/containers/ender/stop", t=1),
        Call(daemon, "POST", "/containers/killed/kill"),
        Call(daemon, "DELETE", "/containers/goner", force=1),
        Call(daemon, "POST", "/containers/again/restart", t=1),
    ]
    check_others(daemon)
    calls[0].failed("cannot stop container: ender: " + NO_EVENT, D_STATE)
    calls[1].failed("cannot kill container: killed: " + NO_EVENT, D_STATE)
    calls[2].failed('cannot remove container "/goner": could not kill: ' + NO_EVENT, D_STATE)
    calls[3].failed("Cannot restart container again: " + NO_EVENT, D_STATE)
    check_others(daemon)
    assert [status(daemon, name) for name in ("ender", "killed", "goner", "again")] == ["running", "running", "dead", "running"]

    # A crash meanwhile changes nothing.
    daemon.kill()
    daemon.start()
    check_others(daemon)
    assert [status(daemon, name) for name in ("ender", "killed", "goner", "again")] == ["running", "running", "dead", "running"]
    # What is to be removed is not forgotten as long as it has a process, whoever asks.
    assert "removed when its process ends" in api.delete("/containers/goner", expect=409).message
    assert api.post("/containers/prune").json()["ContainersDeleted"] in (None, [])
    Call(daemon, "DELETE", "/containers/goner", force=1).failed("could not kill")

    waits = [Call(daemon, "POST", "/containers/ender/wait"), Call(daemon, "POST", "/containers/goner/wait", condition="removed")]
    daemon.stuck.release()
    for call in waits:
        call.join()
        assert call.answer.status == 200 and call.answer.json()["StatusCode"] == 137
    wait.until(lambda: status(daemon, "again") == "exited", "the restarted one has ended")
    wait.until(lambda: status(daemon, "killed") == 404, "what removes itself is gone")
    assert status(daemon, "goner") == 404
    assert api.state("ender")["ExitCode"] == 137
    api.remove("ender")
    api.start("again")  # the file is not there now
    assert api.wait("again") == 1
    api.remove("again")
    assert api.get("/containers/json", all=1).json() == []


def test_a_stuck_exec_holds_its_container(place):
    """The first process ends only when the last of its namespace has."""
    daemon, api = place, place.api
    container = api.waiting(host={"Binds": [f"{daemon.stuck.directory}:/stuck"]}, name="host")
    made = api.post(f"/containers/{container}/exec", {"Cmd": ["cat", "/stuck/file"]}).json()["Id"]
    api.post(f"/exec/{made}/start", {"Detach": True})
    wait.until(lambda: daemon.stuck.waiting, "the exec is stuck")
    Call(daemon, "POST", f"/containers/{container}/stop", t=1).failed("cannot stop container: host: " + NO_EVENT)
    answer = api.call("POST", f"/containers/{container}/pause", timeout=120)
    assert answer.status in (204, 500), answer  # v2 counts it as frozen, v1 does not
    assert status(daemon, container) in ("running", "paused")
    daemon.stuck.release()
    if answer.status == 204:
        api.post(f"/containers/{container}/unpause")
    assert api.wait(container) in (137, 0)
    assert api.get(f"/exec/{made}/json").json()["Running"] is False
    api.remove(container)


def test_a_stuck_container_is_left_to_the_next_daemon(place):
    daemon, api = place, place.api
    stuck_container(daemon, "left")
    assert daemon.stop(60 * wait.PATIENCE) == 0
    daemon.start()
    assert status(daemon, "left") == "running"
    daemon.stop()
    daemon.stuck.release()
    daemon.start()
    # Nobody has killed it: it found no file, and ended by itself.
    wait.until(lambda: status(daemon, "left") == "exited", "its end is known")
    assert api.state("left")["ExitCode"] == 1
    api.remove("left")
