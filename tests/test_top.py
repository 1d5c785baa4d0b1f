"""top: what ps on the host prints of a container's processes, without running it."""

import shutil
import subprocess
import time

import pytest

from harness import wait


def top(api, container, ps_args=None, expect=200):
    query = {} if ps_args is None else {"ps_args": ps_args}
    return api.get(f"/containers/{container}/top", expect=expect, **query)


@pytest.fixture
def family(api):
    """A shell with two children."""
    container = api.started("sh", "-c", "sleep 1000 & sleep 2000 & echo ready; wait", name="family")
    commands = lambda: sorted(row[-1][:5] for row in top(api, container).json()["Processes"])
    wait.until(lambda: commands() == ["sh -c", "sleep", "sleep"], "three programs")
    return container


def test_default_is_ef(api, family):
    answer = top(api, family).json()
    assert answer["Titles"] == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    rows = [dict(zip(answer["Titles"], row)) for row in answer["Processes"]]
    assert rows[0]["PID"] == str(api.state(family)["Pid"]), "pids are those of the host"
    assert {row["UID"] for row in rows} == {"root"}
    assert [row["PPID"] for row in rows[1:]] == [rows[0]["PID"]] * 2
    assert rows[0]["CMD"].startswith("sh -c sleep 1000 &")
    assert sorted(row["CMD"] for row in rows[1:]) == ["sleep 1000", "sleep 2000"]
    assert rows[0]["TTY"] == "?" and rows[0]["TIME"] == "00:00:00"
    assert top(api, family, "-ef").json()["Titles"] == answer["Titles"]


COLUMNS = [
    "pid,ppid,pgid,sid,tpgid", "pid,user,uid,group,gid,ruser,rgroup", "pid,comm", "pid,args", "pid,stat,s,ni,pri,cls,rtprio",
    "pid,vsz,sz", "pid,tty,nlwp,f", "pid,lstart", "pid,stime,start",
]  # fmt: skip


@pytest.mark.skipif(shutil.which("ps") is None, reason="procps is not installed")
@pytest.mark.parametrize("columns", COLUMNS)
def test_as_ps_prints_it(api, family, columns):
    """Letter for letter what procps says of the same processes."""
    answer = top(api, family, f"-o {columns}").json()
    pids = ",".join(row[0] for row in answer["Processes"])
    done = subprocess.run(["ps", "-o", columns, "-p", pids], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0].split() == " ".join(answer["Titles"]).split()
    assert [line.split() for line in lines[1:]] == [" ".join(row).split() for row in answer["Processes"]]


@pytest.mark.skipif(shutil.which("ps") is None, reason="procps is not installed")
@pytest.mark.parametrize("style", ["-ef", "aux", "-e", "-el", "-eF", "-ej", "ax", "axl", "axj", "-elf"])
def test_titles_are_those_of_ps(api, family, style):
    done = subprocess.run(["ps", style], capture_output=True, text=True, check=True)
    assert top(api, family, style).json()["Titles"] == done.stdout.splitlines()[0].split()


def test_users_have_the_hosts_names(api):
    container = api.waiting(User="65534")
    with open("/etc/passwd", encoding="utf-8") as file:
        names = [line.split(":")[0] for line in file if line.split(":")[2] == "65534"]
    (row,) = top(api, container, "-o pid,user").json()["Processes"]
    assert row[1] == (names[0] if names else "65534")


def test_a_users_file_that_hangs(api):
    """M4: the container makes its /etc/passwd a FIFO."""
    container = api.started("sh", "-c", "rm /etc/passwd; mkfifo /etc/passwd; echo ready; sleep 1000")
    wait.until(lambda: b"ready" in api.logs(container)[0], "the container says ready")
    begin = time.monotonic()
    assert top(api, container).json()["Processes"]
    assert time.monotonic() - begin < 5


def test_processes_of_execs_too(api, family):
    exec_id = api.post(f"/containers/{family}/exec", {"Cmd": ["sleep", "3000"]}, expect=201).json()["Id"]
    api.post(f"/exec/{exec_id}/start", {"Detach": True}, expect=200)
    assert any("sleep 3000" in row[-1] for row in top(api, family).json()["Processes"])


def test_paused(api, family):
    api.post(f"/containers/{family}/pause")
    assert len(top(api, family).json()["Processes"]) == 3
    api.post(f"/containers/{family}/unpause")


def test_header_of_ones_own(api, family):
    assert top(api, family, "-o pid -o args=WHAT").json()["Titles"] == ["PID", "WHAT"]


@pytest.mark.parametrize("state", ["created", "exited"])
def test_not_running(api, state):
    container = api.create("true")
    if state == "exited":
        api.start(container)
        api.wait(container)
    answer = top(api, container, expect=409)
    assert f"ontainer {container} is not running" in answer.message


def test_no_such_container(api):
    assert "No such container: nosuch" in top(api, "nosuch", expect=404).message


@pytest.mark.parametrize("ps_args,text", [
    ("-o comm", "Couldn't find PID field in ps output"), ("-o pid,nosuch", "nosuch"), ("--nosuch", ""), ("-o", ""),
    ("-ef -o pid,comm=PID", ""), ("; reboot", ""), ("-o pid" + ",pid" * 5000, ""), ("\x00", ""),
], ids=repr)  # fmt: skip
def test_bad_arguments(api, family, ps_args, text):
    if "\x00" in ps_args:
        answer = api.call("GET", f"/containers/{family}/top?ps_args=%01")
    else:
        answer = top(api, family, ps_args, expect=(200, 400, 500))
    if not api.daemon.is_docker:
        assert answer.status == 400, answer
        assert text in answer.message


def test_event(api, family):
    since = f"{time.time():.9f}"
    top(api, family)
    events = api.get("/events", since=since, until=f"{time.time() + 0.01:.9f}", filters={"event": ["top"]}).json_lines()
    assert [e["Actor"]["ID"] for e in events] == [family]


def test_command_line(cli, api, family):
    out = cli.out("top", "family")
    assert out.splitlines()[0].split() == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    assert len(out.splitlines()) == 4
    out = cli.out("container", "top", "family", "-o", "pid,comm")
    assert out.splitlines()[0].split() == ["PID", "COMMAND"]
    assert out.splitlines()[1].split() == [str(api.state(family)["Pid"]), "sh"]
    assert "No such container: nosuch" in cli("top", "nosuch", code=1).err


def test_docker_py(py, api, family):
    assert len(py.containers.get(family).top(ps_args="aux")["Processes"]) == 3
