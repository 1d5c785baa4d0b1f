"""logs: streams, follow, tail, times, partial lines, tty, rotation."""

import re
import time

import pytest

from harness import wait, wire


def ended(api, script, **options):
    container = api.started("sh", "-c", script, **options)
    api.wait(container)
    return container


def test_streams(api):
    container = ended(api, "echo out; echo err >&2; echo more")
    assert api.logs(container) == (b"out\nmore\n", b"err\n")
    assert api.logs(container, stdout=0) == (b"", b"err\n")
    assert api.logs(container, stderr=0) == (b"out\nmore\n", b"")


def test_no_stream_chosen(api):
    container = api.create("true")
    answer = api.get(f"/containers/{container}/logs", expect=400)
    assert answer.message == "Bad parameters: you must choose at least one stream"


def test_of_a_created_container(api):
    assert api.logs(api.create("true")) == (b"", b"")


def test_content_type(api):
    plain = api.get(f"/containers/{ended(api, 'echo x')}/logs", stdout=1)
    tty = api.get(f"/containers/{ended(api, 'echo x', Tty=True)}/logs", stdout=1)
    if not api.daemon.is_docker:
        assert plain.header("Content-Type") == "application/vnd.docker.multiplexed-stream"
        assert tty.header("Content-Type") == "application/vnd.docker.raw-stream"
    assert tty.body == b"x\r\n"


@pytest.mark.parametrize(
    "tail,expected", [("all", 5), ("", 5), ("-1", 5), ("0", 0), ("1", 1), ("3", 3), ("100", 5), ("x", 5)]
)
def test_tail(api, tail, expected):
    container = ended(api, "for i in 1 2 3 4 5; do echo $i; done")
    lines = api.logs(container, tail=tail)[0].split()
    assert lines == [b"1", b"2", b"3", b"4", b"5"][5 - expected :]


def test_tail_counts_over_both_streams(api):
    container = ended(api, "for i in 1 2 3; do echo o$i; sleep 0.02; echo e$i >&2; sleep 0.02; done")
    assert api.logs(container, tail=3) == (b"o3\n", b"e2\ne3\n")


def test_timestamps(api):
    container = ended(api, "echo one; echo two")
    lines = api.logs(container, timestamps=1)[0].decode().splitlines()
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z"
    assert re.fullmatch(f"{stamp} one", lines[0]) and re.fullmatch(f"{stamp} two", lines[1])


def test_since_and_until(api):
    container = ended(api, "echo one; sleep 1.2; echo two; sleep 1.2; echo three")
    stamps = [line.split()[0] for line in api.logs(container, timestamps=1)[0].decode().splitlines()]
    seconds = [time.strptime(s[:19], "%Y-%m-%dT%H:%M:%S") for s in stamps]
    unix = [int(time.mktime(s)) - time.timezone for s in seconds]
    nanos = [int(s[20:29]) for s in stamps]
    second = f"{unix[1]}.{nanos[1]:09d}"
    assert api.logs(container, since=second)[0] == b"two\nthree\n"
    middle = f"{unix[1]}.{min(nanos[1] + 300_000_000, 999_999_999):09d}"
    assert api.logs(container, until=middle)[0] == b"one\ntwo\n"
    assert api.logs(container, since=second, until=middle)[0] == b"two\n"
    assert api.logs(container, since=unix[2] + 100)[0] == b""


@pytest.mark.parametrize("query", [{"since": "x"}, {"until": "1.x"}, {"since": "1.2.3"}])
def test_bad_times(api, query):
    container = api.create("true")
    answer = api.get(f"/containers/{container}/logs", expect=(400, 500), stdout=1, **query)
    assert answer.status == 400 or api.daemon.is_docker


def test_no_newline_at_the_end(api):
    assert api.logs(ended(api, "printf end"))[0] == b"end"


def test_long_lines_come_back_whole(api):
    container = ended(api, "for n in 100 16383 16384 16385 40000; do /bin/probe lines 1 $n; done")
    out = api.logs(container)[0]
    assert [len(line) for line in out.split(b"\n")] == [100, 16383, 16384, 16385, 40000, 0]
    # tail counts records, of which a long line has several
    assert len(api.logs(container, tail=1)[0]) == 40000 % 16384 + 1


def test_empty_lines(api):
    assert api.logs(ended(api, "echo; echo; echo x"))[0] == b"\n\nx\n"


def test_bytes_that_are_not_text(api):
    # What is not UTF-8 is replaced by json-file; control characters and quotes are kept.
    out = api.logs(ended(api, r"""printf 'a"b\\c\001\033[0m\t<&>\n'"""))[0]
    assert out == b'a"b\\c\x01\x1b[0m\t<&>\n'
    out = api.logs(ended(api, r"printf '\377x\n'"))[0]
    assert out == "\ufffdx\n".encode()


def test_ends_where_the_log_ended_when_it_was_asked_for(cli, api):
    """A container that writes all the time keeps nobody."""
    container = api.started("sh", "-c", "i=0; while :; do i=$((i+1)); echo line $i; done", host={"LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}})
    wait.until(lambda: api.logs(container, tail=2)[0].count(b"\n") == 2, "it writes")
    for _ in range(5):
        assert cli.out("logs", "--tail", "1", container).count("line") == 1
        numbers = [int(line.split()[1]) for line in cli.out("logs", "--tail", "300", container).splitlines()]
        assert numbers == list(range(numbers[0], numbers[0] + 300))


def test_follow_ends_with_the_container(api):
    container = api.started("sh", "-c", "for i in 1 2 3 4 5; do echo $i; sleep 0.1; done")
    assert api.logs(container, follow=1)[0] == b"1\n2\n3\n4\n5\n"


def test_follow_from_the_tail(api):
    container = api.started("sh", "-c", "echo a; echo b; sleep 0.6; echo c")
    wait.until(lambda: api.logs(container)[0] == b"a\nb\n", "two lines")
    assert api.logs(container, follow=1, tail=1)[0] == b"b\nc\n"


def test_follow_sends_lines_as_they_come(api):
    container = api.started("sh", "-c", "echo first; read x < /tmp/fifo", host={"Tmpfs": {"/tmp": ""}})
    connection, answer = api.open("GET", f"/containers/{container}/logs", follow=1, stdout=1)
    with connection:
        chunk = next(connection.read_chunks()) if answer.header("Transfer-Encoding") else b""
        assert wire.split_frames(chunk)[1] == b"first\n"


def test_follow_and_until(api):
    container = api.started("sh", "-c", "while :; do echo x; sleep 0.2; done")
    begin = time.monotonic()
    assert b"x\n" in api.logs(container, follow=1, until=int(time.time()) + 2)[0]
    assert time.monotonic() - begin < 15


@pytest.mark.gantry_only("20.10 ends only when the next line comes")
def test_follow_ends_when_the_container_is_removed(api):
    container = api.waiting()
    connection, answer = api.open("GET", f"/containers/{container}/logs", follow=1, stdout=1)
    with connection:
        api.remove(container)
        connection.read_body(answer)


def test_follow_across_rotation_loses_nothing(api):
    options = {"LogConfig": {"Type": "json-file", "Config": {"max-size": "20k", "max-file": "3"}}}
    container = api.started(
        "sh", "-c",
        # slow enough for a reader to see each file before it is dropped
        "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i; [ $((i%20)) = 0 ] && sleep 0.01; done",
        host=options,
    )  # fmt: skip
    out = api.logs(container, follow=1)[0].split(b"\n")
    numbers = [int(line.split()[1]) for line in out if line.startswith(b"line ")]
    assert numbers[-1] == 3000
    if not api.daemon.is_docker:  # 20.10 sends some twice
        assert len(set(numbers)) == len(numbers), "a line came twice"
        assert numbers == list(range(numbers[0], 3001)), "a gap"


def test_rotation_bounds_the_files(api):
    options = {"LogConfig": {"Type": "json-file", "Config": {"max-size": "10k", "max-file": "2"}}}
    container = ended(api, "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo line $i; done", host=options)
    out = api.logs(container)[0].decode().splitlines()
    assert out[-1] == "line 2000" and len(out) < 600
    path = api.inspect(container)["LogPath"]
    assert path == f"{api.daemon.data_root}/containers/{container}/{container}-json.log"


def test_log_driver_none(api):
    container = ended(api, "echo x", host={"LogConfig": {"Type": "none"}})
    answer = api.get(f"/containers/{container}/logs", stdout=1, expect=(400, 500, 501))
    assert "configured logging driver does not support reading" in answer.message


def test_file_format(api):
    container = ended(api, "echo 'a\"b'; echo err >&2")
    with open(api.inspect(container)["LogPath"], "rb") as file:
        lines = [list(wire.json_values(line))[0] for line in file]
    assert [sorted(line) for line in lines] == [["log", "stream", "time"]] * 2
    assert {(line["log"], line["stream"]) for line in lines} == {('a"b\n', "stdout"), ("err\n", "stderr")}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", lines[0]["time"])


def test_unknown_container(api):
    assert api.get("/containers/nosuch/logs", stdout=1, expect=404).message == "No such container: nosuch"
