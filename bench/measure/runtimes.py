"""gantry-runtime beside other OCI runtimes: `run` of one bundle, from the command's start to its end.

All of them run in a mount namespace that shows cgroup v2 alone, because crun refuses both versions
side by side. GANTRY_BENCH_CRUN names another crun than that of the PATH.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

from .sides import daemons, summary

# The view: what is above is this module's main(), in a process of its own.
VIEW = """
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
exec "$@"
"""


def programs():
    """{name: program} of the runtimes that are here."""
    found = {
        "gantry-runtime": os.path.join(daemons.BIN, "gantry-runtime"),
        "crun": os.environ.get("GANTRY_BENCH_CRUN") or shutil.which("crun"),
        "runc": shutil.which("runc"),
    }
    return {name: os.path.abspath(program) for name, program in found.items() if program}


def runtime_run(bench):
    here = programs()
    answer = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-ec", VIEW, "sh", sys.executable, "-m",
         __name__, str(bench.rounds), json.dumps(here)],
        cwd=os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    rows = json.loads(answer.stdout)
    for base in ("runc", "crun"):
        if base in here:
            bench.table(f"OCI runtime: run of a bundle, of {base}'s time", rows, base=base)
    if len(here) == 1:
        bench.table("OCI runtime: run of a bundle", rows)


def make_bundle(program, scratch):
    """A bundle of PROGRAM's own example config that runs `true`, without a terminal."""
    root = os.path.join(scratch, "rootfs", "bin")
    os.makedirs(root)
    shutil.copy("/bin/busybox", root)
    subprocess.run([program, "spec"], cwd=scratch, check=True)
    file = os.path.join(scratch, "config.json")
    with open(file, encoding="utf-8") as text:
        config = json.load(text)
    config["process"].update(args=["/bin/busybox", "true"], terminal=False)
    # What runc's example asks for no machine without CAP_SYS_RESOURCE gives.
    config["process"]["rlimits"] = []
    with open(file, "w", encoding="utf-8") as text:
        json.dump(config, text)


def once(program, scratch, name):
    """(wall ms, CPU ms) of one run."""
    words = [program, "--root", os.path.join(scratch, name), "run", "--bundle", scratch, f"gb-{name}"]
    null = os.open(os.devnull, os.O_RDWR)
    begin = time.perf_counter()
    actions = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1)]
    pid = os.posix_spawn(program, words, os.environ, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - begin
    os.close(null)
    if status != 0:
        raise RuntimeError(f"{words} ended with {os.waitstatus_to_exitcode(status)}")
    return wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000


def main(rounds, here):
    with tempfile.TemporaryDirectory(prefix="gb.", dir="/tmp") as scratch:
        make_bundle(here["gantry-runtime"], scratch)
        walls = {name: [] for name in here}
        cpu = dict.fromkeys(here, 0.0)
        for name, program in here.items():
            once(program, scratch, name)  # once for the caches
        for _ in range(rounds):
            for name, program in here.items():
                wall, used = once(program, scratch, name)
                walls[name].append(wall)
                cpu[name] += used / rounds
        print(json.dumps({name: dict(summary(walls[name]), cpu=cpu[name]) for name in here}))


ALL = {"runtime_run": runtime_run}

if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]))
