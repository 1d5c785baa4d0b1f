"""What Docker never gave: environment, labels, command of a container that is there; revisions."""

import time

import pytest

from harness import wait, wire
from harness.image import IMAGE

pytestmark = pytest.mark.gantry_only("changes of existing containers are Gantry's own")

# Says its environment and its arguments, and then waits.
SAY = 'echo "A=$A B=$B HOME=$HOME $*"; exec /bin/probe wait'


def saying(api, *arguments, start=True, **options):
    container = api.create("sh", "-c", SAY, "x", *arguments, **options)
    if start:
        api.start(container)
    return container


def change(api, container, expect=200, **fields):
    answer = api.post(f"/containers/{container}/update", {"Change": fields}, expect=expect)
    return answer.json() if expect == 200 else answer.message


def restart(api, container):
    api.post(f"/containers/{container}/restart", expect=204, t=10)


def last_said(api, container):
    """The first line of the latest start."""
    return wait.until(lambda: [x for x in api.logs(container)[0].decode().splitlines() if x.startswith("A=")], "it speaks")[-1]


def said(api, container, text):
    wait.until(lambda: last_said(api, container) == text, f"it says {text}")


def config(api, container):
    return api.inspect(container)["Config"]


def revisions(api, container):
    return api.get(f"/containers/{container}/revisions").json()


def rollback(api, container, expect=200, **query):
    answer = api.post(f"/containers/{container}/rollback", expect=expect, **query)
    return answer.json() if expect == 200 else answer.message


def test_environment_at_the_next_start(api):
    container = saying(api, Env=["A=1", "B=2"])
    said(api, container, "A=1 B=2 HOME=/root ")
    answer = change(api, container, Env=["A=new", "HOME=/tmp"], EnvRemove=["B"])
    assert (answer["Revision"], answer["Live"], answer["NextStart"], answer["Restarted"]) == (2, [], ["Env"], False)
    assert "A=new" in config(api, container)["Env"] and "B=2" not in config(api, container)["Env"]
    told = api.inspect(container)
    assert (told["Revision"], told["NextStart"]) == (2, ["Env"])
    environ = f"/proc/{told['State']['Pid']}/environ"
    with open(environ, "rb") as file:
        assert b"A=1" in file.read().split(b"\0")
    restart(api, container)
    said(api, container, "A=new B= HOME=/tmp ")
    told = api.inspect(container)
    assert told["Revision"] == 2 and "NextStart" not in told


def test_what_was_never_changed_shows_nothing_of_it(api):
    container = api.waiting()
    assert not {"Revision", "NextStart"} & set(api.inspect(container))
    answer = api.post(f"/containers/{container}/update", {"CpuShares": 300}).json()
    assert set(answer) == {"Warnings"}


def test_labels_are_live(api):
    container = api.waiting(Labels={"keep": "1", "old": "2"})
    answer = change(api, container, Labels={"new": "x", "keep": "3"}, LabelsRemove=["old"])
    assert (answer["Live"], answer["NextStart"]) == (["Labels"], [])
    assert config(api, container)["Labels"] == {"keep": "3", "new": "x"}
    found = api.get("/containers/json", filters={"label": ["new=x"]}).json()
    assert [c["Id"] for c in found] == [container]
    assert api.get("/containers/json", filters={"label": ["old"]}).json() == []


def test_command_at_the_next_start(api):
    container = saying(api, "one", Env=["A=1"])
    said(api, container, "A=1 B= HOME=/root one")
    pid = api.state(container)["Pid"]
    answer = change(api, container, Cmd=["-c", SAY, "x", "two words"], Entrypoint=["sh"])
    assert answer["NextStart"] == ["Cmd", "Entrypoint"]
    told = api.inspect(container)
    assert (told["Path"], told["Args"][-1], told["State"]["Pid"]) == ("sh", "two words", pid)
    restart(api, container)
    said(api, container, "A=1 B= HOME=/root two words")
    change(api, container, Entrypoint=[], Cmd=["sh", "-c", SAY, "x", "three"])
    assert config(api, container)["Entrypoint"] is None
    restart(api, container)
    said(api, container, "A=1 B= HOME=/root three")


def test_apply_restart(api):
    container = saying(api, Env=["A=1"], host={"AutoRemove": True})
    api.exec(container, "sh", "-c", "echo kept > /kept")
    pid = api.state(container)["Pid"]
    answer = change(api, container, Env=["A=2"], Labels={"k": "v"}, Apply="restart")
    assert sorted(answer["Live"]) == ["Env", "Labels"] and answer["NextStart"] == [] and answer["Restarted"]
    assert api.state(container)["Running"] and api.state(container)["Pid"] != pid
    said(api, container, "A=2 B= HOME=/root ")
    # The same container: its id and its writable layer.
    assert api.exec(container, "cat", "/kept")[1] == "kept\n"


def test_apply_restart_only_where_it_is_needed(api):
    running = api.waiting()
    pid = api.state(running)["Pid"]
    assert not change(api, running, Labels={"k": "v"}, Apply="restart")["Restarted"]
    assert api.state(running)["Pid"] == pid
    stopped = api.create("true")
    answer = change(api, stopped, Env=["A=2"], Apply="restart")
    assert (answer["Restarted"], answer["NextStart"]) == (False, ["Env"])
    assert api.state(stopped)["Status"] == "created"


def test_a_restart_that_fails_can_be_taken_back(api):
    container = saying(api, Env=["A=1"])
    message = change(api, container, expect=400, Cmd=["/nosuch"], Apply="restart")
    assert "revision 2 is made, but the restart failed" in message and "no such file" in message
    assert api.state(container)["Status"] == "exited"
    rollback(api, container)
    api.start(container)
    said(api, container, "A=1 B= HOME=/root ")


def test_stopped(api):
    container = saying(api, start=False, Env=["A=1"])
    answer = change(api, container, Env=["A=2"], Labels={"k": "v"})
    assert (answer["Live"], answer["NextStart"]) == (["Labels"], ["Env"])
    assert "NextStart" not in api.inspect(container)
    api.start(container)
    said(api, container, "A=2 B= HOME=/root ")


def test_together_with_limits(api):
    container = api.waiting()
    body = {"Memory": 48 << 20, "RestartPolicy": {"Name": "always"}, "Change": {"Labels": {"k": "v"}}}
    answer = api.post(f"/containers/{container}/update", body).json()
    assert sorted(answer["Live"]) == ["Labels", "Resources", "RestartPolicy"]
    (first, second) = revisions(api, container)
    assert first["HostConfig"]["Memory"] == 0 and second["HostConfig"]["Memory"] == 48 << 20


def test_execs_have_the_new_environment(api):
    container = api.waiting(Env=["A=1"])
    change(api, container, Env=["A=2"])
    assert api.exec(container, "sh", "-c", "echo $A")[1] == "2\n"


@pytest.mark.parametrize(
    "fields,text",
    [
        ({"Env": ["=x"]}, "invalid environment variable: =x"),
        ({"Env": ["NAME"]}, "invalid environment variable: NAME"),
        ({"EnvRemove": ["NOSUCH"]}, 'the container has no environment variable "NOSUCH"'),
        ({"LabelsRemove": ["nosuch"]}, 'the container has no label "nosuch"'),
        ({"Cmd": [], "Entrypoint": []}, "no command specified"),
        ({"Cmd": ["a\0b"]}, "NUL"),
        ({"Env": "x"}, "cannot unmarshal string"),
        ({"Apply": "sometime", "Labels": {"a": "b"}}, 'invalid Apply "sometime"'),
        ({"PortsAdd": {"99999/tcp": [{"HostPort": "1"}]}}, 'invalid port specification: "99999/tcp"'),
        ({"PortsAdd": {"80/tcp": [{"HostPort": "80-10"}]}}, 'invalid port specification: "80-10"'),
        ({"PortsAdd": {"80/tcp": [{"HostIp": "1.2.3", "HostPort": "8"}]}}, "invalid IP address: 1.2.3"),
        ({"PortsAdd": {"80/tcp": []}}, "no binding for port 80/tcp"),
        ({"PortsRemove": {"80/tcp": None}}, 'the container has no published port "80/tcp"'),
        ({"MountsRemove": ["/nosuch"]}, 'the container has no mount "/nosuch"'),
        ({"BindsAdd": ["relative:x:y"]}, "invalid mode: y"),
        ({"BindsAdd": ["/tmp:/there:z", "/etc:/there"]}, "Duplicate mount point: /there"),
        ({"BindsAdd": ["/tmp:/taken"]}, "Duplicate mount point: /taken"),
        ({"MountsAdd": [{"Type": "bind", "Source": "/no/such", "Target": "/x"}]}, "bind source path does not exist: /no/such"),
        ({"MountsAdd": [{"Type": "strange", "Target": "/x"}]}, "mount type unknown"),
    ],
    ids=lambda value: "",
)  # fmt: skip
def test_refused(api, fields, text):
    container = api.waiting(Env=["A=1"], Labels={"k": "v"}, host={"Binds": ["data:/taken"]})
    before = api.inspect(container)
    assert text in change(api, container, expect=400, **fields)
    assert api.inspect(container) == before
    assert len(revisions(api, container)) == 1


def test_no_such_container(api):
    assert change(api, "nosuch", expect=404, Labels={"a": "b"}) == "No such container: nosuch"
    assert api.get("/containers/nosuch/revisions", expect=404).message == "No such container: nosuch"
    assert rollback(api, "nosuch", expect=404) == "No such container: nosuch"


def test_revisions(api):
    container = api.waiting(Env=["A=1"], Labels={"k": "1"})
    (only,) = revisions(api, container)
    assert (only["Revision"], only["Changes"], only["Current"]) == (1, [], True)
    assert only["Created"] == api.inspect(container)["Created"]
    change(api, container, Labels={"k": "2", "new": ""}, Env=["B=1"], EnvRemove=["A"])
    change(api, container, Labels={"k": "2"})  # nothing new in that
    api.post(f"/containers/{container}/update", {"CpuShares": 300})
    first, second, third = revisions(api, container)
    assert [r["Current"] for r in (first, second, third)] == [False, False, True]
    assert second["Changes"] == ["Labels ~k +new", "Env +B -A"] and third["Changes"] == ["Resources"]
    assert first["Config"]["Labels"] == {"k": "1"} and "A=1" in first["Config"]["Env"]
    assert third["HostConfig"]["CpuShares"] == 300
    assert first["Created"] < second["Created"] < third["Created"]


def test_rollback(api):
    container = saying(api, Env=["A=1"], Labels={"k": "1"})
    change(api, container, Env=["A=2"], Labels={"k": "2"})
    change(api, container, Env=["A=3"])
    answer = rollback(api, container)
    assert (answer["Revision"], answer["NextStart"]) == (4, ["Env"])
    assert "A=2" in config(api, container)["Env"]
    # What the process was started with is what it is to be again: nothing waits.
    answer = rollback(api, container, revision=1)
    assert (answer["Revision"], answer["Live"], answer["NextStart"]) == (5, ["Labels", "Env"], [])
    assert config(api, container)["Labels"] == {"k": "1"} and "A=1" in config(api, container)["Env"]
    assert rollback(api, container, revision=3, apply="restart")["Restarted"]
    said(api, container, "A=3 B= HOME=/root ")
    assert [r["Revision"] for r in revisions(api, container)] == [1, 2, 3, 4, 5, 6]


def test_rollback_lifts_limits(api):
    from harness import cgroups  # pylint: disable=import-outside-toplevel

    container = api.waiting()
    group = cgroups.Group(api.daemon, container)
    before = (group.memory(), group.pids(), group.quota())
    update = {"Memory": 48 << 20, "PidsLimit": 20, "CpuQuota": 20000}
    api.post(f"/containers/{container}/update", update)
    assert (group.memory(), group.pids()) == (48 << 20, "20")
    assert rollback(api, container)["Live"] == ["Resources"]
    assert (group.memory(), group.pids(), group.quota()) == before


def test_rollback_refused(api):
    container = api.waiting()
    assert "never changed" in rollback(api, container, expect=409)
    assert "no such revision: 7" in rollback(api, container, expect=404, revision=7)
    assert "strconv" in rollback(api, container, expect=400, revision="x")
    assert 'invalid apply "y"' in rollback(api, container, expect=400, apply="y")


def test_history_is_bounded(api):
    container = api.create("true")
    for number in range(60):
        change(api, container, Labels={"n": str(number)})
    kept = revisions(api, container)
    assert [r["Revision"] for r in kept] == list(range(12, 62))
    assert "no such revision: 11" in rollback(api, container, expect=404, revision=11)


def test_events(api):
    container = api.waiting()
    change(api, container, Labels={"told": "yes"})
    rollback(api, container)
    query = {"since": 1, "until": int(time.time()) + 1, "filters": {"event": ["update"], "container": [container]}}
    first, second = api.get("/events", **query).json_lines()
    assert first["Actor"]["Attributes"]["told"] == "yes"
    assert "told" not in second["Actor"]["Attributes"]


def test_survives_a_crash(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    container = saying(api, Env=["A=1"])
    change(api, container, Env=["A=2"], Labels={"k": "v"})
    daemon.kill()
    daemon.start()
    told = api.inspect(container)
    assert (told["Revision"], told["NextStart"], told["Config"]["Labels"]) == (2, ["Env"], {"k": "v"})
    assert [r["Revision"] for r in revisions(api, container)] == [1, 2]
    assert rollback(api, container)["NextStart"] == []
    daemon.kill()
    daemon.start()
    assert api.inspect(container)["Revision"] == 3 and "NextStart" not in api.inspect(container)
    restart(api, container)
    said(api, container, "A=1 B= HOME=/root ")


@pytest.mark.parametrize("point", ["container.record.commit", "container.update.ports"])
def test_crash_in_between(own_daemon, point):
    """The old revision or the new one, and no half of either."""
    daemon = own_daemon()
    api = daemon.api
    container = api.waiting(Labels={"k": "old"})
    daemon.stop()
    daemon.start(environment={"GANTRY_FAILPOINTS": f"{point}=kill"})
    with pytest.raises((OSError, wire.Closed, AssertionError)):
        change(api, container, Labels={"k": "new"}, PortsAdd={"80/tcp": [{"HostPort": "18451"}]})
    daemon.process.wait(20)
    daemon.start()
    told = api.inspect(container)
    new = told.get("Revision", 1) == 2
    assert told["Config"]["Labels"] == {"k": "new" if new else "old"}
    assert bool(told["NetworkSettings"]["Ports"].get("80/tcp")) == new
    assert len(revisions(api, container)) == (2 if new else 1)
    change(api, container, Labels={"again": ""})


def test_command_line(gantry, api):
    name = gantry.out("run", "-d", "--name", "web", "-e", "A=1", "--label", "k=v", IMAGE, "sh", "-c", SAY, "x", "one")
    done = gantry("update", "-e", "A=2", "--env-rm", "HOME2", "--label", "new=1", "web", code=1)
    assert 'no environment variable "HOME2"' in done.err and done.out == ""
    done = gantry("update", "-e", "A=2", "-e", "B=3", "-l", "new=1", "--label-rm", "k", "--memory", "48m", "--memory-swap", "96m", "web", code=0)
    assert done.out == "web\n" and done.err == "web: in effect from its next start: Env\n"
    command = 'sh -c \'echo "A=$A B=$B $*"; exec /bin/probe wait\' x "two words"'
    done = gantry("update", "--command", command, "--apply", "restart", "web", code=0)
    assert (done.out, done.err) == ("web\n", "")
    wait.until(lambda: "A=2 B=3 two words" in api.logs(name)[0].decode(), "it was restarted")
    table = gantry.out("container", "revisions", "web").splitlines()
    assert table[0].split() == ["REVISION", "CREATED", "CURRENT", "CHANGES"]
    assert table[1].split()[0] == "3" and table[1].split()[-2:] == ["*", "Cmd"]
    assert table[2].endswith("Resources; Labels +new -k; Env ~A +B")
    assert gantry.out("revisions", "-q", "web").split() == ["3", "2", "1"]
    done = gantry("rollback", "--apply", "restart", "web", "1", code=0)
    assert done.out == "web\n"
    assert config(api, name)["Labels"] == {"k": "v"}
    assert gantry.out("container", "history", "--format", "{{.Revision}}{{.Current}}", "web").split() == ["4*", "3", "2", "1"]
    assert "no such revision" in gantry("rollback", "web", "77", code=1).err


def test_files_on_the_command_line(gantry, api, tmp_path):
    name = gantry.out("create", "--name", "web", "-e", "A=1", IMAGE, "true")
    (tmp_path / "env").write_text("A=2\n# a comment\nB=two words\n")
    (tmp_path / "labels").write_text("k=v\n")
    gantry("update", "--env-file", str(tmp_path / "env"), "--label-file", str(tmp_path / "labels"), "web", code=0)
    assert {"A=2", "B=two words"} <= set(config(api, name)["Env"]) and "A=1" not in config(api, name)["Env"]
    assert config(api, name)["Labels"] == {"k": "v"}


def test_entrypoint_on_the_command_line(gantry, api):
    name = gantry.out("create", IMAGE, "true")
    gantry("update", "--entrypoint", '["/bin/echo", "a b"]', "--command", r"c\ d 'e f'", name, code=0)
    told = config(api, name)
    assert (told["Entrypoint"], told["Cmd"]) == (["/bin/echo", "a b"], ["c d", "e f"])
    assert gantry("start", "-a", name, code=0).out == "a b c d e f\n"
    gantry("update", "--entrypoint", "", name, code=0)
    assert config(api, name)["Entrypoint"] is None
    assert "a quote has no end" in gantry("update", "--command", "x 'y", name, code=1).err


def test_stock_client_sees_ordinary_results(cli, api):
    name = cli.out("run", "-d", "--label", "k=1", IMAGE, "/bin/probe", "wait")
    change(api, name, Labels={"k": "2"}, Env=["A=2"])
    assert cli.out("inspect", "-f", "{{.Config.Labels.k}} {{.State.Running}}", name) == "2 true"
    assert cli.out("ps", "-q", "--no-trunc", "--filter", "label=k=2") == name
    cli("update", "--memory", "48m", "--memory-swap", "96m", name, code=0)
    assert "A=2" in cli.out("inspect", "-f", "{{.Config.Env}}", name)
