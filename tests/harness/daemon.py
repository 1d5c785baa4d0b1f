"""Starts daemons in sandboxes of their own: gantryd, or dockerd for comparison."""

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile

from . import wait, wire

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BIN = os.environ.get("GANTRY_BIN", os.path.join(SOURCE, "build", "release", "bin"))


class Sandbox:
    """A network and a mount namespace, held by a sleeping process, that outlive daemons in them."""

    def __init__(self):
        self.holder = subprocess.Popen(
            [os.path.join(SOURCE, "tools", "sandbox"), "sh", "-c", "echo up; exec sleep infinity"],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )
        if self.holder.stdout.readline() != b"up\n":
            raise RuntimeError("tools/sandbox failed")
        self.pid = self.holder.pid

    def prefix(self, mounts=True):
        """The words before a command that make it run inside."""
        words = ["nsenter", f"--net=/proc/{self.pid}/ns/net"]
        return words + ([f"--mount=/proc/{self.pid}/ns/mnt"] if mounts else []) + ["--"]

    def close(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()


class Namespaces(Sandbox):
    """The namespaces of a process that somebody else looks after."""

    def __init__(self, pid):  # pylint: disable=super-init-not-called
        self.pid = pid

    def close(self):
        pass


class Daemon:
    """One daemon on its own roots. It may be stopped, killed and started again on the same roots."""

    is_docker = False

    def __init__(self, settings=None, environment=None, flags=()):
        self.root = tempfile.mkdtemp(prefix="gt.", dir="/tmp")
        self.socket = os.path.join(self.root, "s")
        self.data_root = os.path.join(self.root, "data")
        self.exec_root = os.path.join(self.root, "run")
        self.pidfile = os.path.join(self.root, "pid")
        self.log = os.path.join(self.root, "log")
        self.config = os.path.join(self.root, "daemon.json")
        self.environment = environment or {}
        self.flags = list(flags)
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump(settings or {}, file)
        self.sandbox = Sandbox()
        self.process = None

    url = property(lambda self: f"unix://{self.socket}")
    pid = property(lambda self: self.process.pid)
    max_api = "1.51"

    @property
    def cgroup_parent(self):
        """The name that gantryd derives from its exec-root (FNV-1a)."""
        value = 2166136261
        for byte in self.exec_root.encode():
            value = (value ^ byte) * 16777619 & 0xFFFFFFFF
        return f"gantry-{value:08x}"

    def cgroup_parents(self):
        """The directories of that name, one in each hierarchy."""
        root = "/sys/fs/cgroup"
        places = [os.path.join(root, name, self.cgroup_parent) for name in os.listdir(root)]
        return [p for p in places + [os.path.join(root, self.cgroup_parent)] if os.path.isdir(p)]

    def command(self):
        return [
            os.path.join(BIN, "gantryd"),
            "--config-file", self.config,
            "--data-root", self.data_root,
            "--exec-root", self.exec_root,
            "--pidfile", self.pidfile,
            "-H", self.url,
            *self.flags,
        ]  # fmt: skip

    def spawn(self, environment=None):
        """Starts the program and does not wait for it to be ready."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.sandbox.prefix() + self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(os.environ, **self.environment, **(environment or {})),
            )
        return self

    def start(self, environment=None, seconds=30):
        self.spawn(environment)
        wait.until(lambda: self.answers() or self.dead(), "the daemon answers", seconds)
        if self.dead():
            raise AssertionError(f"the daemon ended with {self.process.returncode}:\n{self.tail()}")
        return self

    def dead(self):
        return self.process is None or self.process.poll() is not None

    def answers(self):
        try:
            return wire.request(self.socket, "GET", "/_ping", timeout=5).status == 200
        except (OSError, wire.Closed):
            return False

    def tail(self, lines=40):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-lines:])

    def signal(self, number):
        if not self.dead():
            self.process.send_signal(number)

    def kill(self):
        """SIGKILL: the crash that everything has to survive."""
        self.signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self, seconds=30):
        """SIGTERM, as an administrator would; returns the exit code."""
        if self.dead():
            return None if self.process is None else self.process.returncode
        self.signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def netns(self, *command, check=True, **options):
        """Runs COMMAND in the daemon's network namespace."""
        options.setdefault("timeout", 30)
        return subprocess.run(
            self.sandbox.prefix(mounts=False) + list(command),
            capture_output=True, text=True, check=check, **options,
        )  # fmt: skip

    def close(self):
        """Ends everything that was started, and removes the directory."""
        try:
            if not self.dead():
                self.remove_containers()
            self.stop()
        except (AssertionError, OSError, wire.Closed, subprocess.TimeoutExpired):
            if not self.dead():
                self.kill()
        self.sandbox.close()
        # Like dockerd, gantryd leaves its parent; one for each root would add up here.
        for path in self.cgroup_parents():
            try:
                os.rmdir(path)
            except OSError:
                pass  # leaks.leftovers tells
        shutil.rmtree(self.root, ignore_errors=True)

    def remove_containers(self):
        answer = wire.request(self.socket, "GET", "/containers/json?all=1")
        for summary in answer.json():
            wire.request(self.socket, "DELETE", f"/containers/{summary['Id']}?force=1&v=1")


class DockerDaemon(Daemon):
    """A real dockerd in a sandbox, for GANTRY_TEST_DOCKER=start."""

    is_docker = True
    max_api = "1.41"
    cgroup_parent = "docker"

    def cgroup_parents(self):
        return []  # it has one for all daemons

    def command(self):
        return [
            "/usr/sbin/dockerd",
            "--config-file", self.config,
            "--data-root", self.data_root,
            "--exec-root", self.exec_root,
            "--pidfile", self.pidfile,
            "--live-restore",
            "-H", self.url,
            *self.flags,
        ]  # fmt: skip


class ForeignDaemon(Daemon):
    """A daemon that somebody else started, for GANTRY_TEST_DOCKER=unix:///path."""

    is_docker = True
    cgroup_parent = "docker"

    def __init__(self, url):  # pylint: disable=super-init-not-called
        self.socket = url.removeprefix("unix://")
        self.root = tempfile.mkdtemp(prefix="gt.", dir="/tmp")
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(self.socket)
            credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        self.peer = struct.unpack("3i", credentials)[0]
        self.sandbox = Namespaces(self.peer)
        version = wire.request(self.socket, "GET", "/version").json()
        self.max_api = min(version["ApiVersion"], "1.51", key=lambda v: int(v.split(".")[1]))
        self.data_root = wire.request(self.socket, "GET", "/info").json()["DockerRootDir"]

    pid = property(lambda self: self.peer)

    def dead(self):
        return not os.path.exists(f"/proc/{self.peer}")

    def tail(self, lines=40):
        return "(the log is with whoever started this daemon)"

    def close(self):
        self.remove_containers()
        shutil.rmtree(self.root, ignore_errors=True)


def make(**options):
    """The daemon under test, as the environment says; not started."""
    docker = os.environ.get("GANTRY_TEST_DOCKER", "")
    if docker == "start":
        return DockerDaemon(settings=options.get("settings"))
    if docker:
        return ForeignDaemon(docker)
    return Daemon(**options)
