"""What no client should send: a clear 4xx, nothing half-made, and the daemon goes on."""

import json
import socket
import threading
import time

import pytest

from harness import wait, wire
from harness.image import IMAGE

GOOD = json.dumps({"Image": IMAGE, "Cmd": ["true"]}).encode()


@pytest.fixture(autouse=True)
def nothing_is_left(api):
    yield
    assert api.get("/containers/json", all=1).json() == []
    assert api.get("/_ping").body == b"OK"


def create(api, body, content_type="application/json"):
    headers = {"Content-Type": content_type} if content_type is not None else {}
    return api.call("POST", "/containers/create", body, headers=headers)


def refused(api, answer, *texts):
    """400 (20.10 often says 500) with one of the texts."""
    assert answer.status == 400 or (api.daemon.is_docker and answer.status == 500), answer
    if texts and not api.daemon.is_docker:
        assert any(text in answer.message for text in texts), answer.message
    assert answer.message


# The texts are those of 28.5 (errors_observed.tsv).
MALFORMED = {
    "truncated": (GOOD[:-5], "invalid JSON: unexpected EOF"),
    "nothing": (b"", "invalid JSON: got EOF while reading request body"),
    "two values": (GOOD + b" {}", "unexpected content after JSON"),
    "trailing garbage": (GOOD + b"x", ""),
    "not JSON": (b"hello", "invalid JSON"),
    "an array": (b"[]", ""),
    "a string": (b'"x"', ""),
    "a number": (b"5", ""),
    "single quotes": (b"{'Image':'x'}", "invalid JSON"),
    "a comment": (b"{/*x*/}", "invalid JSON"),
    "a lone surrogate": (b'{"Image":"\\ud800"}', ""),
    "a control character": (b'{"Image":"a\x01"}', ""),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, ""),
    "deep arrays": (b'{"Cmd":' + b"[" * 100000, ""),
    "deep objects": (b'{"Labels":' + b'{"a":' * 100000, ""),
    "a huge number": (b'{"Image":"busybox:test","HostConfig":{"Memory":' + b"9" * 400 + b"}}", ""),
    "a float for an integer": (b'{"Image":"busybox:test","HostConfig":{"Memory":1.5}}', ""),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_json(api, case):
    body, text = MALFORMED[case]
    answer = create(api, body)
    if api.daemon.is_docker and case in ("trailing garbage", "two values"):
        api.remove(answer.json()["Id"])
    elif answer.status != 404:  # a name that no image has is a fair answer, too
        refused(api, answer, text)


WRONG_TYPES = [
    {"Image": 5}, {"Image": ["x"]}, {"Env": "A=1"}, {"Env": [1]}, {"Env": {"A": "1"}},
    {"Cmd": 5}, {"Cmd": [5]}, {"Cmd": {"a": 1}}, {"Labels": ["a"]}, {"Labels": {"a": 1}},
    {"Tty": "yes"}, {"Tty": 1}, {"StopTimeout": "5"}, {"ExposedPorts": ["80"]},
    {"HostConfig": []}, {"HostConfig": {"Memory": "1g"}}, {"HostConfig": {"Binds": "/a:/b"}},
    {"HostConfig": {"PortBindings": []}}, {"HostConfig": {"PortBindings": {"80/tcp": {}}}},
    {"HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": 80}]}}},
    {"HostConfig": {"Privileged": "true"}}, {"HostConfig": {"Mounts": {}}},
    {"HostConfig": {"RestartPolicy": "always"}},
    {"NetworkingConfig": []}, {"NetworkingConfig": {"EndpointsConfig": []}},
]  # fmt: skip


@pytest.mark.parametrize("fields", WRONG_TYPES, ids=str)
def test_wrong_types(api, fields):
    refused(api, create(api, json.dumps(dict({"Image": IMAGE, "Cmd": ["true"]}, **fields)).encode()))


def test_what_is_tolerated(api):
    """Unknown fields, other case, duplicate keys (the last wins), nulls."""
    body = b'{"image":"nosuch","IMAGE":"busybox:test","cmd":["true"],"NoSuchField":{"a":[1]},"Env":null,"HostConfig":null}'
    answer = create(api, body)
    assert answer.status == 201, answer
    api.remove(answer.json()["Id"])


def test_content_type(api):
    answer = create(api, GOOD, "text/plain")
    assert answer.status == 400
    if not api.daemon.is_docker:
        assert answer.message == "unsupported Content-Type header (text/plain): must be 'application/json'"
    assert create(api, GOOD, "application/x-www-form-urlencoded").status == 400
    answer = create(api, GOOD, "application/json; charset=utf-8")
    assert answer.status == 201
    api.remove(answer.json()["Id"])


@pytest.mark.parametrize(
    "name",
    ["..", "../x", "..%2f..%2fetc", "%00", "a%00b", "%", "%zz", "a%20b", "\x1b[31m", "x" * 5000, "*", "sha256:", "a/../b"],
)
def test_hostile_names_in_paths(api, name):
    for method, path in (
        ("GET", "/containers/{}/json"), ("POST", "/containers/{}/start"), ("DELETE", "/containers/{}"),
        ("GET", "/images/{}/json"), ("DELETE", "/images/{}"), ("GET", "/exec/{}/json"),
    ):  # fmt: skip
        target = api.target(path.format(name))
        answer = wire.request(api.daemon.socket, method, target.replace("\x1b", "%1b"))
        assert 300 <= answer.status < 500 or api.daemon.is_docker, (method, name, answer)


# Raw requests. None: the connection is closed without an answer, or with a 400.
RAW = {
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "no version": b"GET /_ping\r\n\r\n",
    "another version": b"GET /_ping HTTP/9.9\r\n\r\n",
    "bad method": b"G@T /_ping HTTP/1.1\r\nHost: x\r\n\r\n",
    "space in header name": b"GET /_ping HTTP/1.1\r\nHost: x\r\nBad Header: x\r\n\r\n",
    "no colon": b"GET /_ping HTTP/1.1\r\nHost: x\r\nbad\r\n\r\n",
    "null byte": b"GET /_p\0ing HTTP/1.1\r\nHost: x\r\n\r\n",
    "bad length": b"POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
    "negative length": b"POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
    "length and chunked": b"POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
    "bad chunk size": b"POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "huge chunk size": b"POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("case", RAW)
def test_raw_requests(api, case):
    with wire.Wire(api.daemon.socket, timeout=15) as connection:
        connection.send(RAW[case])
        connection.close_write()
        try:
            answer = connection.read_answer()
        except (wire.Closed, ConnectionError):
            return
        assert 400 <= answer.status < 600, answer
        assert answer.status < 500 or api.daemon.is_docker or case == "another version"


def test_huge_request_line(api):
    with wire.Wire(api.daemon.socket) as connection:
        try:
            connection.send(b"GET /" + b"x" * 2_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.read_answer().status in (400, 414, 431)
        except (wire.Closed, ConnectionError):
            pass


@pytest.mark.parametrize("headers", [{"X-Big": "x" * 2_000_000}, {f"X-{i}": "y" * 100 for i in range(20000)}], ids=["one", "many"])
def test_huge_headers(api, headers):
    with wire.Wire(api.daemon.socket) as connection:
        try:
            connection.send(wire.head_of("GET", "/_ping", headers))
            assert connection.read_answer().status in (400, 431)
        except (wire.Closed, ConnectionError):
            pass


def test_huge_body(api):
    body = b'{"Image":"busybox:test","Cmd":["true"],"Labels":{"a":"' + b"x" * (64 << 20) + b'"}}'
    answer = create(api, body)
    if answer.status == 201:
        assert api.daemon.is_docker, "there should be a limit"
        api.remove(answer.json()["Id"])
    else:
        assert answer.status in (400, 413)


def test_announced_giant(api):
    with wire.Wire(api.daemon.socket) as connection:
        connection.send(
            wire.head_of("POST", "/containers/create", {"Content-Type": "application/json", "Content-Length": str(1 << 60)})
            + b'{"Image":'
        )
        connection.close_write()
        try:
            assert connection.read_answer().status >= 400
        except (wire.Closed, ConnectionError):
            pass


def test_chunked_body(api):
    with wire.Wire(api.daemon.socket) as connection:
        connection.send(wire.head_of("POST", "/containers/create", {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}))
        for i in range(0, len(GOOD), 7):
            piece = GOOD[i : i + 7]
            connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.send(b"0\r\n\r\n")
        answer = connection.read_answer()
        assert answer.status == 201
    api.remove(answer.json()["Id"])


def test_expect_continue(api):
    with wire.Wire(api.daemon.socket) as connection:
        headers = {"Content-Type": "application/json", "Content-Length": str(len(GOOD)), "Expect": "100-continue"}
        connection.send(wire.head_of("POST", "/containers/create", headers))
        time.sleep(0.1)
        connection.send(GOOD)
        answer = connection.read_answer()
        assert answer.status == 201
    api.remove(answer.json()["Id"])


@pytest.mark.gantry_only("20.10 waits for ever: reliability.md M6")
def test_slow_header_is_cut_off(api):
    with wire.Wire(api.daemon.socket, timeout=20) as connection:
        connection.send(b"GET /_ping HTTP/1.1\r\n")
        begin = time.monotonic()
        assert b"200" not in connection.read_to_end()
        assert 5 < time.monotonic() - begin < 15


@pytest.mark.gantry_only("20.10 waits for ever: reliability.md M6")
def test_one_byte_at_a_time_is_cut_off(api):
    with wire.Wire(api.daemon.socket, timeout=20) as connection:
        begin = time.monotonic()
        try:
            while time.monotonic() - begin < 18:
                connection.send(b"X" if time.monotonic() - begin > 1 else b"GET /")
                connection.socket.settimeout(0.5)
                try:
                    if connection.socket.recv(100) == b"":
                        break
                except TimeoutError:
                    pass
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert time.monotonic() - begin < 15


def test_many_idle_connections(api):
    idle = []
    for _ in range(300):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(api.daemon.socket)
        idle.append(connection)
    assert api.get("/_ping").body == b"OK"
    for connection in idle:
        connection.close()
    wait.until(lambda: api.get("/version").status == 200, "it answers")


def test_connections_that_leave_in_the_middle(api):
    for size in range(1, 120, 7):
        with wire.Wire(api.daemon.socket) as connection:
            connection.send((wire.head_of("GET", "/containers/json") + GOOD)[:size])
    for _ in range(20):
        connection, _ = api.open("GET", "/events")
        connection.close()


@pytest.mark.parametrize("query", ["filters=%7B", "filters=" + "%5B" * 50000, "all=%zz", "limit=99999999999999999999", "&&&=&=x&x"])
def test_hostile_queries(api, query):
    answer = wire.request(api.daemon.socket, "GET", f"/v{api.version}/containers/json?{query}")
    assert answer.status in (200, 400, 414, 431) or api.daemon.is_docker, answer


def test_races_for_a_name(api):
    answers = []

    def make():
        answers.append(api.create("true", name="contested", expect=(201, 409)).status)

    threads = [threading.Thread(target=make) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201] + [409] * 15
    api.remove("contested")


def test_races_on_one_container(api):
    container = api.create("/bin/probe", "wait")
    seen = []

    def hammer(seed):
        actions = ["start", "stop?t=1", "kill", "restart?t=1", "json"]
        for i in range(6):
            action = actions[(seed + i) % len(actions)]
            method = "GET" if action == "json" else "POST"
            seen.append((action, wire.request(api.daemon.socket, method, f"/containers/{container}/{action}", timeout=60).status))

    threads = [threading.Thread(target=hammer, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bad = [item for item in seen if item[1] not in (200, 204, 304, 409)]
    assert not bad or api.daemon.is_docker, bad
    api.remove(container)
