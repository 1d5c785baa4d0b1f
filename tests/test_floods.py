"""A lot of output, and a lot of execs: memory, threads and descriptors stay bounded.

`GANTRY_SOAK=1` does it with the amounts that docs/testing.md states.
"""

import concurrent.futures
import os
import time

import pytest

from harness import leaks, wait

SOAK = bool(os.environ.get("GANTRY_SOAK"))
FLOOD = 1000 if SOAK else 60  # MB
EXECS = 1000 if SOAK else 64
# ASan keeps what was freed for a while (quarantine_size_mb in tools/test) and surrounds what lives.
SANITIZER = 24 << 10 if "quarantine" in os.environ.get("ASAN_OPTIONS", "") else 0  # KiB

pytestmark = pytest.mark.gantry_only("it looks into gantryd's and its shims' processes")


def shim_of(api, container):
    with open(f"/proc/{api.state(container)['Pid']}/stat", encoding="utf-8") as file:
        return int(file.read().rsplit(")", 1)[1].split()[1])


def peak(pid):
    """The most memory that PID ever had, in KiB."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return int(file.read().split("VmHWM:")[1].split()[0])


def forget_peak(pid):
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def fds(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_log_flood_with_blocked_readers(own_daemon, record_property):
    daemon = own_daemon()
    api = daemon.api
    script = f"read x; head -c 199 /dev/zero | tr '\\0' y > /t/l; yes $(cat /t/l) | head -c {FLOOD}000000; read x"
    container = api.create("sh", "-c", script, OpenStdin=True, host={"Tmpfs": {"/t": ""}})
    api.start(container)
    shim = shim_of(api, container)
    followers = [api.open("GET", f"/containers/{container}/logs", follow=1, stdout=1, timeout=60.0)[0] for _ in range(4)]
    attached = api.hijack(f"/containers/{container}/attach", stream=1, stdin=1, stdout=1)
    wait.until(lambda: leaks.size(daemon)[0], "it is up")
    pid = daemon.pid
    threads = leaks.size(daemon)[0]
    before = (peak(pid), peak(shim))
    for process in (pid, shim):
        forget_peak(process)
    begin = time.monotonic()
    attached.send(b"\n")

    def logged():
        """The newest record is the last one; asking is quick all the while."""
        return api.logs(container, tail=1)[0].endswith(b"y\n") and written() >= FLOOD

    def written():
        with open(f"/proc/{shim}/io", encoding="ascii") as file:
            return int(file.read().split("rchar: ")[1].split()[0]) / 1000000

    wait.until(logged, f"{FLOOD} MB went through", 60 + FLOOD * 2, pause=0.2)
    taken = time.monotonic() - begin
    grown = (peak(pid) - before[0], peak(shim) - before[1])
    record_property("flood", f"{FLOOD} MB in {taken:.1f} s, daemon +{grown[0]} KiB, shim +{grown[1]} KiB")
    print(f"{FLOOD} MB in {taken:.1f} s; peaks: daemon +{grown[0]} KiB, shim +{grown[1]} KiB")
    assert grown[0] < 16384 + SANITIZER and grown[1] < 2048 + SANITIZER
    assert leaks.size(daemon)[0] <= threads + 4
    directory = f"{daemon.data_root}/containers/{container}"
    files = [name for name in os.listdir(directory) if "-json.log" in name]
    assert len(files) <= 6  # and what is being compressed
    assert sum(os.stat(f"{directory}/{name}").st_size for name in files) < 110 << 20
    for follower in followers:
        follower.close()
    attached.close()


def test_execs_that_leave_children(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    container = api.started("sleep", "1000", host={"PidsLimit": -1})
    shim = shim_of(api, container)
    pid = daemon.pid

    def leave(number):
        """Half of the children keep the exec's output open; half of the execs have no client."""
        redirected = ">/dev/null 2>&1 </dev/null" if number % 2 else ""
        command = ["sh", "-c", f"sleep 1000 {redirected} & exit {number % 100}"]
        attach = number % 4 < 2
        made = api.post(
            f"/containers/{container}/exec", {"AttachStdout": attach, "AttachStderr": attach, "Cmd": command}
        ).json()["Id"]
        if attach:
            stream = api.hijack(f"/exec/{made}/start", body={"Detach": False}, timeout=120.0)
            stream.frames()
            stream.close()
        else:
            api.post(f"/exec/{made}/start", {"Detach": True})
        state = wait.until(
            lambda: (found := api.get(f"/exec/{made}/json").json()) and not found["Running"] and found, "it ends", 120
        )
        assert state["ExitCode"] == number % 100

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(leave, range(16)))  # what is made once and kept
        threads, memory = leaks.size(daemon)
        before = (fds(pid), fds(shim), peak(shim))
        list(pool.map(leave, range(EXECS)))
    wait.until(lambda: fds(pid) <= before[0] + 2, f"no more descriptors in gantryd ({before[0]}, now {fds(pid)})")
    wait.until(lambda: fds(shim) <= before[1] + 2, f"no more descriptors in the shim ({before[1]}, now {fds(shim)})")
    wait.until(lambda: leaks.size(daemon)[0] <= threads + 2, f"no more threads ({threads}, now {leaks.size(daemon)})")
    grown = (leaks.size(daemon)[1] - memory, peak(shim) - before[2])
    print(f"{EXECS} execs; daemon +{grown[0]} KiB, shim +{grown[1]} KiB")
    assert grown[0] < 8192 + SANITIZER and grown[1] < 1024 + SANITIZER
    assert api.inspect(container)["ExecIDs"] is None
    processes = api.get(f"/containers/{container}/top").json()["Processes"]
    assert len(processes) == EXECS + 16 + 1
    api.post(f"/containers/{container}/kill")
    assert api.wait(container) == 137
