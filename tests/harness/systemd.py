"""systemd as process 1 of namespaces of its own, under cgroup v2 alone."""

import os
import shutil
import subprocess
import tempfile

from . import wait

PROGRAM = "/lib/systemd/systemd"

# It sees the machine's files read-only, but for /tmp; no unit of theirs is loaded (a boot's units
# would clean /tmp and more). /run, /dev and the cgroup tree are its own.
SCRIPT = """
set -e
mount -t proc proc /proc
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --bind /tmp /tmp
mount -t tmpfs run /run
mkdir -p /run/systemd /run/new-dev/shm /run/new-dev/pts
for name in null zero full random urandom tty; do
    touch /run/new-dev/$name
    mount --bind /dev/$name /run/new-dev/$name
done
touch /run/new-dev/console
mount --rbind /run/new-dev /dev
mount -t devpts -o newinstance,ptmxmode=666 devpts /dev/pts
ln -s pts/ptmx /dev/ptmx
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount -o remount,bind,ro /sys
mount -o remount,bind,ro /
units=/run/systemd/system.control:/run/systemd/transient:$1
exec env -i container=test SYSTEMD_UNIT_PATH="$units" PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
    "$2" --unit=nothing.target --log-target=null --show-status=0
"""


def missing():
    """Why it cannot be started here; None if it can."""
    if not os.path.exists(PROGRAM):
        return "needs systemd's program"
    if v2_mount() is None:
        return "needs a cgroup v2 hierarchy"
    return None


def v2_mount():
    with open("/proc/self/mountinfo", encoding="utf-8") as text:
        places = [line.split()[4] for line in text if " - cgroup2 " in line]
    return places[0] if places else None


class Systemd:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="gt.systemd.", dir="/tmp")
        self.cgroup = os.path.join(v2_mount(), os.path.basename(self.dir))
        os.mkdir(self.cgroup)
        if os.path.dirname(self.cgroup) == "/sys/fs/cgroup":
            self.turn_on_controllers()
        with open(os.path.join(self.dir, "nothing.target"), "w", encoding="utf-8") as unit:
            unit.write("[Unit]\nDefaultDependencies=no\n")
        join = f"echo $$ > {self.cgroup}/cgroup.procs && exec "
        unshare = "unshare --mount --propagation private --cgroup --pid --uts --ipc --fork --kill-child"
        with open(os.path.join(self.dir, "output"), "wb") as output:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                ["sh", "-c", f'{join} {unshare} sh -c "$0" sh "$@"', SCRIPT, self.dir, PROGRAM],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        self.pid = None
        wait.until(self.answers, "systemd answers", seconds=60)
        # A group with processes of its own has no controllers for its children.
        with open(os.path.join(v2_mount(), "cgroup.procs"), "w", encoding="utf-8") as file:
            file.write(str(self.process.pid))

    @staticmethod
    def turn_on_controllers():
        with open("/sys/fs/cgroup/cgroup.controllers", encoding="utf-8") as text:
            names = text.read().split()
        for name in names:
            with open("/sys/fs/cgroup/cgroup.subtree_control", "w", encoding="utf-8") as file:
                file.write("+" + name)

    def answers(self):
        if self.process.poll() is not None:
            with open(os.path.join(self.dir, "output"), encoding="utf-8") as text:
                raise AssertionError("systemd ended: " + text.read())
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as text:
            children = text.read().split()
        if not children or not os.path.exists(f"/proc/{children[0]}/root/run/systemd/private"):
            return False
        self.pid = children[0]
        return self.ctl("list-units", check=False).returncode == 0

    def prefix(self):
        """What makes a command run beside it."""
        return ["nsenter", "-t", self.pid, "--pid", "--mount", "--cgroup", "--uts", "--ipc", "-r"]

    def ctl(self, *arguments, check=True):
        return subprocess.run(
            [*self.prefix(), "systemctl", "--no-pager", *arguments],
            capture_output=True, text=True, timeout=60, check=check, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def show(self, unit):
        """The unit's properties."""
        lines = self.ctl("show", unit).stdout.splitlines()
        return dict(line.split("=", maxsplit=1) for line in lines)

    def file(self, group, name):
        """A file of the cgroup that systemd calls GROUP; None if the controller is not here."""
        try:
            with open(self.cgroup + group + "/" + name, encoding="utf-8") as text:
                return text.read().strip()
        except FileNotFoundError:
            return None

    def close(self):
        self.process.kill()
        self.process.wait()
        # Its namespace's processes die with it, but not at once.
        wait.until(lambda: self.process_count() == 0, "systemd's processes are gone")
        for path, _, _ in sorted(os.walk(self.cgroup), reverse=True):
            os.rmdir(path)
        shutil.rmtree(self.dir)

    def process_count(self):
        count = 0
        for path, _, _ in os.walk(self.cgroup):
            with open(path + "/cgroup.procs", encoding="utf-8") as text:
                count += len(text.read().split())
        return count
