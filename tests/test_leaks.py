"""The leak gate: after many runs of every kind, everything is as before."""

import concurrent.futures
import random

import pytest

from harness import leaks, wait, wire

pytestmark = pytest.mark.gantry_only("about gantryd itself")


def run_ok(api):
    assert run_to_end(api, "true") == 0


def run_failing(api):
    assert run_to_end(api, "sh", "-c", "exit 3") == 3


def run_output(api):
    assert run_to_end(api, "seq", "1", "2000") == 0


def run_published(api):
    host = {"PortBindings": {"80/tcp": [{"HostPort": ""}]}}
    assert run_to_end(api, "true", ExposedPorts={"80/tcp": {}}, host=host) == 0


def run_limited(api):
    assert run_to_end(api, "true", host={"Memory": 32 << 20, "PidsLimit": 20, "Tmpfs": {"/t": ""}}) == 0


def run_tty(api):
    assert run_to_end(api, "true", Tty=True, OpenStdin=True) == 0


def run_missing_command(api):
    refused(api, "nosuch")


def run_bad_user(api):
    refused(api, "true", User="nosuch")


def run_bad_mount(api):
    refused(api, "true", WorkingDir="/etc/passwd")


def run_killed(api):
    container = api.create("sleep", "60", host={"AutoRemove": True})
    connection, answer = api.open("POST", f"/containers/{container}/wait", condition="removed")
    with connection:
        api.start(container)
        api.post(f"/containers/{container}/kill")
        assert connection.read_body(answer).json()["StatusCode"] == 137


def run_removed_by_force(api):
    api.remove(api.started("sleep", "60"))


def run_exec(api):
    container = api.started("sleep", "60", host={"AutoRemove": True})
    assert api.exec(container, "true")[0] == 0
    assert api.exec(container, "nosuch")[0] == 127
    api.remove(container)


def run_attached(api):
    container = api.create("cat", OpenStdin=True, StdinOnce=True, AttachStdin=True, host={"AutoRemove": True})
    stream = api.hijack(f"/containers/{container}/attach", stream=1, stdin=1, stdout=1)
    api.start(container)
    stream.send(b"x")
    if random.random() < 0.5:
        stream.close_write()
        assert stream.frames()[1] == b"x"
    else:
        stream.close()
        api.remove(container, expect=(204, 404, 409))
    stream.close()


def run_out_of_memory(api):
    limits = {"Memory": 12 << 20, "MemorySwap": 12 << 20}
    assert run_to_end(api, "/bin/probe", "eat", "100", host=limits) == 137


def create_only(api):
    api.remove(api.create("true"))


def run_to_end(api, *command, host=None, **options):
    container = api.create(*command, host=dict(host or {}, AutoRemove=True), **options)
    connection, answer = api.open("POST", f"/containers/{container}/wait", condition="removed")
    with connection:
        api.start(container)
        return connection.read_body(answer).json()["StatusCode"]


def refused(api, *command, **options):
    container = api.create(*command, host={"AutoRemove": True}, **options)
    api.start(container, expect=(400, 404, 500))
    api.delete(f"/containers/{container}", expect=(204, 404, 409), force=1)


KINDS = [
    run_ok, run_ok, run_ok, run_failing, run_output, run_published, run_limited, run_tty,
    run_missing_command, run_bad_user, run_bad_mount, run_killed, run_removed_by_force, run_exec,
    run_attached, run_out_of_memory, create_only,
]  # fmt: skip


def gate(daemon, count, workers):
    api = daemon.api
    # What is made once and kept (the threads of pools, the bridge) is there after this.
    with concurrent.futures.ThreadPoolExecutor(max_workers=workers) as pool:
        for done in [pool.submit(kind, api) for kind in KINDS * 3]:
            done.result()
    wait.until(lambda: api.get("/containers/json", all=1).json() == [], "all are removed")
    wait.until(lambda: not leaks.cgroups(daemon), "quiet", 30)
    before = wait.until(lambda: stable(daemon), "at rest", 30)
    threads, memory = leaks.size(daemon)
    order = [KINDS[i % len(KINDS)] for i in range(count)]
    random.Random(7).shuffle(order)
    with concurrent.futures.ThreadPoolExecutor(max_workers=workers) as pool:
        for done in [pool.submit(kind, api) for kind in order]:
            done.result()
    wait.until(lambda: api.get("/containers/json", all=1).json() == [], "all are removed", 60)
    leaks.settle(daemon, before, 60)
    wait.until(
        lambda: leaks.size(daemon)[0] <= threads + 2,
        f"no more threads than before ({threads}, now {leaks.size(daemon)[0]})",
    )
    assert leaks.size(daemon)[1] < memory + 8192, "resident memory grew by more than 8 MiB"


def stable(daemon):
    """A picture, when two in a row are equal."""
    first, second = leaks.picture(daemon), leaks.picture(daemon)
    return second if not leaks.difference(first, second) else None


def test_five_hundred_runs(own_daemon):
    gate(own_daemon(), 500, 4)


@pytest.mark.soak
def test_ten_thousand_runs(own_daemon):
    gate(own_daemon(), 10_000, 4)


def test_streams_that_clients_abandon(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    container = api.started("sh", "-c", "while :; do echo x; sleep 0.01; done")

    def abandon():
        for method, path, query in (
            ("GET", "/events", {}),
            ("GET", f"/containers/{container}/logs", {"follow": 1, "stdout": 1}),
            ("POST", f"/containers/{container}/wait", {}),
            ("POST", f"/containers/{container}/attach", {"stream": 1, "stdout": 1}),
        ):
            connection, _ = api.open(method, path, **query)
            connection.close()

    abandon()  # the first follower of a log opens what all of them share
    before = wait.until(lambda: stable(daemon), "at rest", 30)
    for _ in range(100):
        abandon()
    leaks.settle(daemon, before, 60, ignore=("files",))
    api.remove(container)


def test_refused_requests_cost_nothing(own_daemon):
    daemon = own_daemon()
    before = wait.until(lambda: stable(daemon), "at rest", 30)
    for _ in range(200):
        wire.request(daemon.socket, "POST", "/containers/create", b"{", {"Content-Type": "application/json"})
        wire.request(daemon.socket, "POST", "/images/load", b"garbage" * 100)
        wire.request(daemon.socket, "GET", "/containers/nosuch/json")
        daemon.api.create("true", host={"Binds": ["x"]}, expect=400)
    leaks.settle(daemon, before)
