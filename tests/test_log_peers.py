"""Log drivers with a peer: what journald and syslog get, and peers that are slow or away."""

import os
import re
import socket
import subprocess
import sys
import threading

import pytest

from harness import wait
from harness.logs import ended, files, log_config

pytestmark = pytest.mark.gantry_only("the files and texts are those of newer Dockers, or our own")


class Listener:
    """A socket in the daemon's namespaces, made there by a process that sends it to us."""

    SCRIPT = """
import socket, sys, os, array
kind, address = sys.argv[1], sys.argv[2]
os.umask(0)
if kind in ("unixgram", "unix"):
    os.makedirs(os.path.dirname(address), exist_ok=True)
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM if kind == "unixgram" else socket.SOCK_STREAM)
    s.bind(address)
else:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    host, port = address.split(":")
    s.bind((host, int(port)))
if kind in ("unix", "tcp"):
    s.listen(8)
out = socket.socket(fileno=int(sys.argv[3]))
socket.send_fds(out, [b"x"], [s.fileno()])
"""

    def __init__(self, daemon, kind, address):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            subprocess.run(
                daemon.sandbox.prefix()
                + [sys.executable, "-c", self.SCRIPT, kind, address, str(theirs.fileno())],
                check=True, pass_fds=[theirs.fileno()], timeout=30,
            )  # fmt: skip
            fd = socket.recv_fds(ours, 1, 1)[1][0]
        self.socket = socket.socket(fileno=fd)
        self.socket.settimeout(20)

    def message(self):
        return self.socket.recv(1 << 20)

    def connection(self):
        peer, _ = self.socket.accept()
        peer.settimeout(20)
        return peer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def fields(message):
    """journald's native protocol."""
    found = {}
    while message:
        line, _, message = message.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            size = int.from_bytes(message[:8], "little")
            value, message = message[8 : 8 + size], message[9 + size :]
        found[name.decode()] = value.decode()
    return found


@pytest.fixture
def sandboxed(own_daemon):
    """A daemon whose /run and /dev are its own, as far as the sockets need it."""
    daemon = own_daemon()
    for path in ("/run", "/dev"):
        subprocess.run(daemon.sandbox.prefix() + ["test", "-d", path], check=True)
    return daemon


def own_directory(daemon, path):
    """Covers PATH by an empty directory, for the daemon alone."""
    subprocess.run(daemon.sandbox.prefix() + ["mkdir", "-p", path], check=True)
    subprocess.run(daemon.sandbox.prefix() + ["mount", "-t", "tmpfs", "own", path], check=True)


def test_journald(sandboxed):
    own_directory(sandboxed, "/run/systemd")
    api = sandboxed.api
    with Listener(sandboxed, "unixgram", "/run/systemd/journal/socket") as journal:
        host = log_config("journald", tag="T-{{.Name}}", labels="some.label", env="_X")
        container = api.create(
            "sh", "-c", "echo out; echo err >&2", name="jd", host=host, Labels={"some.label": "two\nlines"},
            Env=["_X=y"],
        )  # fmt: skip
        api.start(container)
        first, second = sorted((fields(journal.message()) for _ in range(2)), key=lambda f: f["PRIORITY"])
        assert (first["MESSAGE"], first["PRIORITY"]) == ("err", "3")
        assert (second["MESSAGE"], second["PRIORITY"]) == ("out", "6")
        assert second["CONTAINER_ID"] == container[:12] and second["CONTAINER_ID_FULL"] == container
        assert second["CONTAINER_NAME"] == "jd" and second["IMAGE_NAME"] == "busybox:test"
        assert second["CONTAINER_TAG"] == second["SYSLOG_IDENTIFIER"] == "T-jd"
        assert second["SOME_LABEL"] == "two\nlines" and second["X"] == "y"
        assert {first["CONTAINER_LOG_ORDINAL"], second["CONTAINER_LOG_ORDINAL"]} == {"1", "2"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", second["SYSLOG_TIMESTAMP"])
        api.wait(container)
        # From the cache.
        assert api.logs(container) == (b"out\n", b"err\n")
        assert "container-cached.log" in files(api, container)


def test_journald_partial_messages(sandboxed):
    own_directory(sandboxed, "/run/systemd")
    api = sandboxed.api
    with Listener(sandboxed, "unixgram", "/run/systemd/journal/socket") as journal:
        container = api.started("/bin/probe", "lines", "1", "40000", host=log_config("journald"))
        parts = [fields(journal.message()) for _ in range(3)]
        assert [len(part["MESSAGE"]) for part in parts] == [16384, 16384, 40000 - 32768]
        assert [part["CONTAINER_PARTIAL_ORDINAL"] for part in parts] == ["1", "2", "3"]
        assert [part["CONTAINER_PARTIAL_LAST"] for part in parts] == ["false", "false", "true"]
        assert len({part["CONTAINER_PARTIAL_ID"] for part in parts}) == 1
        assert "CONTAINER_PARTIAL_MESSAGE" not in parts[2]
        api.wait(container)
        assert len(api.logs(container)[0]) == 40001


def test_journald_is_not_there(sandboxed):
    own_directory(sandboxed, "/run/systemd")
    api = sandboxed.api
    container = api.create("true", host=log_config("journald"))
    answer = api.start(container, expect=500)
    assert "failed to initialize logging driver: journald is not enabled on this host" in answer.message
    assert api.state(container)["Status"] == "created"


SYSLOG = {
    "": rb"<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d TAG\[\d+\]: hello\n",
    "rfc3164": rb"<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ TAG\[\d+\]: hello\n",
    "rfc5424": rb"<(\d+)>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \S+ TAG \d+ TAG - hello\n",
    "rfc5424micro": rb"<(\d+)>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \S+ TAG \d+ TAG - hello\n",
}


@pytest.mark.parametrize("style", SYSLOG)
def test_syslog_formats(api, style):
    with Listener(api.daemon, "udp", "127.0.0.1:5514") as server:
        host = log_config(
            "syslog", syslog_address="udp://127.0.0.1:5514", syslog_facility="local3", tag="TAG",
            **({"syslog_format": style} if style else {}),
        )  # fmt: skip
        container = ended(api, "echo hello", host=host)
        match = re.fullmatch(SYSLOG[style], server.message())
        assert match and int(match[1]) == 19 * 8 + 6
        assert api.logs(container)[0] == b"hello\n"
        ended(api, "echo hello >&2", host=host)
        assert re.fullmatch(SYSLOG[style], server.message())[1] == b"%d" % (19 * 8 + 3)


def test_syslog_default_tag_and_facility(api):
    with Listener(api.daemon, "udp", "127.0.0.1:514") as server:
        container = ended(api, "echo x", host=log_config("syslog", syslog_address="udp://127.0.0.1"))
        message = server.message()
        assert message.startswith(b"<30>") and f" {container[:12]}[".encode() in message


@pytest.mark.parametrize("kind", ["unix", "unixgram"])
def test_syslog_on_unix_sockets(api, kind):
    path = os.path.join(api.daemon.root, "log-" + kind)
    with Listener(api.daemon, kind, path) as server:
        ended(api, "echo x", host=log_config("syslog", syslog_address=f"{kind}://{path}", tag="t"))
        if kind == "unixgram":
            assert server.message().endswith(b"]: x\n")
        else:
            with server.connection() as peer:
                assert peer.recv(1000).endswith(b"]: x\n")
    os.unlink(path)


def test_syslog_dev_log_datagrams_by_unix_scheme(api):
    path = os.path.join(api.daemon.root, "devlog")
    with Listener(api.daemon, "unixgram", path) as server:
        ended(api, "echo x", host=log_config("syslog", syslog_address=f"unix://{path}"))
        assert server.message().endswith(b"]: x\n")
    os.unlink(path)


def test_syslog_tcp_and_reconnect(api):
    with Listener(api.daemon, "tcp", "127.0.0.1:5515") as server:
        host = dict(log_config("syslog", syslog_address="tcp://127.0.0.1:5515", tag="t"), Tmpfs={"/t": ""})
        script = "mkfifo /t/f; echo one; read x < /t/f; echo two; sleep 100"
        container = api.started("sh", "-c", script, host=host)
        with server.connection() as peer:
            assert peer.recv(1000).endswith(b"]: one\n")
        # The connection is closed; the next message comes over another one.
        with open(f"/proc/{api.state(container)['Pid']}/root/t/f", "w", encoding="utf-8") as fifo:
            fifo.write("go\n")
        with server.connection() as peer:
            assert peer.recv(1000).endswith(b"]: two\n")


def test_syslog_goes_on_while_the_daemon_is_away(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    with Listener(daemon, "udp", "127.0.0.1:5516") as server:
        host = dict(log_config("syslog", syslog_address="udp://127.0.0.1:5516"), Tmpfs={"/t": ""})
        script = "mkfifo /t/f; echo one; read x < /t/f; echo two; sleep 100"
        container = api.started("sh", "-c", script, host=host)
        assert server.message().endswith(b"one\n")
        pid = api.state(container)["Pid"]
        daemon.kill()
        with open(f"/proc/{pid}/root/t/f", "w", encoding="utf-8") as fifo:
            fifo.write("go\n")
        assert server.message().endswith(b"two\n")
        daemon.start()
        assert api.logs(container)[0] == b"one\ntwo\n"


def test_syslog_nobody_listens(api):
    container = api.create("true", host=log_config("syslog", syslog_address="tcp://127.0.0.1:5517"))
    answer = api.start(container, expect=500)
    assert "failed to initialize logging driver: dial tcp 127.0.0.1:5517" in answer.message
    assert "onnection refused" in answer.message


def read_all(peer, into):
    while data := peer.recv(1 << 16):
        into.append(data)


def test_a_slow_peer_holds_the_container_up(api):
    with Listener(api.daemon, "tcp", "127.0.0.1:5518") as server:
        host = dict(log_config("syslog", syslog_address="tcp://127.0.0.1:5518", tag="t"), Tmpfs={"/t": ""})
        container = api.started("sh", "-c", "yes 0123456789 | head -c 8000000; echo > /t/done", host=host)
        pid = api.state(container)["Pid"]
        with server.connection() as peer:
            size = [-1]

            def stalled():
                now = os.stat(f"{api.daemon.data_root}/containers/{container}/container-cached.log").st_size
                still, size[0] = now == size[0], now
                return still

            wait.until(stalled, "the output stops", pause=0.5)
            assert not os.path.exists(f"/proc/{pid}/root/t/done")
            assert api.exec(container, "echo", "alive")[1] == "alive\n"
            got = []
            reader = threading.Thread(target=read_all, args=(peer, got))
            reader.start()
            assert api.wait(container) == 0
            reader.join(30)
            assert b"".join(got).count(b"]: 0123456789\n") == 8000000 // 11


def test_a_slow_peer_does_not_hold_a_non_blocking_container_up(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    with Listener(daemon, "tcp", "127.0.0.1:5519") as server:
        host = log_config(
            "syslog", syslog_address="tcp://127.0.0.1:5519", mode="non-blocking", max_buffer_size="100k",
            cache_max_size="1m", cache_max_file="2",
        )  # fmt: skip
        container = api.started("sh", "-c", "yes 0123456789 | head -c 20000000", host=host)
        with server.connection():
            assert api.wait(container) == 0
            wait.until(lambda: "was not logged" in daemon.tail(1000), "a warning about what was dropped")
        directory = f"{api.daemon.data_root}/containers/{container}"
        kept = [name for name in files(api, container) if name.startswith("container-cached.log")]
        assert len(kept) == 2 and all(os.stat(f"{directory}/{name}").st_size < 1100000 for name in kept)
        assert api.logs(container, tail=5)[0].startswith(b"0123456789\n0123456789\n")


def test_without_the_cache_there_is_nothing_to_read(api):
    with Listener(api.daemon, "udp", "127.0.0.1:5520") as server:
        host = log_config("syslog", syslog_address="udp://127.0.0.1:5520", cache_disabled="true")
        container = ended(api, "echo x", host=host)
        assert server.message().endswith(b": x\n")
        answer = api.get(f"/containers/{container}/logs", stdout=1, expect=501)
        assert answer.message == "configured logging driver does not support reading"
        assert files(api, container) == []
