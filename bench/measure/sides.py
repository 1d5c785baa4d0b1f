"""The daemons that are measured, each with its client, and the tables of what they took."""

import os
import shutil
import statistics
import sys
import tempfile
import time

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests"))
# pylint: disable=wrong-import-position
from harness import api as apis
from harness import daemon as daemons
from harness import image, schema

IMAGE = image.IMAGE


class NoDescription(schema.Description):
    """Benchmarks do not check answers."""

    def __init__(self):  # pylint: disable=super-init-not-called
        self.routes, self.checked, self.available = [], 0, False


class Side:
    """One daemon with one client: a column of the tables."""

    def __init__(self, name, daemon, program):
        self.name = name
        self.daemon = daemon
        self.program = program
        self.errors = os.path.join(daemon.root, "client-errors")
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": daemon.root, "DOCKER_HOST": daemon.url,
            "DOCKER_CONFIG": daemon.root, "DOCKER_CLI_HINTS": "false",
        }  # fmt: skip

    def spawn(self, *arguments):
        """Starts the client with its output thrown away; errors go to a file of this side's."""
        null = os.open(os.devnull, os.O_RDWR)
        errors = os.open(self.errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        actions = [(os.POSIX_SPAWN_DUP2, source, fd) for source, fd in ((null, 0), (null, 1), (errors, 2))]
        pid = os.posix_spawn(self.program, [self.program, *arguments], self.environment, file_actions=actions)
        os.close(null)
        os.close(errors)
        return pid

    def time(self, *arguments):
        """(wall ms, the client's CPU ms) of one command, which must succeed."""
        begin = time.perf_counter()
        pid = self.spawn(*arguments)
        _, status, usage = os.wait4(pid, 0)
        wall = time.perf_counter() - begin
        if status != 0:
            with open(self.errors, encoding="utf-8", errors="replace") as file:
                raise RuntimeError(
                    f"{self.name}: {' '.join(arguments)[:200]} ended with {os.waitstatus_to_exitcode(status)}: {file.read()[-2000:]}"
                )
        return wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000


def daemon_cpu_ms(daemon):
    """CPU of the daemon's processes and of all their reaped children."""
    space = os.readlink(f"/proc/{daemon.sandbox.pid}/ns/mnt")
    ticks = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/ns/mnt") == space:
                with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                    ticks += sum(map(int, file.read().rpartition(")")[2].split()[11:15]))
        except OSError:
            pass
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")


def summary(values):
    ordered = sorted(values)
    return {
        "median": statistics.median(ordered),
        "min": ordered[0],
        "p99": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
        "n": len(ordered),
    }


def ratio(base, value):
    return f"1/{base / value:.1f}" if base and value else ""


def interleaved(sides, rounds, *arguments, slow_every=1):
    """{side: figures}. Docker is measured in every SLOW_EVERY-th round only, as it takes so long."""
    walls, cpu, daemon_cpu, counts = {}, {}, {}, {}
    for side in sides:
        side.time(*arguments)  # once for the caches
        walls[side.name], cpu[side.name], daemon_cpu[side.name], counts[side.name] = [], 0.0, 0.0, 0
    for number in range(rounds):
        for side in sides:
            if side.daemon.is_docker and number % slow_every:
                continue
            before = daemon_cpu_ms(side.daemon)
            wall, client = side.time(*arguments)
            walls[side.name].append(wall)
            cpu[side.name] += client
            daemon_cpu[side.name] += daemon_cpu_ms(side.daemon) - before
            counts[side.name] += 1
    return {
        name: dict(summary(walls[name]), cpu=(cpu[name] + daemon_cpu[name]) / counts[name], client_cpu=cpu[name] / counts[name])
        for name in walls
    }


class Bench:
    def __init__(self, rounds, with_docker=True):
        self.rounds = rounds
        self.results = {}
        self.scratch = tempfile.mkdtemp(prefix="gb.", dir="/tmp")
        self.gantry = self.start(daemons.Daemon())
        self.docker = None
        if with_docker and os.path.exists("/usr/sbin/dockerd"):
            self.docker = self.start(daemons.DockerDaemon())
        docker_cli = shutil.which("docker")
        gantry_cli = os.path.join(daemons.BIN, "gantry")
        self.sides = [Side("gantry", self.gantry, gantry_cli)]
        if docker_cli:
            self.sides.append(Side("docker CLI on gantryd", self.gantry, docker_cli))
        if docker_cli and self.docker:
            self.sides.append(Side("docker", self.docker, docker_cli))

    @staticmethod
    def start(daemon):
        daemon.start(seconds=60)
        daemon.api = apis.Api(daemon, NoDescription())
        daemon.api.load_ok(image.busybox_archive())
        return daemon

    def close(self):
        for daemon in self.daemons:
            daemon.close()
        shutil.rmtree(self.scratch)

    @property
    def daemons(self):
        return [daemon for daemon in (self.gantry, self.docker) if daemon]

    def table(self, title, rows, unit="ms", base="docker"):
        """Prints the figures with their ratios to the medians, and to the CPU time, of the row BASE."""
        self.results[title] = rows
        other = rows.get(base, {})
        print(f"\n{title} ({unit})")
        print(f"  {'':24}{'median':>9}{'min':>9}{'p99':>9}{'CPU':>9}{'n':>6}{'ratio':>8}{'of CPU':>8}")
        for name, row in rows.items():
            cpu = f"{row['cpu']:9.2f}" if "cpu" in row else " " * 9
            ratios = ""
            if other and name != base:
                ratios = f"{ratio(other['median'], row['median']):>8}{ratio(other.get('cpu'), row.get('cpu')):>8}"
            print(f"  {name:24}{row['median']:9.2f}{row['min']:9.2f}{row['p99']:9.2f}{cpu}{row['n']:6}{ratios}")

    def figure(self, title, rows, unit):
        self.results[title] = rows
        print(f"\n{title}")
        for name, value in rows.items():
            print(f"  {name:40}{value:12.2f} {unit}")


def field(pid, file, name):
    """A value in kB out of /proc."""
    with open(f"/proc/{pid}/{file}", encoding="utf-8") as lines:
        return float(next(line for line in lines if line.startswith(name)).split()[1])
