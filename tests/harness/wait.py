"""Waiting for a condition with a deadline: the only sleep in the tests."""

import os
import time

# How much longer everything may take on this machine.
PATIENCE = float(os.environ.get("GANTRY_TEST_PATIENCE", "1"))


def until(condition, what, seconds=20.0, pause=0.02):
    """Returns the first true value of CONDITION(); AssertionError naming WHAT after the deadline."""
    seconds *= PATIENCE
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s still not: {what} (last: {value!r})")
        time.sleep(pause)
