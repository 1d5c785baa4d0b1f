"""Clients that do not read their stream: they hold up nobody, cost little, and lose nothing that fits."""

import contextlib
import os
import struct

import pytest

from harness import wait

pytestmark = pytest.mark.gantry_only("dockerd lets a container wait for its slowest client")

MEGABYTE = 1000000
# Writes COUNT megabytes of lines, and after each how many they are into /t/n.
WRITER = (
    "line=$(head -c 999 /dev/zero | tr '\\0' x); i=0; while [ $i -lt {0} ]; do i=$((i+1));"
    " yes $line | head -c 1000000; echo $i > /t/n; done"
)
# No log: it is the clients that are looked at.
UNLOGGED = {"LogConfig": {"Type": "none", "Config": {}}, "Tmpfs": {"/t": ""}}


def attach(api, container, **query):
    return api.hijack(f"/containers/{container}/attach", timeout=60.0, **dict({"stream": 1, "stdout": 1, "stderr": 1}, **query))


def written(api, container):
    """The megabytes that were written so far."""
    pid = api.state(container)["Pid"]
    try:
        with open(f"/proc/{pid}/root/t/n", encoding="ascii") as file:
            return int(file.read() or 0)
    except OSError:
        return 0


def frames(stream):
    """[(stream number, bytes)] until the end; those of one stream in a row are joined."""
    found = []
    data = stream.rest()
    at = 0
    while at < len(data):
        number, size = data[at], struct.unpack(">I", data[at + 4 : at + 8])[0]
        payload = data[at + 8 : at + 8 + size]
        assert len(payload) == size, "the last frame is cut off"
        if found and found[-1][0] == number:
            found[-1][1].append(payload)
        else:
            found.append((number, [payload]))
        at += 8 + size
    return [(number, b"".join(payloads)) for number, payloads in found]


def shim_of(api, container):
    with open(f"/proc/{api.state(container)['Pid']}/stat", encoding="utf-8") as file:
        return int(file.read().rsplit(")", 1)[1].split()[1])


def resident(pid):
    """KiB."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return int(file.read().split("VmRSS:")[1].split()[0])


def spools(pid):
    """The shim's files without a name."""
    links = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            links.append(os.readlink(f"/proc/{pid}/fd/{name}"))
    return [link for link in links if "/containers/" in link and link.endswith("(deleted)")]


def test_a_stuck_client_does_not_delay_the_end_and_loses_nothing(api):
    container = api.create("sh", "-c", WRITER.format(20), host=UNLOGGED)
    stuck = attach(api, container)
    api.start(container)
    assert api.wait(container) == 0
    ((number, output),) = frames(stuck)
    assert number == 1 and len(output) == 20 * MEGABYTE and output.count(b"x") == 20 * 999000
    stuck.close()


def test_others_get_all_in_time(api):
    container = api.create("sh", "-c", WRITER.format(10) + "; read x", OpenStdin=True, host=UNLOGGED)
    stuck = attach(api, container)
    reader = attach(api, container)
    api.start(container)
    got = 0
    while got < 10 * MEGABYTE:
        got += len(reader.wire.read_some())
    assert api.state(container)["Running"]
    assert api.exec(container, "echo", "x")[:2] == (0, "x\n")
    stuck.close()
    reader.close()


def test_a_client_that_is_stuck_for_too_long_is_told_so(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    # Far more than is kept for clients.
    container = api.create("sh", "-c", WRITER.format(100), host=UNLOGGED)
    stuck = attach(api, container)
    api.start(container)
    assert api.wait(container, timeout=120.0) == 0
    found = frames(stuck)
    assert [number for number, _ in found] == [1, 3]
    assert 0 < len(found[0][1]) < 100 * MEGABYTE
    assert found[1][1] == b"output is missing: it was not read in time"
    wait.until(lambda: "did not read its output" in daemon.tail(100), "a warning in the daemon's log")
    stuck.close()


def test_a_client_that_comes_back_loses_nothing(api):
    """As with Docker, the container waits for a client that is slow but alive."""
    container = api.create("sh", "-c", WRITER.format(100), host=UNLOGGED)
    slow = attach(api, container)
    api.start(container)
    wait.until(lambda: written(api, container) > 50, "more than half is written", 60, pause=0.001)
    ((number, output),) = frames(slow)
    assert number == 1 and len(output) == 100 * MEGABYTE
    assert api.wait(container) == 0
    slow.close()


def test_many_stuck_clients_cost_little(api):
    container = api.create("sh", "-c", "read x; " + WRITER.format(8) + "; read x", OpenStdin=True, host=UNLOGGED)
    api.start(container)
    clients = [attach(api, container) for _ in range(40)]
    shim = shim_of(api, container)
    before = resident(shim)
    writer = api.hijack(f"/containers/{container}/attach", stream=1, stdin=1)
    writer.send(b"\n")
    wait.until(lambda: written(api, container) == 8, "all is written", 60)
    # A piece of a record for each, and one spool for all.
    assert resident(shim) - before < 40 * 80 + 1000
    assert len(spools(shim)) == 1
    for client in clients:
        client.close()
    wait.until(lambda: spools(shim) == [], "the spool is closed")
    writer.close()


def test_a_stuck_exec_ends(api):
    container = api.waiting()
    exec_id = api.post(
        f"/containers/{container}/exec", {"AttachStdout": True, "Cmd": ["sh", "-c", "yes | head -c 5000000"]}
    ).json()["Id"]
    stuck = api.hijack(f"/exec/{exec_id}/start", body={"Detach": False})
    wait.until(lambda: not api.get(f"/exec/{exec_id}/json").json()["Running"], "it ends")
    ((number, output),) = frames(stuck)
    assert number == 1 and len(output) == 5000000
    stuck.close()


def test_the_daemon_dies_while_a_client_is_behind(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    container = api.create("sh", "-c", WRITER.format(5) + "; read x", OpenStdin=True, host=UNLOGGED)
    stuck = attach(api, container)
    api.start(container)
    wait.until(lambda: written(api, container) == 5, "all is written")
    daemon.kill()
    daemon.start()
    api.post(f"/containers/{container}/stop", t=0)
    ((number, output),) = frames(stuck)
    assert number == 1 and len(output) == 5 * MEGABYTE
    stuck.close()


def piped(cli, megabytes):
    """A `run` whose output nobody reads until the container has ended: (exit code, stdout, stderr)."""
    process = cli.spawn(
        "run", "--log-driver", "none", "--tmpfs", "/t", "busybox:test", "sh", "-c", WRITER.format(megabytes)
    )
    wait.until(lambda: cli.out("ps", "-aq", "--filter", "status=exited"), "the container has ended", 120, pause=0.5)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_run_into_a_pipe_that_is_not_read(cli):
    """`run | less`: the container ends in time, the output is complete in the end."""
    code, out, err = piped(cli, 6)
    assert (code, len(out), err) == (0, 6 * MEGABYTE, "")


def test_run_into_a_pipe_that_is_not_read_for_too_long(gantry):
    """It fails and says why: half of a stream must not look like all of it. (docker's client says
    nothing once it knows the exit code.)"""
    code, out, err = piped(gantry, 100)
    assert code == 125 and "error from daemon in stream: output is missing: it was not read in time" in err
    assert 0 < len(out) < 100 * MEGABYTE
