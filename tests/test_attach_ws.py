"""attach over a web socket."""

import base64
import hashlib
import os
import struct

import pytest

from harness import wait
from harness.api import Api

pytestmark = pytest.mark.gantry_only("the answers' texts, and the keys of each version, are those of newer Dockers")

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
HEADERS = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": KEY,
}  # fmt: skip
ALL = {"stream": 1, "stdin": 1, "stdout": 1, "stderr": 1}
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class WebSocket:
    def __init__(self, api, container, headers=None, expect=101, **query):
        self.wire, self.answer = api.open(
            "GET", f"/containers/{container}/attach/ws", headers=dict(HEADERS, **(headers or {})), timeout=30.0,
            **dict(ALL, **query),
        )  # fmt: skip
        assert self.answer.status == expect, self.answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wire.close()

    def send(self, data, opcode=BINARY, final=True, masked=True):
        mask = os.urandom(4)
        size = len(data)
        head = bytes([opcode | (0x80 if final else 0)])
        bit = 0x80 if masked else 0
        if size < 126:
            head += bytes([bit | size])
        elif size < 65536:
            head += bytes([bit | 126]) + struct.pack(">H", size)
        else:
            head += bytes([bit | 127]) + struct.pack(">Q", size)
        if masked:
            key = (mask * (size // 4 + 1))[:size]
            data = (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
            head += mask
        self.wire.send(head + data)

    def receive(self):
        """(opcode, payload) of the next frame."""
        first, second = self.wire.read_exactly(2)
        assert first & 0xF0 == 0x80 and second & 0x80 == 0, "a final frame without mask"
        size = second
        if size == 126:
            size = struct.unpack(">H", self.wire.read_exactly(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self.wire.read_exactly(8))[0]
        return first & 15, self.wire.read_exactly(size)

    def output(self, opcode=BINARY):
        """All output up to the closing, which is in order."""
        parts = []
        while True:
            kind, payload = self.receive()
            if kind == CLOSE:
                assert payload[:2] == struct.pack(">H", 1000), payload
                assert self.wire.read_to_end() == b""
                return b"".join(parts)
            assert kind == opcode
            parts.append(payload)

    def read_until(self, text):
        data = b""
        while text not in data:
            kind, payload = self.receive()
            assert kind == BINARY, (kind, payload)
            data += payload
        return data


def interactive(api, *command, **options):
    return api.create(*command, **dict({"OpenStdin": True, "StdinOnce": True, "AttachStdin": True}, **options))


def test_handshake(api):
    with WebSocket(api, interactive(api, "cat"), {"Sec-WebSocket-Protocol": "chat, other"}) as socket:
        answer = socket.answer
        digest = hashlib.sha1((KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        assert answer.header("Sec-WebSocket-Accept") == base64.b64encode(digest).decode()
        assert answer.header("Upgrade") == "websocket" and answer.header("Connection") == "Upgrade"
        assert answer.header("Sec-WebSocket-Protocol") == "chat"


def test_output_of_both_streams_is_raw(api):
    container = api.create("sh", "-c", "echo out; echo err >&2; seq 1 30000")
    with WebSocket(api, container) as socket:
        api.start(container)
        output = socket.output()
        assert b"out\n" in output and b"err\n" in output and output.endswith(b"\n29999\n30000\n")
        assert len(output) == len("out\nerr\n") + sum(len(str(i)) + 1 for i in range(1, 30001))


def test_input(api):
    container = interactive(api, "cat")
    data = bytes(range(256)) * 800
    with WebSocket(api, container) as socket:
        api.start(container)
        socket.send(b"one ", TEXT)
        socket.send(b"", BINARY)
        socket.send(data, BINARY, final=False)
        socket.send(b" end", 0)
        wanted = b"one " + data + b" end"
        got = b""
        while len(got) < len(wanted):
            got += socket.receive()[1]
        assert got == wanted
        socket.send(struct.pack(">H", 1000), CLOSE)
        kind, payload = socket.receive()
        assert (kind, payload) == (CLOSE, struct.pack(">H", 1000))
    # Its end is the end of the input.
    assert api.wait(container) == 0


def test_input_sent_before_the_start_and_with_the_request(api):
    container = interactive(api, "cat")
    with WebSocket(api, container) as socket:
        socket.send(b"early\n")
        api.start(container)
        socket.read_until(b"early\n")


def test_ping(api):
    container = interactive(api, "cat")
    with WebSocket(api, container) as socket:
        api.start(container)
        socket.send(b"are you there", PING)
        assert socket.receive() == (PONG, b"are you there")
        socket.send(b"", PONG)
        socket.send(b"", PING)
        assert socket.receive() == (PONG, b"")
        socket.send(b"x\n")
        socket.read_until(b"x\n")


def test_ping_without_input(api):
    container = interactive(api, "cat")
    api.start(container)
    with WebSocket(api, container, stdin=0) as socket:
        socket.send(b"p", PING)
        assert socket.receive() == (PONG, b"p")
        socket.send(b"ignored\n")
        socket.send(b"q", PING)
        assert socket.receive() == (PONG, b"q")
    assert api.logs(container) == (b"", b"")


def test_a_broken_frame_ends_it(api):
    container = interactive(api, "cat", StdinOnce=False)
    api.start(container)
    with WebSocket(api, container) as socket:
        socket.send(b"no mask", masked=False)
        assert socket.receive() == (CLOSE, struct.pack(">H", 1002))
        assert socket.wire.read_to_end() == b""
    assert api.state(container)["Running"]


def test_tty_and_detach_keys(api):
    container = interactive(api, "cat", Tty=True, StdinOnce=False)
    api.start(container)
    with WebSocket(api, container) as socket:
        socket.send(b"typed\n")
        socket.read_until(b"typed\r\ntyped\r\n")
        socket.send(b"\x10\x11")
        assert socket.output() == b""
    assert api.state(container)["Running"]


def test_streams_are_chosen(api):
    container = api.create("sh", "-c", "echo out; echo err >&2")
    with WebSocket(api, container, stdout=0) as socket:
        api.start(container)
        assert socket.output() == b"err\n"


def test_older_versions(daemon, description):
    """Streams are not chosen before 1.42; frames are text before 1.28."""
    api = Api(daemon, description, "1.41")
    container = api.create("sh", "-c", "echo out; echo err >&2")
    with WebSocket(api, container, stdout=0, stderr=0) as socket:
        api.start(container)
        assert sorted(socket.output()) == sorted(b"out\nerr\n")
    api = Api(daemon, description, "1.27")
    container = api.create("echo", "out")
    with WebSocket(api, container) as socket:
        api.start(container)
        assert socket.output(TEXT) == b"out\n"


def test_logs_then_live(api):
    container = interactive(api, "sh", "-c", "echo before; read x; echo after")
    api.start(container)
    wait.until(lambda: api.logs(container)[0] == b"before\n", "the first line")
    with WebSocket(api, container, logs=1) as socket:
        socket.send(b"\n")
        assert socket.output() == b"before\nafter\n"


def test_it_goes_on_while_the_daemon_is_away(own_daemon):
    daemon = own_daemon()
    container = interactive(daemon.api, "cat")
    with WebSocket(daemon.api, container) as socket:
        daemon.api.start(container)
        socket.send(b"one\n")
        socket.read_until(b"one\n")
        daemon.kill()
        socket.send(b"two\n")
        socket.read_until(b"two\n")
        daemon.start()
        socket.send(b"three\n")
        socket.read_until(b"three\n")


def test_a_web_socket_that_is_not_read(api):
    """What is late comes whole, in frames, and the container does not wait."""
    container = api.create("sh", "-c", "yes 0123456789 | head -c 11000000")
    with WebSocket(api, container) as socket:
        api.start(container)
        assert api.wait(container) == 0
        assert socket.output() == b"0123456789\n" * 1000000


REFUSED = [
    ({"Upgrade": "tcp"}, "not websocket protocol"),
    ({"Sec-WebSocket-Key": None}, "not websocket protocol"),
    ({"Connection": "close"}, "not websocket protocol"),
    ({"Sec-WebSocket-Version": "8"}, "missing or bad WebSocket Version"),
    ({"Sec-WebSocket-Key": "c2hvcnQ="}, "mismatch challenge/response"),
]


@pytest.mark.parametrize("headers,text", REFUSED)
def test_refused(api, headers, text):
    container = api.create("true")
    with WebSocket(api, container, headers, expect=400) as socket:
        assert text in socket.wire.read_body(socket.answer).message


def test_refused_containers(api):
    with WebSocket(api, "nosuch", expect=404) as socket:
        assert "No such container: nosuch" in socket.wire.read_body(socket.answer).message
    container = api.waiting()
    api.post(f"/containers/{container}/pause")
    with WebSocket(api, container, expect=409) as socket:
        assert "is paused" in socket.wire.read_body(socket.answer).message
    with WebSocket(api, container, detachKeys="ctrl-ä", expect=400):
        pass
    api.post(f"/containers/{container}/unpause")
