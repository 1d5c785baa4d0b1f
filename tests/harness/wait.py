"""Waiting for a condition with a deadline: the only sleep in the tests."""

import time


def until(condition, what, seconds=20.0, pause=0.02):
    """Returns the first true value of CONDITION(); AssertionError naming WHAT after the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s still not: {what} (last: {value!r})")
        time.sleep(pause)
