"""/_ping, /version, versions of the API and the headers of every answer (behaviours A1-A5)."""

import pytest

from harness import wire


def ping(daemon, target="/_ping", method="GET"):
    return wire.request(daemon.socket, method, target)


@pytest.mark.parametrize("target", ["/_ping", "/v1.41/_ping"])
def test_ping(daemon, target):
    answer = ping(daemon, target)
    assert (answer.status, answer.body) == (200, b"OK")
    assert answer.header("Content-Type").startswith("text/plain")
    assert answer.header("Cache-Control") == "no-cache, no-store, must-revalidate"
    assert answer.header("Pragma") == "no-cache"
    if not daemon.is_docker:
        assert answer.header("Builder-Version") is not None
        assert answer.header("Swarm") == "inactive"


def test_ping_head(daemon):
    answer = ping(daemon, method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.header("Content-Length") == "0"
    assert answer.header("Api-Version") == daemon.max_api


@pytest.mark.parametrize("target", ["/_ping", "/version", "/nosuch", "/containers/nosuch/json"])
def test_every_answer_has_the_headers(daemon, target):
    if daemon.is_docker and target == "/nosuch":
        pytest.skip("20.10 leaves them out where no route matches")
    answer = ping(daemon, target)
    assert answer.header("Api-Version") == daemon.max_api
    assert answer.header("Docker-Experimental") in ("true", "false")
    assert answer.header("Ostype") == "linux"
    assert answer.header("Server").startswith("Docker/")
    assert answer.header("Server").endswith(" (linux)")


def test_version(api):
    version = api.get("/version").json()
    for key in ("Version", "ApiVersion", "Os", "Arch", "KernelVersion", "MinAPIVersion"):
        assert isinstance(version[key], str) and version[key], key
    assert version["ApiVersion"] == api.version
    engine = next(c for c in version["Components"] if c["Name"] == "Engine")
    assert all(isinstance(value, str) for value in engine["Details"].values())
    assert engine["Details"]["ApiVersion"] == version["ApiVersion"]


def test_too_new(daemon):
    answer = ping(daemon, "/v1.99/info")
    assert answer.status == 400
    assert answer.message == (
        "client version 1.99 is too new. "
        f"Maximum supported API version is {daemon.max_api}"
    )


def test_too_old(daemon):
    answer = ping(daemon, "/v1.2/info")
    assert answer.status == 400
    least = ping(daemon, "/version").json()["MinAPIVersion"]
    assert answer.message == (
        f"client version 1.2 is too old. Minimum supported API version is {least}, "
        "please upgrade your client to a newer version"
    )


@pytest.mark.gantry_only("20.10 starts at 1.12")
def test_oldest_version_is_1_24(daemon):
    assert ping(daemon, "/version").json()["MinAPIVersion"] == "1.24"
    assert ping(daemon, "/v1.24/_ping").status == 200
    assert ping(daemon, "/v1.23/_ping").status == 400


@pytest.mark.parametrize("version", ["v1", "v1.", "v.41", "vx.y", "v1.41.2", "v1.-4", "v1.4x"])
def test_hostile_versions(daemon, version):
    assert ping(daemon, f"/{version}/info").status in (400, 404)


@pytest.mark.parametrize(
    "method,target",
    [("GET", "/nosuch"), ("POST", "/containers/json"), ("DELETE", "/info"), ("GET", "/")],
)
def test_unknown_route_is_404(daemon, method, target):
    answer = ping(daemon, target, method)
    assert (answer.status, answer.message) == (404, "page not found")


def test_keep_alive(daemon):
    with wire.Wire(daemon.socket) as connection:
        for _ in range(3):
            connection.send(wire.head_of("GET", "/_ping"))
            assert connection.read_answer().body == b"OK"


def test_pipelined_requests(daemon):
    with wire.Wire(daemon.socket) as connection:
        connection.send(wire.head_of("GET", "/_ping") + wire.head_of("GET", "/version"))
        assert connection.read_answer().body == b"OK"
        assert connection.read_answer().json()["Os"] == "linux"


def test_connection_close(daemon):
    with wire.Wire(daemon.socket) as connection:
        connection.send(wire.head_of("GET", "/_ping", {"Connection": "close"}))
        assert connection.read_answer().body == b"OK"
        assert connection.read_some() == b""


def test_http_1_0(daemon):
    with wire.Wire(daemon.socket) as connection:
        connection.send(b"GET /_ping HTTP/1.0\r\n\r\n")
        assert connection.read_answer().status == 200
        assert connection.read_some() == b""
