"""attach: both answers of a hijack, streams, half close, several clients, tty, detach keys."""

import pytest

from harness import wait

ALL = {"stream": 1, "stdin": 1, "stdout": 1, "stderr": 1}


def interactive(api, *command, tty=False, once=True, start=False, **options):
    container = api.create(
        *command, OpenStdin=True, StdinOnce=once, AttachStdin=True, AttachStdout=True,
        AttachStderr=True, Tty=tty, **options,
    )  # fmt: skip
    if start:
        api.start(container)
    return container


def attach(api, container, upgrade=True, **query):
    return api.hijack(f"/containers/{container}/attach", upgrade=upgrade, **dict(ALL, **query))


def test_upgraded_answer(api):
    stream = attach(api, interactive(api, "cat"))
    answer = stream.answer
    assert (answer.status, answer.reason) == (101, "UPGRADED")
    assert answer.header("Connection") == "Upgrade"
    assert answer.header("Upgrade") == "tcp"
    new = not api.daemon.is_docker
    kind = "multiplexed-stream" if new else "raw-stream"
    assert answer.header("Content-Type") == f"application/vnd.docker.{kind}"
    stream.close()


def test_tty_is_a_raw_stream(api):
    stream = attach(api, interactive(api, "cat", tty=True))
    assert stream.answer.header("Content-Type") == "application/vnd.docker.raw-stream"
    stream.close()


def test_answer_without_upgrade(api):
    container = interactive(api, "sh", "-c", "cat; echo end >&2")
    stream = attach(api, container, upgrade=False)
    assert stream.answer.header("Content-Type") == "application/vnd.docker.raw-stream"
    assert stream.answer.header("Content-Length") is None
    api.start(container)
    stream.send(b"hello\n")
    stream.close_write()
    assert stream.frames() == {1: b"hello\n", 2: b"end\n"}
    stream.close()


def test_attach_before_start_loses_nothing(api):
    for _ in range(5):
        container = api.create("sh", "-c", "echo out; echo err >&2; seq 1 2000")
        stream = attach(api, container, stdin=0)
        api.start(container)
        frames = stream.frames()
        assert frames[1].startswith(b"out\n1\n2\n") and frames[1].endswith(b"\n2000\n")
        assert frames[2] == b"err\n"
        stream.close()


def test_stdin_sent_before_start_arrives(api):
    container = interactive(api, "cat")
    stream = attach(api, container)
    stream.send(b"early\n")
    api.start(container)
    stream.close_write()
    assert stream.frames()[1] == b"early\n"
    stream.close()


def test_half_close_ends_stdin_once(api):
    container = interactive(api, "sh", "-c", "cat; echo after; exit 3")
    stream = attach(api, container)
    api.start(container)
    stream.send(b"x" * 300000)
    stream.close_write()
    assert stream.frames()[1] == b"x" * 300000 + b"after\n"
    assert api.wait(container) == 3
    stream.close()


def test_binary_passes_unchanged(api):
    data = bytes(range(256)) * 2000
    container = interactive(api, "cat")
    stream = attach(api, container)
    api.start(container)
    stream.send(data)
    stream.close_write()
    assert stream.frames()[1] == data
    stream.close()


def test_without_stdin_once_later_clients_may_write(api):
    container = interactive(api, "sh", "-c", "read a; echo 1$a; read b; echo 2$b", once=False)
    api.start(container)
    for number, word in ((b"1", b"one"), (b"2", b"two")):
        stream = attach(api, container)
        stream.send(word + b"\n")
        wait.until(lambda want=number + word: want in api.logs(container)[0], "the line was read")
        stream.close()
    assert api.wait(container) == 0


def test_two_clients_see_the_same(api):
    container = interactive(api, "sh", "-c", "read x; echo got $x; seq 1 1000")
    first = attach(api, container)
    second = attach(api, container, stdin=0)
    api.start(container)
    first.send(b"it\n")
    expected = b"got it\n" + b"".join(b"%d\n" % i for i in range(1, 1001))
    assert first.frames()[1] == expected
    assert second.frames()[1] == expected
    first.close()
    second.close()


def test_a_client_that_leaves_disturbs_nobody(api):
    container = interactive(api, "sh", "-c", "read x; seq 1 50000 | tail -n 1", once=False)
    leaver = attach(api, container)
    stayer = attach(api, container, stdin=0)
    api.start(container)
    leaver.send(b"go\n")
    leaver.close()
    assert stayer.frames()[1] == b"50000\n"
    assert api.wait(container) == 0
    stayer.close()


def test_streams_are_chosen(api):
    container = api.create("sh", "-c", "echo out; echo err >&2")
    stream = attach(api, container, stdin=0, stdout=0)
    api.start(container)
    assert stream.frames() == {1: b"", 2: b"err\n"}
    stream.close()


def test_logs_then_live_without_gap(api):
    container = interactive(api, "sh", "-c", "echo before; read x; echo after")
    api.start(container)
    wait.until(lambda: api.logs(container)[0] == b"before\n", "the first line")
    stream = attach(api, container, logs=1)
    stream.send(b"\n")
    assert stream.frames()[1] == b"before\nafter\n"
    stream.close()


def test_logs_only(api):
    container = api.started("sh", "-c", "echo out; echo err >&2")
    api.wait(container)
    stream = attach(api, container, logs=1, stream=0, stdin=0)
    assert stream.frames() == {1: b"out\n", 2: b"err\n"}
    stream.close()


def test_attach_to_a_stopped_container_waits_for_its_start(api):
    container = api.started("echo", "x")
    api.wait(container)
    stream = attach(api, container, stdin=0)
    api.start(container)
    assert stream.frames() == {1: b"x\n", 2: b""}
    stream.close()


def test_unknown_container_after_upgrade(api):
    stream = api.hijack("/containers/nosuch/attach", expect=404, **ALL)
    assert b"No such container: nosuch" in stream.answer.body
    stream.close()


def test_tty(api):
    container = interactive(api, "sh", "-c", "tty; stty size; read x; echo got $x >&2", tty=True)
    stream = attach(api, container)
    api.start(container)
    api.post(f"/containers/{container}/resize", h=33, w=101, expect=200)
    stream.send(b"it\n")
    text = stream.rest()
    assert b"/dev/pts/0\r\n" in text or b"/dev/console\r\n" in text
    assert b"it\r\n" in text and b"got it\r\n" in text
    stream.close()


@pytest.mark.gantry_only("ConsoleSize came with 1.42")
def test_console_size_is_there_from_the_start(api):
    container = interactive(api, "stty", "size", tty=True, host={"ConsoleSize": [41, 117]})
    stream = attach(api, container)
    api.start(container)
    assert b"41 117\r\n" in stream.rest()
    stream.close()


def test_resize(api):
    container = interactive(api, "sh", "-c", "trap 'stty size' WINCH; echo up; while :; do read x; done", tty=True)
    stream = attach(api, container)
    api.start(container)
    stream.read_until(b"up")
    api.post(f"/containers/{container}/resize", h=12, w=34, expect=200)
    wait.until(lambda: stream.send(b"\n") or b"12 34" in stream.wire.read_some(), "the new size")
    stream.close()


def test_resize_errors(api):
    container = api.create("true", Tty=True)
    answer = api.post(f"/containers/{container}/resize", h=1, w=1, expect=409)
    assert "is not running" in answer.message
    answer = api.post(f"/containers/{container}/resize", h="a", w=1, expect=400)
    assert "invalid syntax" in answer.message
    api.post(f"/containers/{container}/resize", expect=400)
    api.post(f"/containers/{container}/resize", h=10**12, w=1, expect=(400, 409))


def test_detach_keys(api):
    container = interactive(api, "cat", tty=True, start=True)
    stream = attach(api, container)
    stream.send(b"typed\n")
    stream.read_until(b"typed\r\ntyped\r\n")
    stream.send(b"\x10\x11")  # ctrl-p ctrl-q
    stream.rest()
    stream.close()
    assert api.state(container)["Running"]
    again = attach(api, container)
    again.send(b"still\n")
    again.read_until(b"still\r\nstill\r\n")
    again.close()


def test_own_detach_keys(api):
    container = interactive(api, "cat", tty=True, start=True)
    stream = attach(api, container, detachKeys="ctrl-a,d")
    stream.send(b"\x01x\n")  # half of the keys is input like any other
    stream.read_until(b"x\r\n")
    stream.send(b"\x01d")
    stream.rest()
    stream.close()
    assert api.state(container)["Running"]


def test_bad_detach_keys(api):
    container = interactive(api, "cat", tty=True, start=True)
    stream = api.hijack(f"/containers/{container}/attach", expect=400, **dict(ALL, detachKeys="ctrl-ä"))
    stream.close()


def test_detach_keys_mean_nothing_without_tty(api):
    container = interactive(api, "cat", start=True)
    stream = attach(api, container)
    stream.send(b"\x10\x11\n")
    stream.close_write()
    assert stream.frames()[1] == b"\x10\x11\n"
    stream.close()


def test_tty_signals_from_the_keyboard(api):
    container = interactive(api, "sh", "-c", "trap 'exit 5' INT; echo up; while :; do sleep 0.05; done", tty=True)
    stream = attach(api, container)
    api.start(container)
    stream.read_until(b"up")
    stream.send(b"\x03")
    assert api.wait(container) == 5
    stream.close()


def test_a_reader_that_stalls_loses_nothing(api):
    """`run IMAGE | less`; more of it in test_stuck_clients.py."""
    container = interactive(api, "sh", "-c", "seq 1 200000; echo end; read x")
    stalled = attach(api, container, stdin=0)
    writer = attach(api, container, stdout=0, stderr=0)
    api.start(container)
    assert api.exec(container, "echo", "x")[1] == "x\n"
    assert api.state(container)["Running"]
    other = attach(api, container, stdin=0)
    other.close()
    writer.send(b"\n")
    assert stalled.frames()[1].endswith(b"\n200000\nend\n")
    assert api.wait(container) == 0
    stalled.close()
    writer.close()


def test_a_reader_that_stalls_and_leaves(api):
    container = api.create("sh", "-c", "seq 1 200000")
    stalled = attach(api, container, stdin=0)
    other = attach(api, container, stdin=0)
    api.start(container)
    stalled.close()
    assert other.frames()[1].endswith(b"\n200000\n")
    assert api.wait(container) == 0
    other.close()


def test_a_stalled_reader_cannot_keep_a_container_alive(api):
    container = api.create("sh", "-c", "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done")
    stalled = attach(api, container, stdin=0)
    api.start(container)
    api.post(f"/containers/{container}/stop", t=1)
    assert api.state(container)["Status"] == "exited"
    api.remove(container)
    stalled.close()
