"""No exit code is lost or wrong, whatever happens to the daemon meanwhile (R24)."""

import os
import random
import threading
import time

import pytest

SOAK = bool(os.environ.get("GANTRY_SOAK"))


def runner(gantry, numbers, wrong, lock):
    while True:
        with lock:
            if not numbers:
                return
            number = numbers.pop()
        code = number % 256
        done = gantry("run", "--rm", "--network", "none", "busybox:test", "sh", "-c", f"exit {code}")
        # 125: the daemon was gone before the container was made, and docker says so as well.
        if done.code != code:
            with lock:
                wrong.append((code, done.code, done.err))


def run_all(client, count, width):
    lock = threading.Lock()
    numbers, wrong = list(range(count)), []
    threads = [
        threading.Thread(target=runner, args=(client, numbers, wrong, lock)) for _ in range(width)
    ]
    for thread in threads:
        thread.start()
    return threads, numbers, wrong


def test_many_at_once(gantry):
    threads, _, wrong = run_all(gantry, 2000 if SOAK else 100, 16)
    for thread in threads:
        thread.join(600)
    assert not wrong


@pytest.mark.gantry_only("dockerd cannot be killed by this test")
def test_codes_survive_kills_of_the_daemon(own_daemon):
    """What runs while the daemon is killed tells its code afterwards."""
    daemon = own_daemon()
    api = daemon.api
    chance = random.Random(17)
    expected = {}
    for number in range(200 if SOAK else 40):
        code = chance.randrange(256)
        script = f"sleep 0.{chance.randrange(10)}; exit {code}"
        expected[api.started("sh", "-c", script, host={"NetworkMode": "none"})] = code
        if number % 10 == 9:
            daemon.kill()
            daemon.start()
    begin = time.monotonic()
    found = {container: api.wait(container) for container in expected}
    assert found == expected
    assert time.monotonic() - begin < 120
