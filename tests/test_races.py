"""Many clients at few names: whatever they do, each container behaves as if they came one by one."""

import os
import random
import threading
import time

import pytest

from harness import history, wire
from harness.history import Operation
from harness.image import IMAGE

NAMES = ["red", "green", "blue", "black"]
CLIENTS = 16
SECONDS = int(os.environ.get("GANTRY_TEST_RACE_SECONDS", 60 if os.environ.get("GANTRY_SOAK") else 5))

# (method, path, query, weight)
REQUESTS = {
    "create": ("POST", "/containers/create?name={}", 4),
    "start": ("POST", "/containers/{}/start", 4),
    "stop": ("POST", "/containers/{}/stop?t=5", 2),
    "restart": ("POST", "/containers/{}/restart?t=5", 2),
    "kill": ("POST", "/containers/{}/kill", 2),
    "pause": ("POST", "/containers/{}/pause", 2),
    "unpause": ("POST", "/containers/{}/unpause", 3),
    "remove": ("DELETE", "/containers/{}", 2),
    "remove-force": ("DELETE", "/containers/{}?force=1", 2),
    "inspect": ("GET", "/containers/{}/json", 4),
}
BODY = {"Image": IMAGE, "Cmd": ["/bin/probe", "wait"], "HostConfig": {"NetworkMode": "none"}}


class Client(threading.Thread):
    """Fires random requests until DEADLINE and notes what it saw."""

    def __init__(self, daemon, seed, deadline):
        super().__init__(name=f"client {seed}")
        self.daemon_socket = daemon.socket
        self.random = random.Random(seed)
        self.deadline = deadline
        self.seen = {name: [] for name in NAMES}
        self.failures = []

    def run(self):
        words, weights = list(REQUESTS), [weight for _, _, weight in REQUESTS.values()]
        while time.monotonic() < self.deadline:
            name = self.random.choice(NAMES)
            what = self.random.choices(words, weights)[0]
            try:
                self.seen[name].append(self.ask(name, what))
            except (OSError, AssertionError) as error:
                self.failures.append(f"{what} {name}: {error!r}")
                return

    def ask(self, name, what):
        method, path, _ = REQUESTS[what]
        asked = time.monotonic()
        answer = wire.request(
            self.daemon_socket, method, path.format(name), BODY if what == "create" else None, {}, 60.0
        )
        answered = time.monotonic()
        if answer.status >= 500:
            self.failures.append(f"{what} {name}: {answer!r}")
        seen = answer.json()["State"]["Status"] if what == "inspect" and answer.status == 200 else None
        text = answer.json()["message"] if answer.status >= 400 else ""
        return Operation(asked, answered, what, answer.status, seen, text)


def overlaps(one, other):
    return one is not other and one.asked < other.answered and other.asked < one.answered


def without_refusals(operations):
    """OPERATIONS without those that one under way refuses: a create keeps its name and a removal the
    whole container from when they begin, and a 409 from then on changes nothing."""
    creates = [operation for operation in operations if operation.what == "create" and operation.status == 201]
    removals = [operation for operation in operations if operation.what.startswith("remove")]
    erasures = [operation for operation in removals if operation.status == 204]

    def refused(operation):
        if operation.status != 409 or operation.what == "restart":  # that one has a first half
            return False
        begun = creates + erasures if operation.what == "create" else erasures
        if "already in progress" in operation.text or "marked for removal" in operation.text:
            begun = removals
        return any(overlaps(operation, other) for other in begun)

    return [operation for operation in operations if not refused(operation)]


def around(operations, bad):
    return "".join(
        f"\n{operation}" for operation in operations
        if operation.answered > bad.asked - 0.2 and operation.asked < bad.answered
    )  # fmt: skip


def test_every_history_is_linearizable(daemon):
    deadline = time.monotonic() + SECONDS
    seed = int(os.environ.get("GANTRY_TEST_RACE_SEED", time.time_ns() % 1_000_000))
    clients = [Client(daemon, seed + number, deadline) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(timeout=SECONDS + 120)
    assert not [client.name for client in clients if client.is_alive()], "a deadlock"
    assert not [failure for client in clients for failure in client.failures]
    for name in NAMES:
        operations = [operation for client in clients for operation in client.seen[name]]
        operations = without_refusals(sorted(operations))
        bad = history.first_impossible(operations)
        assert bad is None, f"seed {seed}, {name}: nothing explains {bad}; around it:{around(operations, bad)}"
    assert sum(len(client.seen[name]) for client in clients for name in NAMES) > CLIENTS * 4


@pytest.mark.parametrize(
    "operations, possible",
    [
        ([(0, 1, "create", 201), (2, 3, "start", 204), (4, 5, "inspect", 200, "running")], True),
        ([(0, 1, "create", 201), (2, 3, "start", 204), (4, 5, "inspect", 200, "created")], False),
        ([(0, 1, "create", 201), (2, 5, "start", 204), (3, 4, "inspect", 200, "created")], True),
        ([(0, 9, "create", 201), (1, 8, "create", 201)], False),
        ([(0, 9, "create", 201), (1, 8, "create", 409)], True),
        ([(0, 1, "create", 201), (2, 3, "remove", 204), (4, 5, "start", 204)], False),
        ([(0, 1, "create", 201), (2, 3, "start", 204), (4, 5, "kill", 204), (6, 7, "start", 304), (8, 9, "start", 204)], True),
        ([(0, 1, "create", 201), (2, 3, "start", 304)], False),
    ],
)
def test_the_checker_knows_what_cannot_be(operations, possible):
    assert (history.first_impossible([Operation(*operation) for operation in operations]) is None) == possible
