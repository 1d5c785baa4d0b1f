"""What single commands take, and what the daemon and a shim weigh."""

import os
import statistics
import subprocess
import threading
import time

from .sides import IMAGE, ROOT, daemons, field, interleaved, summary


def floor(bench):
    program = os.path.join(bench.scratch, "floor")
    source = os.path.join(ROOT, "bench", "floor.c")
    subprocess.run(["cc", "-O2", "-o", program, source], check=True)
    rows = {}
    for kind in ("exec", "sandbox"):
        out = subprocess.run([program, kind, "200"], capture_output=True, text=True, check=True).stdout
        rows[kind] = summary([float(line) / 1000 for line in out.split()])
    bench.table("floor: the kernel alone", rows)


def run(bench):
    bench.table("run --rm IMAGE true", interleaved(bench.sides, bench.rounds, "run", "--rm", IMAGE, "true", slow_every=4))


def run_none(bench):
    rows = interleaved(bench.sides, bench.rounds, "run", "--rm", "--network", "none", IMAGE, "true", slow_every=4)
    bench.table("run --rm --network none IMAGE true", rows)


def execute(bench):
    for daemon in bench.daemons:
        daemon.api.waiting(name="box")
    bench.table("exec CONTAINER true", interleaved(bench.sides, bench.rounds, "exec", "box", "true", slow_every=2))
    for daemon in bench.daemons:
        daemon.api.remove("box")


def ps(bench):
    for daemon in bench.daemons:
        for _ in range(200):
            daemon.api.create("true")
    bench.table("ps -a with 200 containers", interleaved(bench.sides, bench.rounds, "ps", "-a"))
    for daemon in bench.daemons:
        daemon.remove_containers()


def rate(bench):
    def loop(side, seconds, counts, index):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            side.time("run", "--rm", IMAGE, "true")
            counts[index] += 1

    rows = {}
    for side in bench.sides:
        for clients in (1, 2):
            counts = [0] * clients
            threads = [threading.Thread(target=loop, args=(side, 5, counts, i)) for i in range(clients)]
            begin = time.monotonic()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            rows[f"{side.name}, {clients}"] = sum(counts) / (time.monotonic() - begin)
    bench.figure("runs a second, by number of clients", rows, "1/s")


def memory(bench):
    rows = {}
    fresh = daemons.Daemon().start()
    time.sleep(1)
    rows["gantryd, idle, RSS"] = field(fresh.pid, "status", "VmRSS:")
    rows["gantryd, idle, PSS"] = field(fresh.pid, "smaps_rollup", "Pss:")
    fresh.close()
    for name, daemon, program in (("gantry-shim", bench.gantry, "gantry-shim"), ("containerd-shim", bench.docker, "containerd-shim")):
        if daemon is None:
            continue
        containers = [daemon.api.waiting() for _ in range(3)]
        shims = [p for p in map(int, filter(str.isdigit, os.listdir("/proc"))) if is_shim(p, program, containers)]
        if shims:
            rows[f"{name}, PSS"] = statistics.mean(field(p, "smaps_rollup", "Pss:") for p in shims)
            rows[f"{name}, RSS"] = statistics.mean(field(p, "status", "VmRSS:") for p in shims)
        for container in containers:
            daemon.api.remove(container)
    rows["gantryd, after all this, RSS"] = field(bench.gantry.pid, "status", "VmRSS:")
    bench.figure("memory", rows, "kB")


def logs(bench):
    lines, length = 1_500_000, 79
    rows = {}
    for name, daemon in (("gantry", bench.gantry), ("docker", bench.docker)):
        if daemon is None:
            continue
        took = {}
        for count in (1, lines):
            passes = []
            for _ in range(3):
                container = daemon.api.create("/bin/probe", "lines", str(count), str(length))
                begin = time.perf_counter()
                daemon.api.start(container)
                daemon.api.wait(container)
                passes.append(time.perf_counter() - begin)
                daemon.api.remove(container)
            took[count] = statistics.median(passes)
        rows[name] = lines * (length + 1) / 1e6 / max(took[lines] - took[1], 1e-6)
    bench.figure("json-file log, lines of 80 bytes, start-up taken off", rows, "MB/s")


def is_shim(pid, program, containers):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().decode(errors="replace").split("\0")
        executable = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return False
    # A shim names its container in its arguments, or is the parent of the container's process.
    if not (executable.startswith(program) or words[0].endswith(program)):
        return False
    text = " ".join(words)
    return any(container in text for container in containers) or program == "gantry-shim"


ALL = {
    "floor": floor, "run": run, "run_none": run_none, "exec": execute, "ps": ps,
    "rate": rate, "logs": logs, "memory": memory,
}  # fmt: skip
