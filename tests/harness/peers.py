"""Programs of others that run containers by an OCI runtime: podman, containerd, runc."""

import os
import shutil
import subprocess
import tempfile

from . import bundle, daemon, image, wait


def missing(*programs):
    """Why a test that needs PROGRAMS cannot run; empty if it can."""
    absent = [name for name in programs if shutil.which(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else ""


def remove_groups(group):
    """Removes the parents that a program made for itself; false while there is a process in them."""
    try:
        for top in bundle.cgroup_dirs(group):
            for path, _, _ in os.walk(top, topdown=False):
                os.rmdir(path)
    except OSError:
        return False
    return True


class Peer:
    """A program in a sandbox, with a directory and a cgroup parent of its own."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="gt.peer.")
        self.cgroup = "/gt-peer-" + os.path.basename(self.dir).rsplit(".", maxsplit=1)[-1]
        self.sandbox = daemon.Sandbox()
        # What it keeps outside its roots is in the sandbox alone.
        for path in ("/dev/shm", "/run", "/var/lib/containers"):
            if os.path.isdir(path):
                self._inside("mount", "-t", "tmpfs", "tmpfs", path)

    def _inside(self, *words):
        subprocess.run([*self.sandbox.prefix(), *words], check=True)

    def words(self):
        """The program and the flags that every call has."""
        raise NotImplementedError

    def __call__(self, *arguments, timeout=120, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(
            [*self.sandbox.prefix(), *self.words(), *map(str, arguments)],
            capture_output=True, text=True, timeout=timeout, check=False, **options,
        )  # fmt: skip

    def ok(self, *arguments, **options):
        result = self(*arguments, **options)
        assert result.returncode == 0, (arguments, result)
        return result.stdout

    def close(self):
        self.sandbox.close()
        # What watched over a container may end a little later than `rm` does.
        wait.until(lambda: remove_groups(self.cgroup), f"nothing is left in {self.cgroup}")
        shutil.rmtree(self.dir)


class Podman(Peer):
    """podman with gantry-runtime."""

    def __init__(self, runtime):
        super().__init__()
        self.runtime = runtime
        archive = os.path.join(self.dir, "busybox.tar")
        with open(archive, "wb") as file:
            file.write(image.busybox_archive())
        self.ok("load", "-i", archive)

    def words(self):
        return [
            "podman", "--root", f"{self.dir}/root", "--runroot", f"{self.dir}/run",
            "--tmpdir", f"{self.dir}/tmp", "--cgroup-manager", "cgroupfs",
            "--events-backend", "file", "--storage-driver", "vfs", "--runtime", self.runtime,
        ]  # fmt: skip

    def run(self, *arguments, **options):
        """`podman run` as far as this machine lets any runtime: who has no CAP_SYS_RESOURCE cannot
        raise limits to podman's defaults."""
        flags = ["--network", "none", "--cgroup-parent", self.cgroup]
        flags += ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]
        return self("run", *flags, *arguments, **options)

    def close(self):
        self("rm", "--all", "--force", "--time", "0")
        super().close()


class Containerd(Peer):
    """containerd, spoken to by ctr."""

    def __init__(self, runtime):
        super().__init__()
        self.runtime = runtime
        self.socket = f"{self.dir}/s"
        config = f"{self.dir}/config.toml"
        with open(config, "w", encoding="utf-8") as file:
            file.write(
                f'version = 2\nroot = "{self.dir}/root"\nstate = "{self.dir}/state"\n'
                'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]\n'
                f'[grpc]\naddress = "{self.socket}"\n[ttrpc]\naddress = "{self.dir}/t"\n'
            )
        self.log = open(f"{self.dir}/log", "wb")  # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            [*self.sandbox.prefix(), "containerd", "--config", config],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
        )  # fmt: skip
        wait.until(lambda: self("version").returncode == 0, "containerd answers", 60)
        archive = os.path.join(self.dir, "busybox.tar")
        with open(archive, "wb") as file:
            file.write(image.busybox_archive())
        self.ok("images", "import", "--no-unpack", archive)

    def words(self):
        return ["ctr", "--address", self.socket]

    def run(self, name, *command, flags=(), **options):
        return self(
            "run", "--snapshotter", "native", "--runc-binary", self.runtime,
            "--runc-root", f"{self.dir}/runtime", "--cgroup", f"{self.cgroup}/{name}", *flags,
            f"docker.io/library/{image.IMAGE}", name, *command, **options,
        )  # fmt: skip

    def close(self):
        for name in self("tasks", "ls", "-q").stdout.split():
            self("tasks", "rm", "--force", name)
        self.process.terminate()
        self.process.wait(60)
        self.log.close()
        super().close()


class Dockerd(Peer):
    """dockerd with gantry-runtime added as "gantry", spoken to by the stock client. `calls` are the
    runtime's command lines."""

    def __init__(self, runtime, settings=None):
        super().__init__()
        script = f"{self.dir}/runtime"
        with open(script, "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\necho "$@" >> {self.dir}/calls\nexec {runtime} "$@"\n')
        os.chmod(script, 0o755)
        self.daemon = daemon.DockerDaemon(
            settings={"runtimes": {"gantry": {"path": script}}, **(settings or {})},
            flags=["--cgroup-parent", self.cgroup],
        )
        self.daemon.start(seconds=60)
        self.ok("load", input=image.busybox_archive(), text=False)

    def words(self):
        return ["docker", "--host", self.daemon.url]

    def __call__(self, *arguments, **options):
        options.setdefault("text", True)
        if options.get("input") is None:
            options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(
            [*self.words(), *map(str, arguments)], capture_output=True, timeout=120, check=False, **options
        )

    def calls(self):
        with open(f"{self.dir}/calls", encoding="utf-8") as text:
            return text.read()

    def close(self):
        self.daemon.close()
        super().close()
