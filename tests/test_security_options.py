"""--security-opt, and the daemon's defaults for it."""

import json

import pytest

from harness import api as apis
from harness.image import IMAGE

EPERM = "errno 1"
# A profile that allows everything but one call (mkdir, 83) and refuses that in its own way.
PROFILE = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 77}]}


def status(api, **options):
    out = api.shell("cat /proc/self/status", **options)
    return {k: v.strip() for k, _, v in (line.partition(":") for line in out.splitlines())}


def exec_status(api, container, **options):
    out = api.exec(container, "cat", "/proc/self/status", **options)[1]
    return {k: v.strip() for k, _, v in (line.partition(":") for line in out.splitlines())}


def option(*words):
    return {"SecurityOpt": list(words)}


def test_no_new_privileges_by_default(own_daemon):
    api = own_daemon(flags=["--no-new-privileges"]).api
    assert status(api)["NoNewPrivs"] == "1"
    assert status(api, host=option("no-new-privileges=false"))["NoNewPrivs"] == "0"
    container = api.waiting()
    assert exec_status(api, container)["NoNewPrivs"] == "1"
    assert exec_status(api, container, Privileged=True)["NoNewPrivs"] == "1"
    assert "name=no-new-privileges" in api.get("/info").json()["SecurityOptions"]


def test_no_new_privileges_of_execs(api):
    container = api.waiting(host=option("no-new-privileges"))
    assert exec_status(api, container)["NoNewPrivs"] == "1"
    assert exec_status(api, container, Privileged=True)["NoNewPrivs"] == "1"


def test_seccomp_profile_of_the_daemon(own_daemon, tmp_path):
    (tmp_path / "profile.json").write_text(json.dumps(PROFILE))
    api = own_daemon(settings={"seccomp-profile": str(tmp_path / "profile.json")}).api
    call = ("/bin/probe", "syscall", "83", "0")
    assert api.output(*call)[1].strip() == "errno 77"
    assert api.exec(api.waiting(), *call)[1].strip() == "errno 77"
    assert api.output(*call, host=option("seccomp=builtin"))[1].strip() != "errno 77"
    assert api.output("/bin/probe", "syscall", "250", "0", host=option("seccomp=builtin"))[1].strip() == EPERM
    assert api.output(*call, host=option("seccomp=unconfined"))[1].strip() != "errno 77"
    assert status(api, host={"Privileged": True})["Seccomp"] == "0"
    assert f"name=seccomp,profile={tmp_path}/profile.json" in api.get("/info").json()["SecurityOptions"]


def test_daemon_without_seccomp(own_daemon):
    api = own_daemon(flags=["--seccomp-profile", "unconfined"]).api
    assert status(api)["Seccomp"] == "0"
    assert status(api, host=option("seccomp=builtin"))["Seccomp"] == "2"
    assert "name=seccomp,profile=unconfined" in api.get("/info").json()["SecurityOptions"]


@pytest.mark.parametrize("text", [None, "{", '{"defaultAction": "SCMP_ACT_NOSUCH"}'])
def test_daemon_refuses_a_bad_profile(own_daemon, tmp_path, text):
    path = tmp_path / "profile.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(AssertionError, match=str(path)):
        own_daemon(flags=["--seccomp-profile", str(path)])


@pytest.mark.parametrize(
    "words,text",
    [
        ("nosuch=1", "invalid --security-opt"),
        ("no-new-privileges=maybe", "invalid --security-opt"),
        ("seccomp={", ""),
        ("seccomp", "invalid --security-opt"),
    ],
)
def test_refused_options(api, words, text):
    assert text in api.create("true", host=option(words), expect=400).message
    assert api.get("/containers/json", all=1).json() == []


def test_lsm_options(api):
    """There is neither AppArmor nor SELinux here: only what asks for none can be honoured."""
    for words in ("apparmor=unconfined", "label=disable", "apparmor:unconfined", "label:disable"):
        api.remove(api.create("true", host=option(words)))
    if api.daemon.is_docker:
        return  # takes the others and forgets them
    answer = api.create("true", host=option("apparmor=mine"), expect=(400, 501))
    assert "AppArmor" in answer.message and "mine" in answer.message
    answer = api.create("true", host=option("label=type:mine"), expect=(400, 501))
    assert "SELinux" in answer.message and "type:mine" in answer.message


def test_options_by_flag(cli, tmp_path):
    (tmp_path / "profile.json").write_text(json.dumps(PROFILE))
    probe = (IMAGE, "/bin/probe", "syscall", "83", "0")
    assert cli.out("run", "--rm", "--security-opt", f"seccomp={tmp_path}/profile.json", *probe) == "errno 77"
    status_of = lambda *flags: cli.out("run", "--rm", *flags, IMAGE, "cat", "/proc/self/status")
    assert "NoNewPrivs:\t1" in status_of("--security-opt", "no-new-privileges:true")
    assert "NoNewPrivs:\t0" in status_of("--security-opt", "no-new-privileges=false")
    assert "Seccomp:\t0" in status_of("--security-opt", "seccomp=unconfined")
    out = cli.out("run", "--rm", "--security-opt", "systempaths=unconfined", IMAGE, "cat", "/proc/self/mountinfo")
    assert " /proc/kcore " not in out and " /proc/sys " not in out
    result = cli("run", "--rm", "--security-opt", "seccomp=/nosuch", IMAGE, "true", code=125)
    assert "opening seccomp profile (/nosuch) failed" in result.err


CGROUP = "d=/sys/fs/cgroup; [ -e $d/cgroup.controllers ] || d=$d/pids; mkdir $d/sub 2>&1 && echo made; true"


def test_writable_cgroups(api):
    for privileged in (False, True):
        host = {"CgroupnsMode": "private", "Privileged": privileged}
        for word, writable in (("writable-cgroups=true", True), ("writable-cgroups=false", False), (None, privileged)):
            out = api.shell(CGROUP, host=dict(host, SecurityOpt=[word] if word else []))
            assert out == "made\n" if writable else "Read-only" in out, (privileged, word)


def test_writable_cgroups_by_flag(cli):
    out = cli.out("run", "--rm", "--cgroupns", "private", "--security-opt", "writable-cgroups=true", IMAGE, "sh", "-c", CGROUP)
    assert out == "made"
    assert 'invalid --security-opt 2: "writable-cgroups=x"' in cli("create", "--security-opt", "writable-cgroups=x", IMAGE, code=1).err


def test_annotations(api):
    container = api.create("true", host={"Annotations": {"org.example.key": "value"}})
    assert api.inspect(container)["HostConfig"]["Annotations"] == {"org.example.key": "value"}
    answer = api.create("true", host={"Annotations": {"": "x"}}, expect=400)
    assert "invalid Annotations" in answer.message
    old = apis.Api(api.daemon, api.description, "1.42")
    container = old.create("true", host={"Annotations": {"a": "b"}})
    assert not api.inspect(container)["HostConfig"].get("Annotations")
