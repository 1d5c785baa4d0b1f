"""The Engine API as the tests speak it; every JSON answer is checked against the description."""

import json
import urllib.parse

from . import wire
from .image import IMAGE


class Unexpected(AssertionError):
    """An answer that the test did not ask for."""


class Hijacked:
    """An attached connection after the answer's head."""

    def __init__(self, connection, answer):
        self.wire = connection
        self.answer = answer

    def send(self, data):
        self.wire.send(data)

    def close_write(self):
        self.wire.close_write()

    def read_until(self, text):
        """Raw bytes up to and with TEXT."""
        data = b""
        while text not in data:
            some = self.wire.read_some()
            assert some, f"the stream ended without {text!r}: {data!r}"
            data += some
        return data

    def frames(self):
        return self.wire.read_frames()

    def rest(self):
        return self.wire.read_to_end()

    def close(self):
        self.wire.close()


class Api:
    def __init__(self, daemon, description, version=None):
        self.daemon = daemon
        self.description = description
        self.version = version or daemon.max_api

    def target(self, path, query=None):
        """/vX.Y/path?query; a dict in the query becomes JSON."""
        pairs = []
        for name, value in (query or {}).items():
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict):
                    item = json.dumps(item)
                if isinstance(item, bool):
                    item = int(item)
                pairs.append((name, str(item)))
        text = f"/v{self.version}{path}" if self.version != "none" else path
        return text + ("?" + urllib.parse.urlencode(pairs) if pairs else "")

    def call(self, method, path, body=None, expect=None, headers=None, timeout=60.0, **query):
        """One request. EXPECT is a status or several; anything else is a failure of the test."""
        target = self.target(path, query)
        answer = wire.request(self.daemon.socket, method, target, body, headers, timeout)
        self.check(method, target, answer)
        wanted = (expect,) if isinstance(expect, int) else expect
        if wanted is not None and answer.status not in wanted:
            raise Unexpected(f"{method} {target}: wanted {expect}, got {answer!r}")
        return answer

    def check(self, method, target, answer):
        problems = self.description.problems(method, target, answer)
        if problems and not self.daemon.is_docker:
            raise AssertionError(f"{method} {target} is not as described: {problems[:10]}")

    def get(self, path, expect=200, **query):
        return self.call("GET", path, expect=expect, **query)

    def post(self, path, body=None, expect=(200, 201, 204), **query):
        return self.call("POST", path, body, expect=expect, **query)

    def delete(self, path, expect=(200, 204), **query):
        return self.call("DELETE", path, expect=expect, **query)

    def open(self, method, path, body=None, headers=None, timeout=30.0, **query):
        """Sends a request and returns (Wire, Answer) with the body still to be read."""
        connection = wire.Wire(self.daemon.socket, timeout)
        headers = dict(headers or {})
        data = b""
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        if method == "POST":
            headers["Content-Length"] = str(len(data))
        connection.send(wire.head_of(method, self.target(path, query), headers) + data)
        return connection, connection.read_head()

    def hijack(self, path, body=None, upgrade=True, expect=None, timeout=30.0, **query):
        headers = {"Connection": "Upgrade", "Upgrade": "tcp"} if upgrade else {}
        connection, answer = self.open("POST", path, body, headers, timeout, **query)
        wanted = expect or (101 if upgrade else 200)
        if answer.status >= 400:
            connection.read_body(answer)
        if answer.status != wanted:
            connection.close()
            raise Unexpected(f"POST {path}: wanted {wanted}, got {answer!r}")
        return Hijacked(connection, answer)

    # Containers

    def create(self, *command, name=None, image=IMAGE, host=None, expect=201, **config):
        """Creates a container and returns its id; with another EXPECT, the answer."""
        body = dict({"Image": image}, **config)
        if command:
            body["Cmd"] = list(command)
        if host:
            body["HostConfig"] = host
        query = {"name": name} if name else {}
        answer = self.call("POST", "/containers/create", body, expect=expect, **query)
        return answer.json()["Id"] if expect == 201 else answer

    def start(self, container, expect=204):
        return self.post(f"/containers/{container}/start", expect=expect)

    def started(self, *command, **options):
        container = self.create(*command, **options)
        self.start(container)
        return container

    def waiting(self, **options):
        """A started container that stops at once when told to."""
        return self.started("/bin/probe", "wait", **options)

    def wait(self, container, **query):
        return self.post(f"/containers/{container}/wait", **query).json()["StatusCode"]

    def inspect(self, container):
        return self.get(f"/containers/{container}/json").json()

    def state(self, container):
        return self.inspect(container)["State"]

    def logs(self, container, **query):
        """(stdout, stderr) of a container without tty."""
        query = {"stdout": 1, "stderr": 1, **query}
        streams = wire.split_frames(self.get(f"/containers/{container}/logs", **query).body)
        return streams[1], streams[2]

    def output(self, *command, **options):
        """Runs a container to its end: (exit code, stdout, stderr)."""
        container = self.create(*command, **options)
        self.start(container)
        code = self.wait(container)
        out, err = self.logs(container)
        self.remove(container)
        return code, out.decode(), err.decode()

    def shell(self, script, **options):
        """Stdout of a shell script in a container; it must succeed."""
        code, out, err = self.output("/bin/sh", "-c", script, **options)
        assert code == 0, f"exit code {code}: {out}{err}"
        return out

    def remove(self, container, expect=204):
        return self.delete(f"/containers/{container}", expect=expect, force=1)

    def exec(self, container, *command, expect=101, **options):
        """Runs a command in a container: (exit code, stdout, stderr)."""
        body = {"AttachStdout": True, "AttachStderr": True, "Cmd": list(command), **options}
        number = self.post(f"/containers/{container}/exec", body, expect=201).json()["Id"]
        stream = self.hijack(f"/exec/{number}/start", {"Detach": False}, expect=expect)
        streams = stream.frames()
        stream.close()
        state = self.get(f"/exec/{number}/json").json()
        return state["ExitCode"], streams[1].decode(), streams[2].decode()

    # Images

    def load(self, archive, expect=200):
        answer = self.call(
            "POST", "/images/load", bytes(archive), expect=expect,
            headers={"Content-Type": "application/x-tar"}, timeout=120,
        )  # fmt: skip
        return answer

    def load_ok(self, archive):
        """Loads an image and fails if the stream carries an error."""
        answer = self.load(archive)
        errors = [line["error"] for line in answer.json_lines() if "error" in line]
        assert not errors, errors
        return answer
