"""Runs a command line client, plainly or on a terminal."""

import fcntl
import os
import pty
import select
import shutil
import struct
import subprocess
import termios
import time

from . import daemon as daemons


class Finished:
    def __init__(self, code, out, err, command):
        self.code = code
        self.out = out
        self.err = err
        self.command = command

    def __repr__(self):
        return f"<{self.command}: exit {self.code}\nstdout: {self.out}\nstderr: {self.err}>"


class Cli:
    """`docker` or `gantry`, talking to one daemon, with a home directory of its own."""

    def __init__(self, name, daemon):
        self.name = name
        self.daemon = daemon
        self.home = os.path.join(daemon.root, "home")
        os.makedirs(self.home, exist_ok=True)
        if name == "gantry":
            self.program = os.path.join(daemons.BIN, "gantry")
        else:
            self.program = os.environ.get("GANTRY_TEST_DOCKER_CLI", shutil.which("docker"))

    is_gantry = property(lambda self: self.name == "gantry")

    def missing(self):
        """Why this client cannot be used, or None."""
        if self.program is None or not os.access(self.program, os.X_OK):
            return f"there is no {self.name} client ({self.program})"
        return None

    def environment(self):
        return {
            "PATH": os.environ["PATH"],
            "HOME": self.home,
            "TERM": "xterm",
            "DOCKER_HOST": self.daemon.url,
            "DOCKER_CONFIG": os.path.join(self.home, "config"),
            "DOCKER_CLI_HINTS": "false",
        }

    def spawn(self, *arguments, **options):
        options.setdefault("stdin", subprocess.PIPE)
        options.setdefault("env", self.environment())
        options.setdefault("text", True)
        return subprocess.Popen(
            [self.program, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
        )  # fmt: skip

    def __call__(self, *arguments, stdin="", code=None, timeout=60, environment=None):
        """Runs to the end. With CODE, any other exit code fails the test."""
        env = dict(self.environment(), **(environment or {}))
        process = self.spawn(*arguments, env=env)
        try:
            out, err = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"no end after {timeout} s: {arguments}: {out!r} {err!r}") from None
        result = Finished(process.returncode, out, err, " ".join([self.name, *arguments]))
        assert code is None or result.code == code, f"wanted exit {code}: {result!r}"
        return result

    def out(self, *arguments, **options):
        """The stdout of a command that must succeed, without the last newline."""
        return self(*arguments, code=0, **options).out.rstrip("\n")

    def terminal(self, *arguments, rows=24, columns=80):
        return Terminal([self.program, *arguments], self.environment(), rows, columns)


class Terminal:
    """A client on a pty of its own, as its session's controlling terminal."""

    def __init__(self, command, environment, rows, columns):
        self.fd, slave = pty.openpty()
        self.resize(rows, columns)
        self.seen = ""

        def become_session_leader():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment,
            preexec_fn=become_session_leader,
        )  # fmt: skip
        os.close(slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.fd)

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.fd, text.encode())

    def _read(self, seconds):
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return None
        try:
            return os.read(self.fd, 65536)
        except OSError:  # EIO: nobody has the other end open any more
            return b""

    def expect(self, text, seconds=20):
        """Reads until TEXT was printed; returns what came up to there and forgets it."""
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            data = self._read(max(0, deadline - time.monotonic()))
            if not data:
                why = "ended" if data == b"" else f"said no more in {seconds} s"
                raise AssertionError(f"the terminal {why} without {text!r}: {self.seen!r}")
            self.seen += data.decode(errors="replace")
        before, _, self.seen = self.seen.partition(text)
        return before + text

    def finish(self, seconds=20):
        """Reads to the end; (exit code, the rest of the output)."""
        deadline = time.monotonic() + seconds
        while data := self._read(max(0, deadline - time.monotonic())):
            self.seen += data.decode(errors="replace")
        return self.process.wait(max(1, deadline - time.monotonic())), self.seen
