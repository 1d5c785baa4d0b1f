"""Reads what a cgroup is held to, in the v1 hierarchies or in the v2 tree: tests ask for one or the
other name and run in both worlds."""

import os

ROOT = "/sys/fs/cgroup"


def is_v2():
    """Whether the one v2 tree does the work; in the hybrid layout the v1 hierarchies do."""
    return os.path.exists(os.path.join(ROOT, "cgroup.controllers"))


def directory(controller, path):
    """Where the group PATH ("/parent/id") is."""
    return ROOT + path if is_v2() else os.path.join(ROOT, controller) + path


def path_of(daemon, container, parent=None):
    return f"/{(parent or daemon.cgroup_parent).strip('/')}/{container}"


def read(controller, path, name):
    with open(os.path.join(directory(controller, path), name), encoding="utf-8") as file:
        return file.read().strip()


def has(controller, path, name):
    return os.path.exists(os.path.join(directory(controller, path), name))


class Group:
    """The cgroup of one container. Each value is in Docker's units, whatever the kernel's are."""

    def __init__(self, daemon, container, parent=None):
        self.path = path_of(daemon, container, parent)

    def read(self, controller, v1, v2):
        return read(controller, self.path, v2 if is_v2() else v1)

    def has(self, controller, v1, v2):
        return has(controller, self.path, v2 if is_v2() else v1)

    def exists(self):
        return os.path.isdir(directory("memory", self.path))

    def memory(self):
        return int(self.read("memory", "memory.limit_in_bytes", "memory.max"))

    def swap(self):
        """Memory and swap together, as v1 counts."""
        value = self.read("memory", "memory.memsw.limit_in_bytes", "memory.swap.max")
        return int(value) + (self.memory() if is_v2() else 0)

    def reservation(self):
        return int(self.read("memory", "memory.soft_limit_in_bytes", "memory.low"))

    def shares(self):
        """The weight of v2 is 1 + (shares - 2) * 9999 / 262142."""
        return int(self.read("cpu", "cpu.shares", "cpu.weight"))

    def quota(self):
        """(quota, period)"""
        if is_v2():
            quota, period = read("cpu", self.path, "cpu.max").split()
            return int(quota), int(period)
        return tuple(int(read("cpu", self.path, name)) for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us"))

    def cpus(self):
        return self.read("cpuset", "cpuset.cpus", "cpuset.cpus")

    def mems(self):
        return self.read("cpuset", "cpuset.mems", "cpuset.mems")

    def pids(self):
        return self.read("pids", "pids.max", "pids.max")

    def oom_kills(self):
        text = self.read("memory", "memory.oom_control", "memory.events")
        return int(dict(line.split() for line in text.splitlines())["oom_kill"])
