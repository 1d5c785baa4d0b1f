"""Many containers at once: starting, listing, watching and removing them."""

import os
import signal
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from harness import wait

from .sides import IMAGE, daemon_cpu_ms, field, interleaved, summary

AT_A_TIME = 8
# A program that does nothing until it is told to end.
IDLE = (IMAGE, "/bin/probe", "wait")


def start(side, count):
    """COUNT running containers by the client's `run -d`; their names."""
    names = [f"fleet{number}" for number in range(count)]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        list(pool.map(lambda name: side.time("run", "-d", "--name", name, *IDLE), names))
    return names


def running(daemon):
    return len(daemon.api.get("/containers/json").json())


def one_per_daemon(bench):
    """The sides with a client of their daemon's own."""
    return [side for side in bench.sides if side.name in ("gantry", "docker")]


def timed(side, action):
    """(wall ms, CPU ms of daemon and shims) of ACTION."""
    before, begin = daemon_cpu_ms(side.daemon), time.perf_counter()
    action()
    wall = (time.perf_counter() - begin) * 1000
    return wall, daemon_cpu_ms(side.daemon) - before


def many(bench):
    """100 containers by `run -d`, 8 at a time, and one `rm -f` of them all."""
    started, removed = {}, {}
    for number in range(max(1, min(bench.rounds // 10, 5))):
        for side in bench.sides:
            if side.daemon.is_docker and number % 2:
                continue
            names = []
            wall, cpu = timed(side, lambda names=names, side=side: names.extend(start(side, 100)))
            started.setdefault(side.name, []).append((wall, cpu))
            removed.setdefault(side.name, []).append(timed(side, lambda names=names, side=side: side.time("rm", "-f", *names)))
    for title, figures in (("100 x run -d, 8 at a time", started), ("rm -f of 100 running containers", removed)):
        rows = {}
        for name, values in figures.items():
            rows[name] = dict(summary([wall for wall, _ in values]), cpu=statistics.mean(cpu for _, cpu in values))
        bench.table(title, rows)


def watch(side, seconds):
    """CPU ms a second, of client and daemon, while `stats` shows all containers."""
    before, begin = daemon_cpu_ms(side.daemon), time.perf_counter()
    pid = side.spawn("stats")
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    _, _, usage = os.wait4(pid, 0)
    took = time.perf_counter() - begin
    return ((usage.ru_utime + usage.ru_stime) * 1000 + daemon_cpu_ms(side.daemon) - before) / took


def stats(bench):
    for side in one_per_daemon(bench):
        start(side, 100)
    rows = interleaved(bench.sides, max(2, min(bench.rounds // 5, 20)), "stats", "--no-stream", slow_every=2)
    bench.table("stats --no-stream, 100 containers", rows)
    bench.figure("stats, 100 containers, CPU of client and daemon", {side.name: watch(side, 10) for side in bench.sides}, "ms/s")
    for side in one_per_daemon(bench):
        side.daemon.remove_containers()


def weigh(daemon, when):
    pid = daemon.pid
    return {
        f"gantryd, {when}: RSS kB": field(pid, "status", "VmRSS:"),
        f"gantryd, {when}: threads": len(os.listdir(f"/proc/{pid}/task")),
        f"gantryd, {when}: descriptors": len(os.listdir(f"/proc/{pid}/fd")),
    }


def shims_pss(daemon):
    """Mean PSS in kB of the shims of DAEMON."""
    space = os.readlink(f"/proc/{daemon.pid}/ns/mnt")
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if int(pid) != daemon.pid and os.readlink(f"/proc/{pid}/ns/mnt") == space and "shim" in os.readlink(f"/proc/{pid}/exe"):
                found.append(field(pid, "smaps_rollup", "Pss:"))
        except OSError:
            pass
    return statistics.mean(found) if found else 0.0


def containers_of(parent):
    return [name for name in os.listdir(parent) if len(name) == 64]


def thousand(bench):
    """1,000 running containers: `ps` beside docker's with 200; what the daemon holds; its crash."""
    count = int(os.environ.get("GANTRY_BENCH_FLEET", "1000"))
    gantry = bench.sides[0]
    daemon = gantry.daemon
    rows = weigh(daemon, "before")
    times = {}
    times[f"run -d of {count}, 8 at a time"] = timed(gantry, lambda: start(gantry, count))[0]
    if bench.docker:
        start(bench.sides[-1], 200)
    rows |= weigh(daemon, f"{count} running")
    rows["shim, PSS kB"] = shims_pss(daemon)
    bench.table(f"ps, {count} running (docker: 200)", interleaved(bench.sides, bench.rounds, "ps"))

    def come_back():
        daemon.kill()
        daemon.start(seconds=120)

    times["kill -9 and start until it answers"] = timed(gantry, come_back)[0]
    begin = time.perf_counter()
    wait.until(lambda: running(daemon) == count, "all run on", 120)
    times["until all are listed as running"] = (time.perf_counter() - begin) * 1000
    rows |= weigh(daemon, "after kill -9 and start")
    names = [f"fleet{number}" for number in range(count)]
    times[f"rm -f of {count}"] = timed(gantry, lambda: gantry.time("rm", "-f", *names))[0]
    wait.until(lambda: not any(containers_of(place) for place in daemon.cgroup_parents()), "cleaned up", 120)
    rows |= weigh(daemon, "all removed")
    bench.figure(f"{count} containers, times", times, "ms")
    bench.figure(f"{count} containers, what is held", rows, "")
    if bench.docker:
        bench.docker.remove_containers()


ALL = {"stats": stats, "many": many, "thousand": thousand}
