"""Flags of the commands around `run` that no other test uses, and a look whether there are any left."""

import ast
import functools
import glob
import json
import os
import re
import signal
import time

import pytest

from harness import cgroups, wait
from harness.image import IMAGE
from test_run_flags import COMMANDS, help_flags


def events_of(api, container, action):
    events = api.get("/events", since=1, until=int(time.time()) + 1, filters={"container": [container]}).json_lines()
    return [e for e in events if e["Action"] == action]


SAME = """
    --add-host a:10.0.0.1 --annotation x=y --blkio-weight 300 --cap-add NET_ADMIN --cap-drop CHOWN --cgroup-parent /p
    --cgroupns private --cpu-period 50000 --cpu-quota 25000 --cpu-shares 300 --cpuset-cpus 0 --cpuset-mems 0 --device /dev/null:/dev/x
    --device-cgroup-rule c:1:3:r --dns 192.0.2.1 --dns-option ndots:2 --dns-search x --domainname d --entrypoint true --env A=1
    --expose 81 --group-add 7 --health-cmd x --health-interval 1s --health-retries 2 --health-start-interval 2s --health-start-period 3s
    --health-timeout 4s --hostname h --init --interactive --ipc shareable --isolation default --label l=m --log-driver json-file
    --log-opt max-size=1m --mac-address 92:d0:c6:0a:29:33 --memory 64m --memory-reservation 32m --memory-swap 128m
    --memory-swappiness 5 --network bridge --oom-kill-disable --oom-score-adj 5 --pids-limit 9 --privileged --publish 18400:82
    --publish-all --read-only --restart on-failure:2 --security-opt no-new-privileges --shm-size 8m --stop-signal INT --stop-timeout 7
    --sysctl net.core.somaxconn=7 --tmpfs /t --tty --ulimit core=0 --user 7 --uts host --volume /vol --workdir /w
""".replace("c:1:3:r", "c_1:3_r").split()  # fmt: skip

# As they come from the daemon, or from a terminal that only one of the two has.
OF_ITS_OWN = {"Hostname", "ConsoleSize", "AttachStdin", "AttachStderr", "AttachStdout", "StdinOnce"}


def test_create_makes_what_run_makes(cli):
    """The flags of `create` are those of `run`, and they mean the same."""
    words = [word.replace("c_1:3_r", "c 1:3 r") for word in SAME]
    words = [w for w in words if w not in ("--uts", "host", "--hostname", "h")] + ["--hostname", "h"]
    first = json.loads(cli.out("inspect", cli.out("create", *words, IMAGE, "x")))[0]
    started = cli("run", "-d", *words, IMAGE, "x")
    # the cgroup parent or a limit may be refused here: the container is there all the same
    second = json.loads(cli.out("inspect", cli.out("ps", "-lq", "--no-trunc")))[0]
    assert second["Id"] != first["Id"], started
    for part in ("Config", "HostConfig"):
        a, b = ({k: v for k, v in seen[part].items() if k not in OF_ITS_OWN and k != "Volumes"} for seen in (first, second))
        assert a == b
    assert first["Config"]["Volumes"] == {"/vol": {}}
    cli("rm", "-f", "-v", first["Id"], second["Id"], code=0)


def test_every_flag_of_run_is_one_of_create(cli):
    run, create = (set(help_flags(cli, command)) for command in ("run", "create"))
    assert run - create == {"detach", "detach-keys", "sig-proxy"}


@pytest.mark.parametrize("command", [["start", "-ai"], ["attach"]], ids=lambda c: c[0])
def test_detach_keys(api, cli, command):
    name = cli.out("create", "-it", IMAGE, "sh")
    if command[0] == "attach":
        cli("start", name, code=0)
    with cli.terminal(*command, "--detach-keys", "ctrl-x,x", name) as terminal:
        terminal.type("echo here-$((1+1))\n")
        terminal.expect("here-2")
        terminal.type("\x18x")
        terminal.finish()
    assert api.state(name)["Running"]


def test_detach_keys_of_an_exec(api, cli):
    cli("run", "-d", "--name", "box", IMAGE, "/bin/probe", "wait", code=0)
    with cli.terminal("exec", "-it", "--detach-keys", "ctrl-x,x", "box", "sh") as terminal:
        terminal.expect("# ")
        terminal.type("\x18x")
        terminal.finish()
    assert api.state("box")["Running"]
    assert any("sh" in row[-1] for row in api.get("/containers/box/top").json()["Processes"])


def test_attach_without_stdin(api, cli):
    name = cli.out("run", "-d", "-i", IMAGE, "sh", "-c", "read x; echo got $x")
    deaf = cli.spawn("attach", "--no-stdin", name)
    deaf.stdin.write("not this\n")
    deaf.stdin.flush()
    wait.until(lambda: events_of(api, name, "attach"), "it is attached")
    assert cli("attach", name, stdin="this\n", code=0).out == "got this\n"
    assert deaf.communicate(timeout=60)[0] == "got this\n"


def test_attach_without_signals(api, cli):
    name = cli.out("run", "-d", IMAGE, "/bin/probe", "signals")
    process = cli.spawn("attach", "--sig-proxy=false", name)
    wait.until(lambda: events_of(api, name, "attach"), "it is attached")
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert api.state(name)["Running"] and cli.out("logs", name) == "ready"


def test_privileged_exec(cli):
    cli("run", "-d", "--name", "box", IMAGE, "/bin/probe", "wait", code=0)
    see = ["sh", "-c", "grep CapEff /proc/self/status"]
    few, all_of_them = (int(cli.out("exec", *flags, "box", *see).split()[1], 16) for flags in ([], ["--privileged"]))
    assert not few & (1 << 21) and all_of_them & (1 << 21)  # CAP_SYS_ADMIN


def test_details_of_logs(cli):
    name = cli.out("run", "-d", "--log-opt", "labels=tier", "--label", "tier=web", IMAGE, "echo", "line")
    cli("wait", name, code=0)
    assert cli.out("logs", name) == "line"
    assert cli.out("logs", "--details", name) == "tier=web line"


@pytest.mark.parametrize("flag, paused", [("--pause=false", False), ("--pause", True)])
def test_commit_pauses(api, cli, flag, paused):
    name = cli.out("run", "-d", IMAGE, "/bin/probe", "wait")
    cli("commit", flag, name, "paused:1", code=0)
    assert bool(events_of(api, name, "pause")) == paused


def test_commit_with_a_health_check(cli):
    name = cli.out("create", IMAGE, "true")
    cli("commit", "--change", "HEALTHCHECK --interval=5s --retries=2 CMD test -e /x", name, "checked:1", code=0)
    check = json.loads(cli.out("inspect", "--type", "image", "checked:1"))[0]["Config"]["Healthcheck"]
    assert (check["Test"], check["Interval"], check["Retries"]) == (["CMD-SHELL", "test -e /x"], 5 * 10**9, 2)
    assert "Unknown type" in cli("commit", "--change", "HEALTHCHECK CURL x", name, code=1).err


@pytest.mark.parametrize("flags, controller, file, expected", [
    (["--blkio-weight", "400"], "blkio", "blkio.bfq.weight", "400"),
    (["--cpu-rt-period", "400000", "--cpu-rt-runtime", "0"], "cpu", "cpu.rt_period_us", "400000"),
], ids=["weight", "real time"])  # fmt: skip
def test_update(cli, flags, controller, file, expected):
    name = cli.out("run", "-d", IMAGE, "/bin/probe", "wait")
    done = cli("update", *flags, name)
    path = cgroups.path_of(cli.daemon, name)
    file = file.replace("blkio.bfq", "io.bfq") if cgroups.is_v2() else file
    if cgroups.has(controller, path, file):
        assert done.code == 0 and expected in cgroups.read(controller, path, file)
    else:
        assert "discarded" in done.err.lower()


# Completeness: commands that make or change containers.

WATCHED = [c for c in COMMANDS if not c.startswith(("image", "volume")) and c not in (
    "run", "create", "history", "tag", "rmi", "load", "save", "import", "pull", "version", "info")]  # fmt: skip

# On images, or of checkpoints that a stock daemon does not show either.
NOT_HERE = {"start": {"checkpoint", "checkpoint-dir"}, "system prune": {"volumes", "all"}}


@functools.lru_cache(maxsize=None)
def sources():
    """The tests of all modules with their decorators, as text."""
    found = []
    for name in sorted(glob.glob(os.path.join(os.path.dirname(__file__), "test_*.py"))):
        with open(name, encoding="utf-8") as file:
            text = file.read()
        for node in ast.parse(text).body:
            decorators = getattr(node, "decorator_list", [])
            found.append("".join(ast.get_source_segment(text, part) or "" for part in [*decorators, node]))
    return found


@pytest.mark.parametrize("command", WATCHED)
def test_every_flag_is_used_in_a_test(gantry, command):
    words = [f'"{word}"' for word in command.split()]
    texts = [text for text in sources() if all(word in text for word in words)]
    unused = []
    for flag, short in help_flags(gantry, command).items():
        pattern = rf'"--{re.escape(flag)}["=]' + (rf'|"-[a-zA-Z]*{short}[a-zA-Z]*"' if short else "")
        if flag not in NOT_HERE.get(command, ()) and not any(re.search(pattern, text) for text in texts):
            unused.append(flag)
    assert not unused


@pytest.mark.parametrize("flags, left", [
    ([], {"kept", "both"}), (["--filter", "label=other"], {"kept", "both", "plain"}), (["--filter", "label=keep"], {"other", "plain"}),
], ids=["file", "together", "the flag counts"])  # fmt: skip
def test_prune_filters_of_the_configuration(api, cli, flags, left):
    """config.json's pruneFilters: ["label!=keep"]."""
    if not flags and not cli.is_gantry:
        left = set()  # docker forgets the file's labels when no flag has one
    os.makedirs(os.path.join(cli.home, "config"), exist_ok=True)
    path = os.path.join(cli.home, "config", "config.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"pruneFilters": ["label!=keep"]}, file)
    try:
        for name, labels in (("kept", ["keep"]), ("other", ["other"]), ("both", ["keep", "other"]), ("plain", [])):
            api.create("true", name=name, Labels=dict.fromkeys(labels, "1"))
        cli("container", "prune", "-f", *flags, code=0)
        assert {c["Names"][0][1:] for c in api.get("/containers/json", all=1).json()} == left
    finally:
        os.remove(path)
