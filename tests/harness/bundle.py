"""OCI bundles out of busybox, and gantry-runtime (or another runtime) on them."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

from . import wait

BIN = os.environ.get("GANTRY_BIN", "build/release/bin")
APPLETS = (
    "sh cat echo ls sleep true false id hostname mount grep env tty stat kill touch mkdir "
    "readlink head wc od dd awk tr seq pwd test"
).split()


def cgroup_dirs(group):
    """The directories of cgroup GROUP, one in each hierarchy."""
    with open("/proc/self/mountinfo", encoding="utf-8") as text:
        places = [line.split()[4] for line in text if " - cgroup" in line]
    return [place + group for place in places if os.path.isdir(place + group)]


class Runtime:
    """A runtime with a state directory and a cgroup parent of its own."""

    def __init__(self, program=None, flags=()):
        self.program = program or os.path.join(os.path.abspath(BIN), "gantry-runtime")
        self.dir = tempfile.mkdtemp(prefix="gt.runtime.")
        self.root = os.path.join(self.dir, "state")
        self.cgroup = "/gt-runtime-" + os.path.basename(self.dir).rsplit(".", maxsplit=1)[-1]
        self.flags = list(flags)
        self.count = 0
        self.rootfs = os.path.join(self.dir, "rootfs")
        os.makedirs(os.path.join(self.rootfs, "bin"))
        os.makedirs(os.path.join(self.rootfs, "tmp"))
        shutil.copy("/bin/busybox", os.path.join(self.rootfs, "bin/busybox"))
        for applet in APPLETS:
            os.symlink("busybox", os.path.join(self.rootfs, "bin", applet))

    def command(self, *arguments, globals_=()):
        return [self.program, "--root", self.root, *self.flags, *globals_, *map(str, arguments)]

    def __call__(self, *arguments, globals_=(), **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        if options.get("input") is not None:
            del options["stdin"]
        return subprocess.run(
            self.command(*arguments, globals_=globals_),
            capture_output=True, text=True, timeout=60, check=False, **options,
        )  # fmt: skip

    def ok(self, *arguments, **options):
        result = self(*arguments, **options)
        assert result.returncode == 0, (arguments, result)
        return result.stdout

    def start(self, *arguments):
        """As containerd and conmon call it: nobody waits for the streams to be closed."""
        with open(os.path.join(self.dir, "output"), "w+b") as output:
            process = subprocess.run(
                self.command(*arguments), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                timeout=60, check=False,
            )  # fmt: skip
            output.seek(0)
            return process.returncode, output.read().decode()

    def bundle(self, *args, change=None, **process):
        """A bundle that runs ARGS; CHANGE gets its config before it is written."""
        self.count += 1
        path = os.path.join(self.dir, f"bundle{self.count}")
        os.mkdir(path)
        self.ok("spec", "--bundle", path)
        file = os.path.join(path, "config.json")
        with open(file, encoding="utf-8") as text:
            config = json.load(text)
        config["root"] = {"path": self.rootfs, "readonly": False}
        config["process"].update(args=list(args), terminal=False, **process)
        config["linux"]["cgroupsPath"] = f"{self.cgroup}/c{self.count}"
        if change:
            change(config)
        with open(file, "w", encoding="utf-8") as text:
            json.dump(config, text)
        return path

    def run(self, *args, change=None, flags=(), process=None, **options):
        path = self.bundle(*args, change=change, **(process or {}))
        return self("run", "--bundle", path, *flags, f"r{self.count}", **options)

    def create(self, name, *args, change=None, flags=(), process=None):
        path = self.bundle(*args, change=change, **(process or {}))
        code, output = self.start("create", "--bundle", path, *flags, name)
        assert code == 0, output
        return path

    def status(self, name):
        result = self("state", name)
        return json.loads(result.stdout)["status"] if result.returncode == 0 else None

    def wait_status(self, name, wanted):
        wait.until(lambda: self.status(name) == wanted, f"{name} becomes {wanted}")

    def cgroup_dirs(self, name=""):
        return cgroup_dirs(self.cgroup + name)

    def left(self):
        """What containers leave: state, cgroups."""
        state = os.listdir(self.root) if os.path.isdir(self.root) else []
        groups = [entry for path in self.cgroup_dirs() for entry in os.scandir(path)
                  if entry.is_dir()]  # fmt: skip
        return state + [group.path for group in groups]

    def close(self):
        if os.path.isdir(self.root):
            for name in os.listdir(self.root):
                self("delete", "--force", name)
        left = self.left()
        for path in self.cgroup_dirs():
            os.rmdir(path)
        shutil.rmtree(self.dir)
        assert not left, f"containers left behind: {left}"


class Receiver:
    """Listens on a socket and takes one message with its descriptor."""

    def __init__(self, path):
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(path)
        self._socket.listen()
        self.data = b""
        self.fds = []
        self._thread = threading.Thread(target=self._receive)
        self._thread.start()

    def _receive(self):
        self._socket.settimeout(60)
        peer, _ = self._socket.accept()
        self.data, fds, _, _ = socket.recv_fds(peer, 65536, 4)
        self.fds = list(fds)
        peer.close()

    def fd(self):
        self._thread.join(60)
        assert self.fds, "no descriptor came"
        return self.fds[0]

    def close(self):
        for fd in self.fds:
            os.close(fd)
        self._socket.close()


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with open(f"/proc/{pid}/stat", encoding="utf-8") as text:
        return text.read().rsplit(")", maxsplit=1)[1].split()[0] == "Z"


def kill(pid):
    os.kill(pid, signal.SIGKILL)
