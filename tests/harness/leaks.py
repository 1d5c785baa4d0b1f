"""What a daemon holds of the kernel and the disk, as comparable text.

A picture is a dict from a kind of thing to the set of such things. Two pictures taken at rest with
the same work between them must be equal; `settle` gives background work time to end.
"""

import os
import re
import subprocess

from . import wait

CGROUP_ROOT = "/sys/fs/cgroup"


def _read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def processes(daemon):
    """Every process that lives in the sandbox's mount or network namespace, or is a shim of it."""
    wanted = {
        os.readlink(f"/proc/{daemon.sandbox.pid}/ns/mnt"),
        os.readlink(f"/proc/{daemon.sandbox.pid}/ns/net"),
    }
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            spaces = {os.readlink(f"/proc/{pid}/ns/{kind}") for kind in ("mnt", "net")}
            stat = _read(f"/proc/{pid}/stat").decode(errors="replace")
        except OSError:
            continue
        command = _read(f"/proc/{pid}/cmdline").replace(b"\0", b" ").decode(errors="replace")
        ours = spaces & wanted or daemon.root in command
        if ours and int(pid) not in (os.getpid(), daemon.sandbox.pid):
            found.add((int(pid), command.strip() or stat.split(")")[0]))
    return found


def cgroups(daemon):
    """The directories below the daemon's own cgroup parent, in every hierarchy."""
    name = daemon.cgroup_parent
    found = set()
    for base, directories, _ in os.walk(CGROUP_ROOT):
        depth = base[len(CGROUP_ROOT) :].count("/")
        if depth >= 5:
            directories.clear()
        for directory in directories:
            path = os.path.join(base, directory)[len(CGROUP_ROOT) :]
            if re.search(rf"/{name}/[0-9a-f]{{64}}", path):
                found.add(path)
    return found


def _mounts(daemon):
    lines = _read(f"/proc/{daemon.sandbox.pid}/mountinfo").decode().splitlines()
    return {re.sub(r"^\d+ \d+ \d+:\d+ ", "", line) for line in lines}


def _links(daemon):
    out = daemon.netns("ip", "-o", "link").stdout
    return {re.sub(r"^\d+: ([^:@]+).*", r"\1", line) for line in out.splitlines()}


def _nft(daemon):
    out = daemon.netns("nft", "list", "ruleset", check=False).stdout
    text = re.sub(r"counter packets \d+ bytes \d+", "counter", out)
    return set(enumerate(text.splitlines()))


def _files(daemon):
    """Directories and files of both roots, without the database's own and the logs' content."""
    found = set()
    for root in (daemon.data_root, daemon.exec_root):
        for base, directories, files in os.walk(root):
            short = base[len(daemon.root) :]
            if short.count("/") > 4 or "/layers/" in short or "/content/" in short:
                directories.clear()
                continue
            for name in directories + files:
                if not name.startswith("gantry.db"):
                    found.add(f"{short}/{name}")
    return found


def _namespaces(daemon):
    """Namespaces that some process outside the host's own uses."""
    kinds = ("mnt", "net", "pid", "uts", "ipc")
    found = set()
    for pid, _ in processes(daemon):
        for kind in kinds:
            try:
                found.add(os.readlink(f"/proc/{pid}/ns/{kind}"))
            except OSError:
                pass
    return found


def _fds(daemon):
    """The daemon's fds by what they are; sockets and pipes only by number."""
    kinds = {}
    for number in os.listdir(f"/proc/{daemon.pid}/fd"):
        try:
            target = os.readlink(f"/proc/{daemon.pid}/fd/{number}")
        except OSError:
            continue
        kind = re.sub(r"[0-9]+", "N", target.split(":")[0] if ":[" in target else target)
        kinds[kind] = kinds.get(kind, 0) + 1
    return set(kinds.items())


def picture(daemon):
    """Everything but threads and memory, which may grow a little (see `size`)."""
    return {
        "processes": {command for _, command in processes(daemon)},
        "process count": {len(processes(daemon))},
        "mounts": _mounts(daemon),
        "links": _links(daemon),
        "nft": _nft(daemon),
        "cgroups": cgroups(daemon),
        "files": _files(daemon),
        "namespaces": _namespaces(daemon),
        "fds": _fds(daemon),
    }


def size(daemon):
    """(threads, resident kB) of the daemon."""
    status = _read(f"/proc/{daemon.pid}/status").decode()
    return (
        int(re.search(r"^Threads:\s+(\d+)", status, re.M)[1]),
        int(re.search(r"^VmRSS:\s+(\d+)", status, re.M)[1]),
    )


def difference(before, after, ignore=()):
    """Texts that say what came and what went; empty when nothing did."""
    texts = []
    for kind, old in before.items():
        if kind in ignore:
            continue
        new = after[kind]
        texts += [f"{kind}: new: {item}" for item in sorted(new - old, key=str)[:10]]
        texts += [f"{kind}: gone: {item}" for item in sorted(old - new, key=str)[:10]]
    return texts


def settle(daemon, before, seconds=30, ignore=()):
    """Waits until the daemon holds what it held BEFORE; AssertionError with the difference."""
    last = []

    def same():
        last[:] = difference(before, picture(daemon), ignore)
        return not last

    try:
        wait.until(same, "everything as before", seconds, pause=0.1)
    except AssertionError:
        raise AssertionError("left behind:\n  " + "\n  ".join(last)) from None


def leftovers(daemon):
    """Traces of a closed daemon on the host: processes, mounts, cgroups and directories."""
    root = daemon.root
    texts = [f"cgroup: {path}" for path in daemon.cgroup_parents()]
    mounts = subprocess.run(["cat", "/proc/self/mountinfo"], capture_output=True, text=True)
    texts += [f"mount: {line}" for line in mounts.stdout.splitlines() if root in line]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        command = _read(f"/proc/{pid}/cmdline").replace(b"\0", b" ").decode(errors="replace")
        if root in command:
            texts.append(f"process {pid}: {command}")
    if os.path.exists(root):
        texts.append(f"directory: {root}")
    return texts
