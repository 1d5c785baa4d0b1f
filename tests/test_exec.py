"""exec: create, start, inspect, resize; where it fails, and how that is told."""

import threading

import pytest

from harness import wait


@pytest.fixture
def box(api):
    return api.waiting(Env=["FROM=config"], WorkingDir="/tmp")


def make(api, box, *command, **options):
    body = {"AttachStdout": True, "AttachStderr": True, "Cmd": list(command), **options}
    return api.post(f"/containers/{box}/exec", body, expect=201).json()["Id"]


def test_output_and_exit_code(api, box):
    assert api.exec(box, "sh", "-c", "echo out; echo err >&2; exit 3") == (3, "out\n", "err\n")


def test_exit_code_is_known_when_the_stream_ends(api, box):
    """The clients look once, right after the end of the stream."""
    for code in range(50):
        assert api.exec(box, "sh", "-c", f"exit {code}")[0] == code


def test_death_by_signal(api, box):
    assert api.exec(box, "sh", "-c", "kill -KILL $$")[0] == 137


def test_environment_user_and_directory(api, box):
    script = "echo $FROM $MORE $HOME; pwd; id -u; id -g; id -G"
    code, out, _ = api.exec(
        box, "sh", "-c", script, Env=["MORE=exec"], User="bob", WorkingDir="/var"
    )
    assert code == 0
    assert out.splitlines() == ["config exec /home/bob", "/var", "1000", "1000", "1000 10 50"] or (
        sorted(out.splitlines()[-1].split()) == ["10", "1000", "50"]
    )
    assert api.exec(box, "pwd")[1] == "/tmp\n"


@pytest.mark.parametrize(
    "user,expected", [("1000", "1000:1000"), ("1000:50", "1000:50"), ("bob:staff", "1000:50"), ("4242", "4242:0"), ("0:1000", "0:1000")]
)
def test_users(api, box, user, expected):
    assert api.exec(box, "sh", "-c", "echo $(id -u):$(id -g)", User=user)[1].strip() == expected


@pytest.mark.parametrize("user", ["1000 ", "+1000", "1000abc", "-1", "4294967296", "nosuch", ":x y"])
def test_bad_users(api, box, user):
    if api.daemon.is_docker and user == "+1000":
        pytest.skip("20.10 reads it as a number")
    body = {"AttachStdout": True, "Cmd": ["id"], "User": user}
    answer = api.post(f"/containers/{box}/exec", body, expect=(201, 400))
    if answer.status == 201:
        number = answer.json()["Id"]
        stream = api.hijack(f"/exec/{number}/start", {})
        assert b"uid=" not in stream.rest()
        stream.close()
        assert api.get(f"/exec/{number}/json").json()["ExitCode"] != 0


def test_inspect(api, box):
    number = make(api, box, "sh", "-c", "read x; exit 4", AttachStdin=True, User="bob")
    told = api.get(f"/exec/{number}/json").json()
    assert (told["ID"], told["ContainerID"], told["Running"]) == (number, box, False)
    assert told["ExitCode"] is None
    assert (told["OpenStdin"], told["OpenStdout"], told["OpenStderr"]) == (True, True, True)
    process = told["ProcessConfig"]
    assert (process["entrypoint"], process["arguments"]) == ("sh", ["-c", "read x; exit 4"])
    assert (process["tty"], process["user"]) == (False, "bob")
    stream = api.hijack(f"/exec/{number}/start", {})
    told = wait.until(
        lambda: (now := api.get(f"/exec/{number}/json").json())["Pid"] > 0 and now, "a pid"
    )
    assert told["Running"] and told["ExitCode"] is None
    assert number in (api.inspect(box)["ExecIDs"] or [])
    stream.send(b"\n")
    stream.rest()
    stream.close()
    wait.until(lambda: not api.get(f"/exec/{number}/json").json()["Running"], "it ended")
    assert api.get(f"/exec/{number}/json").json()["ExitCode"] == 4


def test_stdin_and_half_close(api, box):
    number = make(api, box, "cat", AttachStdin=True)
    stream = api.hijack(f"/exec/{number}/start", {})
    stream.send(b"x" * 200000)
    stream.close_write()
    assert stream.frames()[1] == b"x" * 200000
    stream.close()


def test_without_upgrade(api, box):
    number = make(api, box, "echo", "x")
    stream = api.hijack(f"/exec/{number}/start", {}, upgrade=False)
    assert stream.answer.header("Content-Type") == "application/vnd.docker.raw-stream"
    assert stream.frames()[1] == b"x\n"
    stream.close()


def test_upgraded_answer(api, box):
    stream = api.hijack(f"/exec/{make(api, box, 'true')}/start", {})
    assert stream.answer.reason == "UPGRADED"
    assert stream.answer.header("Upgrade") == "tcp"
    kind = "raw" if api.daemon.is_docker else "multiplexed"
    assert stream.answer.header("Content-Type") == f"application/vnd.docker.{kind}-stream"
    stream.close()


def test_tty(api, box):
    number = make(api, box, "sh", "-c", "tty; echo $TERM; echo err >&2", Tty=True)
    stream = api.hijack(f"/exec/{number}/start", {"Tty": True})
    assert stream.rest() == b"/dev/pts/0\r\nxterm\r\nerr\r\n"
    stream.close()


def test_resize(api, box):
    number = make(api, box, "sh", "-c", "echo up; read x; stty size", Tty=True, AttachStdin=True)
    stream = api.hijack(f"/exec/{number}/start", {"Tty": True})
    stream.read_until(b"up")
    api.post(f"/exec/{number}/resize", h=20, w=70, expect=(200, 201))
    stream.send(b"\n")
    assert b"20 70" in stream.rest()
    stream.close()


def test_detached(api, box):
    number = make(api, box, "sh", "-c", "echo done > /tmp/mark")
    answer = api.post(f"/exec/{number}/start", {"Detach": True}, expect=200)
    assert answer.body == b""
    wait.until(lambda: api.exec(box, "cat", "/tmp/mark")[1] == "done\n", "the exec ran")


# Exit codes as HEAD has them; 20.10 says 126 for all (behaviours C10).
@pytest.mark.parametrize(
    "command,code,text",
    [
        ("nosuch", 127, "executable file not found in $PATH"),
        ("/bin/nosuch", 127, "no such file or directory"),
        ("/etc/notexecutable", 126, "permission denied"),
    ],
)
def test_command_that_cannot_run(api, box, command, code, text):
    number = make(api, box, command)
    stream = api.hijack(f"/exec/{number}/start", {})
    frames = stream.frames()
    stream.close()
    told = (frames[1] + frames[2]).decode()
    assert text in told and told.endswith("\r\n")
    exit_code = wait.until(lambda: api.get(f"/exec/{number}/json").json()["ExitCode"], "an exit code")
    assert exit_code == (126 if api.daemon.is_docker else code)


def test_command_that_cannot_run_detached(api, box):
    answer = api.post(f"/exec/{make(api, box, 'nosuch')}/start", {"Detach": True}, expect=(400, 404, 500))
    assert "executable file not found" in answer.message


def test_directory_that_is_not_there(api, box):
    number = make(api, box, "pwd", WorkingDir="/nosuch")
    stream = api.hijack(f"/exec/{number}/start", {})
    assert b"/nosuch\n" not in stream.frames()[1].replace(b"\r", b"")
    stream.close()
    assert api.get(f"/exec/{number}/json").json()["ExitCode"] != 0


def test_only_once(api, box):
    number = make(api, box, "true")
    api.hijack(f"/exec/{number}/start", {}).rest()
    wait.until(lambda: api.get(f"/exec/{number}/json").json()["ExitCode"] == 0, "it ended")
    answer = api.post(f"/exec/{number}/start", {"Detach": True}, expect=(409, 500))
    assert answer.status == 409 or api.daemon.is_docker
    assert f"xec command {number} has already run" in answer.message or api.daemon.is_docker


def test_errors(api, box):
    answer = api.post(f"/containers/{box}/exec", {"Cmd": []}, expect=400)
    assert answer.message.lower() == "no exec command specified"
    for path in ("json", "start", "resize"):
        method = "GET" if path == "json" else "POST"
        body = {} if path == "start" else None
        query = {"h": 1, "w": 1} if path == "resize" else {}
        answer = api.call(method, f"/exec/nosuch/{path}", body, expect=404, **query)
        assert answer.message == "No such exec instance: nosuch"
    api.post("/containers/nosuch/exec", {"Cmd": ["true"]}, expect=404)
    created = api.create("true")
    answer = api.post(f"/containers/{created}/exec", {"Cmd": ["true"]}, expect=409)
    assert "is not running" in answer.message


def test_container_that_ended_in_between(api):
    box = api.waiting()
    number = make(api, box, "true")
    api.post(f"/containers/{box}/stop", t=5)
    answer = api.post(f"/exec/{number}/start", {"Detach": True}, expect=(404, 409, 500))
    assert answer.status == 409 and "is not running" in answer.message or api.daemon.is_docker


def test_ends_with_the_container(api):
    box = api.waiting()
    number = make(api, box, "sleep", "60")
    stream = api.hijack(f"/exec/{number}/start", {})
    api.post(f"/containers/{box}/kill")
    stream.rest()
    stream.close()


def test_killed_while_it_is_set_up(api):
    """The end of a process that dies before its shim has heard of it is not lost."""

    def run(failures):
        box = api.waiting()
        number = make(api, box, "sleep", "60")
        stream = api.hijack(f"/exec/{number}/start", {}, timeout=20)
        api.post(f"/containers/{box}/kill")
        try:
            stream.rest()
        except TimeoutError:
            failures.append(number)
        stream.close()

    failures = []
    for _ in range(3):
        threads = [threading.Thread(target=run, args=(failures,)) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures


def test_a_background_child_does_not_hold_the_stream(api, box):
    number = make(api, box, "sh", "-c", "sleep 30 & echo started")
    stream = api.hijack(f"/exec/{number}/start", {})
    if not api.daemon.is_docker:
        assert stream.frames()[1] == b"started\n"
    stream.close()
    wait.until(lambda: not api.get(f"/exec/{number}/json").json()["Running"], "it ended")


def test_same_limits_as_the_container(api):
    box = api.waiting(host={"CapDrop": ["ALL"], "ReadonlyRootfs": True})
    script = "grep -E 'CapEff|CapBnd|CapInh|Seccomp:' /proc/self/status; touch /x"
    code, out, err = api.exec(box, "sh", "-c", script)
    assert code == 1 and "Read-only file system" in err
    values = dict(line.split() for line in out.splitlines())
    assert values["CapEff:"] == values["CapBnd:"] == values["CapInh:"] == "0" * 16
    assert values["Seccomp:"] == "2"


@pytest.mark.gantry_only("runc 1.1 cannot raise the capabilities on this kind of machine")
def test_privileged(api, box):
    status = api.exec(box, "grep", "CapEff", "/proc/self/status", Privileged=True)[1]
    with open("/proc/self/status", encoding="utf-8") as file:
        own = next(line.split()[1] for line in file if line.startswith("CapEff"))
    assert status.split()[1] == own


def test_no_foreign_fds(api, box):
    assert [line.split()[0] for line in api.exec(box, "/bin/probe", "fds")[1].splitlines()] == ["0", "1", "2"]
