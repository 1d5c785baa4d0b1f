"""A small HTTP/1.1 client for unix sockets that hides nothing.

Raw bytes go out, and what comes back is kept as it was sent, so that a test can send what no library
would and see what no library shows.
"""

import json
import socket
import struct


class Closed(Exception):
    """The daemon closed the connection before the answer was whole."""


class Answer:
    def __init__(self, status, reason, headers):
        self.status = status
        self.reason = reason
        self.headers = headers  # as sent: a list of (name, value)
        self.body = b""

    def header(self, name, default=None):
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return default

    def json(self):
        return json.loads(self.body)

    def json_lines(self):
        """The objects of a stream such as a load's progress or the events."""
        return list(json_values(self.body))

    @property
    def message(self):
        """The text of an error answer."""
        try:
            return self.json()["message"]
        except (ValueError, KeyError, TypeError):
            return self.body.decode(errors="replace").strip()

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.body[:400]!r}>"


def json_values(data):
    """Every JSON value of a concatenation of them."""
    decoder = json.JSONDecoder()
    text = data.decode()
    at = 0
    while True:
        while at < len(text) and text[at] in " \t\r\n":
            at += 1
        if at == len(text):
            return
        value, at = decoder.raw_decode(text, at)
        yield value


class Wire:
    """One connection."""

    def __init__(self, path, timeout=30.0):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def close_write(self):
        self.socket.shutdown(socket.SHUT_WR)

    def read_some(self):
        """Bytes as they come; b"" at the end of the stream."""
        if self.buffer:
            data, self.buffer = self.buffer, b""
            return data
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b""

    def read_exactly(self, count):
        while len(self.buffer) < count:
            data = self.socket.recv(65536)
            if not data:
                raise Closed(f"wanted {count} bytes, got {self.buffer[:200]!r}")
            self.buffer += data
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def read_line(self):
        while b"\n" not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                raise Closed(f"no line end, got {self.buffer[:200]!r}")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r")

    def read_to_end(self):
        parts = []
        while data := self.read_some():
            parts.append(data)
        return b"".join(parts)

    def read_head(self):
        """Status line and headers; 1xx other than 101 are skipped."""
        while True:
            version, status, reason = (self.read_line().decode() + "  ").split(" ", 2)
            assert version.startswith("HTTP/1."), version
            headers = []
            while line := self.read_line():
                name, _, value = line.decode("latin-1").partition(":")
                headers.append((name, value.strip()))
            if status == "101" or not status.startswith("1"):
                return Answer(int(status), reason.strip(), headers)

    def read_chunks(self):
        """The chunks of a chunked body, each as it arrives."""
        while True:
            size = int(self.read_line().split(b";")[0], 16)
            if size == 0:
                while self.read_line():
                    pass
                return
            yield self.read_exactly(size)
            assert self.read_exactly(2) == b"\r\n"

    def read_body(self, answer, method="GET"):
        if method == "HEAD" or answer.status in (101, 204, 304):
            return answer
        if (answer.header("Transfer-Encoding") or "").lower() == "chunked":
            answer.body = b"".join(self.read_chunks())
        elif answer.header("Content-Length") is not None:
            answer.body = self.read_exactly(int(answer.header("Content-Length")))
        else:
            answer.body = self.read_to_end()
        return answer

    def read_answer(self, method="GET"):
        return self.read_body(self.read_head(), method)

    def read_frames(self):
        """The rest of a multiplexed stream: ({stream: bytes}); the frame headers are checked."""
        streams = {1: b"", 2: b""}
        while True:
            try:
                head = self.read_exactly(8)
            except Closed:
                assert not self.buffer, f"half a frame header: {self.buffer!r}"
                return streams
            stream, zeros, size = head[0], head[1:4], struct.unpack(">I", head[4:])[0]
            assert stream in streams and zeros == b"\0\0\0", f"not a frame header: {head!r}"
            streams[stream] += self.read_exactly(size)


def split_frames(data):
    """{stream: bytes} of a complete multiplexed body."""
    streams = {1: bytearray(), 2: bytearray()}
    at = 0
    while at < len(data):
        assert data[at] in streams and data[at + 1 : at + 4] == b"\0\0\0", data[at : at + 16]
        size = struct.unpack(">I", data[at + 4 : at + 8])[0]
        streams[data[at]] += data[at + 8 : at + 8 + size]
        assert at + 8 + size <= len(data), "the last frame is cut off"
        at += 8 + size
    return {stream: bytes(text) for stream, text in streams.items()}


def head_of(method, target, headers=None):
    """The bytes of a request's head. A header given as None is left out."""
    lines = {"Host": "docker", "User-Agent": "gantry-tests"}
    lines.update(headers or {})
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
    return f"{method} {target} HTTP/1.1\r\n{text}\r\n".encode("latin-1")


def request(path, method, target, body=None, headers=None, timeout=30.0):
    """One request on a connection of its own. BODY may be bytes or something for JSON."""
    headers = dict(headers or {})
    if body is not None and not isinstance(body, (bytes, bytearray)):
        body = json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
    if body is not None:
        headers.setdefault("Content-Length", str(len(body)))
    elif method in ("POST", "PUT"):
        headers.setdefault("Content-Length", "0")
    with Wire(path, timeout) as wire:
        wire.send(head_of(method, target, headers))
        if body:
            try:
                wire.send(body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before the whole body was read: the answer says why
        return wire.read_answer(method)
