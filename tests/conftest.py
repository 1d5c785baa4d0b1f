"""Fixtures of the black-box suite. docs/testing.md says how to run it and against what."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
# pylint: disable=wrong-import-position
from harness import api as apis
from harness import cli as clis
from harness import daemon as daemons
from harness import image, leaks, schema, wire

MAX_SKIPS = int(os.environ.get("GANTRY_MAX_SKIPS", "20"))
DOCKER = os.environ.get("GANTRY_TEST_DOCKER", "")


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "gantry_only(reason): is not so, or cannot be, on the dockerd compared with"
    )
    config.addinivalue_line("markers", "soak: takes long; runs only with GANTRY_SOAK=1")


def pytest_collection_modifyitems(items):
    for item in items:
        marker = item.get_closest_marker("gantry_only")
        if marker is not None and DOCKER:
            item.add_marker(pytest.mark.skip(reason="gantry only: " + marker.args[0]))
        if item.get_closest_marker("soak") is not None and not os.environ.get("GANTRY_SOAK"):
            item.add_marker(pytest.mark.skip(reason="soak: make soak runs it"))


@pytest.fixture(scope="session")
def description():
    return schema.Description()


@pytest.fixture(scope="session")
def session_daemon():
    daemon = daemons.make()
    if not isinstance(daemon, daemons.ForeignDaemon):
        daemon.start()
    wire.request(
        daemon.socket, "POST", "/images/load", image.busybox_archive(),
        {"Content-Type": "application/x-tar"}, timeout=120,
    )  # fmt: skip
    yield daemon
    daemon.close()
    left = leaks.leftovers(daemon)
    assert not left, f"the daemon left behind: {left}"


@pytest.fixture
def daemon(session_daemon):
    """The running daemon, without containers and with only the test image, before and after."""
    assert not session_daemon.dead(), f"the daemon is gone:\n{session_daemon.tail()}"
    yield session_daemon
    if session_daemon.dead():
        log = session_daemon.tail()
        session_daemon.start()  # the tests after this one shall not suffer
        pytest.fail(f"this test ended the daemon:\n{log}")
    session_daemon.remove_containers()
    for volume in wire.request(session_daemon.socket, "GET", "/volumes").json()["Volumes"]:
        wire.request(session_daemon.socket, "DELETE", "/volumes/" + volume["Name"])
    for summary in wire.request(session_daemon.socket, "GET", "/images/json").json():
        tags = summary.get("RepoTags") or []
        for name in tags or [summary["Id"]]:
            if name != image.IMAGE:
                path = "/images/" + (summary["Id"] if "<none>" in name else name)
                wire.request(session_daemon.socket, "DELETE", path + "?force=1")


@pytest.fixture
def api(daemon, description):
    return apis.Api(daemon, description)


@pytest.fixture
def own_daemon(description):
    """Makes further daemons with roots of their own; a test may do to them what it likes."""
    made = []

    def make(start=True, with_image=True, **options):
        daemon = daemons.Daemon(**options)
        made.append(daemon)
        daemon.api = apis.Api(daemon, description)
        if start:
            daemon.start()
            if with_image:
                daemon.api.load_ok(image.busybox_archive())
        return daemon

    yield make
    left = []
    for daemon in made:
        daemon.close()
        left += leaks.leftovers(daemon)
    assert not left, f"left behind: {left}"


@pytest.fixture(params=["docker", "gantry"])
def cli(request, daemon):
    """The stock docker client, then gantry: what one does the other does."""
    client = clis.Cli(request.param, daemon)
    if client.missing():
        pytest.skip(client.missing())
    return client


@pytest.fixture
def gantry(daemon):
    client = clis.Cli("gantry", daemon)
    if client.missing():
        pytest.skip(client.missing())
    return client


@pytest.fixture
def py(daemon):
    """docker-py."""
    import docker  # pylint: disable=import-outside-toplevel

    client = docker.DockerClient(base_url=daemon.url, version="auto", timeout=60)
    yield client
    client.close()


def pytest_terminal_summary(terminalreporter):
    skipped = terminalreporter.stats.get("skipped", [])
    if not os.path.exists(schema.DESCRIPTION):
        terminalreporter.write_line(
            f"not checked: answers against the API description ({schema.DESCRIPTION} is missing)"
        )
    if len(skipped) > MAX_SKIPS and not DOCKER:
        terminalreporter.write_line(f"too many skipped tests: {len(skipped)}, at most {MAX_SKIPS}")


def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if exitstatus == 0 and len(skipped) > MAX_SKIPS and not DOCKER:
        session.exitstatus = 1
