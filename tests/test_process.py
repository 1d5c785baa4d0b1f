"""Users, environment, working directory, limits: the process that is started."""

import pytest

from harness import wait
from harness.image import derived

ID = "echo $(id -u):$(id -g):$(id -G | tr ' ' '\\n' | sort -n | tr '\\n' ,)"


@pytest.mark.parametrize(
    "user,expected",
    [
        ("", "0:0:0,10,"),
        ("root", "0:0:0,10,"),
        ("bob", "1000:1000:10,50,1000,"),
        ("1000", "1000:1000:10,50,1000,"),
        ("4242", "4242:0:0,"),
        ("bob:staff", "1000:50:50,"),
        ("4242:4343", "4242:4343:4343,"),
        ("0:1000", "0:1000:1000,"),
        ("daemon:wheel", "1:10:10,"),
    ],
)
def test_users(api, user, expected):
    assert api.shell(ID, User=user).strip() == expected


def test_additional_groups(api):
    assert api.shell(ID, User="bob", host={"GroupAdd": ["daemon", "777"]}).strip() == "1000:1000:1,10,50,777,1000,"


@pytest.mark.parametrize("user", ["nosuch", "-1", "2147483648", "4294967296", "bob:nosuch", "1000:-1", "1000:2147483648", "a:b:c"])
def test_impossible_users(api, user):
    answer = api.create("id", User=user, expect=(201, 400))
    if answer.status == 201:
        container = answer.json()["Id"]
        answer = api.start(container, expect=(204, 400, 500))
        if answer.status == 204:
            api.wait(container)
            assert "uid=0(" not in api.logs(container)[0].decode()
            assert api.daemon.is_docker


def test_environment(api):
    out = api.shell("env | sort", Hostname="box", Env=["B=2", "A=x=y", "EMPTY="])
    assert out.splitlines()[0] == "A=x=y"
    assert {"B=2", "EMPTY=", "HOME=/root", "HOSTNAME=box", "PATH=/bin"} <= set(out.splitlines())
    assert "TERM" not in out


def test_default_path(api):
    api.load_ok(derived("nopath:1", {"Cmd": ["/bin/env"]}))
    out = api.output(image="nopath:1")[1]
    assert "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" in out


@pytest.mark.parametrize("user,home", [("root", "/root"), ("bob", "/home/bob"), ("4242", "/")])
def test_home(api, user, home):
    assert api.shell("echo $HOME", User=user).strip() == home


def test_home_that_was_given(api):
    assert api.shell("echo $HOME", Env=["HOME=/elsewhere"]).strip() == "/elsewhere"


def test_working_directory(api):
    assert api.shell("pwd") == "/\n"
    assert api.shell("pwd", WorkingDir="/tmp/../var/") == "/var\n"
    assert api.shell("pwd; stat -c '%a %u %g' .", WorkingDir="/made/here") == "/made/here\n755 0 0\n"


def test_working_directory_that_is_a_file(api):
    answer = api.create("pwd", WorkingDir="/etc/passwd", expect=(201, 400, 500))
    if answer.status == 201:
        api.start(answer.json()["Id"], expect=(400, 500))


def test_arguments_pass_unchanged(api):
    arguments = ["", " ", "a b", "$HOME", "*", "ä\n", "-x", "'\""]
    code, out, _ = api.output("sh", "-c", 'for a; do printf "<%s>" "$a"; done', "sh", *arguments)
    assert (code, out) == (0, "".join(f"<{a}>" for a in arguments))


def test_many_arguments(api):
    many = ["x" * 100] * 5000
    assert api.output("sh", "-c", "echo $#", "sh", *many)[1] == "5000\n"


def test_pid_1_and_its_parents(api):
    assert api.shell("cat /proc/1/comm; cut -d' ' -f4 /proc/1/stat").split() == ["sh", "0"]


def test_signals_are_as_a_new_process_has_them(api):
    command = ["grep", "-E", "Sig(Blk|Ign|Cgt)", "/proc/self/status"]
    clean = [f"Sig{kind}:\t{0:016x}" for kind in ("Blk", "Ign", "Cgt")]
    assert api.output(*command)[1].splitlines() == clean
    container = api.waiting()
    assert api.exec(container, *command)[1].splitlines() == clean


def test_init(api):
    """--init: PID 1 reaps and forwards, the command is its child."""
    container = api.started("/bin/probe", "wait", host={"Init": True}, expect=201)
    assert api.exec(container, "cat", "/proc/1/comm")[1].strip() != "probe"
    api.exec(container, "sh", "-c", "(sleep 0.1 &) ; true")
    wait.until(
        lambda: " Z " not in api.exec(container, "sh", "-c", "cat /proc/[0-9]*/stat")[1], "reaped"
    )
    api.post(f"/containers/{container}/stop", t=10)
    assert api.state(container)["ExitCode"] == 0


def test_init_passes_the_exit_code(api):
    assert api.output("sh", "-c", "exit 9", host={"Init": True})[0] == 9
    assert api.output("sh", "-c", "kill -KILL $$", host={"Init": True})[0] == 137


def test_ulimits(api):
    limits = [{"Name": "nofile", "Soft": 100, "Hard": 200}, {"Name": "core", "Soft": 0, "Hard": 0}]
    out = api.shell("ulimit -n; ulimit -Hn; ulimit -c", host={"Ulimits": limits})
    assert out.split() == ["100", "200", "0"]


def test_oom_score_adj(api):
    assert api.shell("cat /proc/self/oom_score_adj", host={"OomScoreAdj": 500}).strip() == "500"


def test_sysctls(api):
    out = api.shell("cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax", host={"Sysctls": {"net.ipv4.ip_forward": "0", "kernel.msgmax": "4096"}})
    assert out.split() == ["0", "4096"]


def cgroup_value(api, container, controller, name):
    """The value of a cgroup file, as the host sees it."""
    with open(f"/proc/{api.state(container)['Pid']}/cgroup", encoding="utf-8") as file:
        for line in file:
            _, controllers, path = line.strip().split(":", 2)
            if controller in controllers.split(","):
                with open(f"/sys/fs/cgroup/{controller}{path}/{name}", encoding="utf-8") as value:
                    return value.read().strip()
    pytest.skip("no cgroup v1 hierarchy with " + controller)
    return None


def test_memory_limit(api):
    container = api.waiting(host={"Memory": 64 << 20, "MemoryReservation": 32 << 20})
    assert cgroup_value(api, container, "memory", "memory.limit_in_bytes") == str(64 << 20)
    assert cgroup_value(api, container, "memory", "memory.soft_limit_in_bytes") == str(32 << 20)


def test_out_of_memory(api):
    container = api.started("/bin/probe", "eat", "200", host={"Memory": 16 << 20, "MemorySwap": 16 << 20})
    assert api.wait(container) == 137
    assert api.state(container)["OOMKilled"] is True


def test_a_kill_is_no_oom(api):
    container = api.waiting(host={"Memory": 16 << 20})
    api.post(f"/containers/{container}/kill")
    api.wait(container)
    assert api.state(container)["OOMKilled"] is False


def test_pids_limit(api):
    out = api.output("/bin/probe", "fork", "50", host={"PidsLimit": 10})[1]
    assert int(out) < 10
    for value in (0, -1):
        assert int(api.output("/bin/probe", "fork", "50", host={"PidsLimit": value})[1]) == 50


def test_cpus(api):
    out = api.output("/bin/probe", "spin", "2", host={"NanoCpus": 200_000_000})[1]
    assert int(out) < 900, "0.2 CPUs for 2 seconds are 400 ms"
    container = api.waiting(host={"NanoCpus": 1_500_000_000, "CpuShares": 512})
    assert cgroup_value(api, container, "cpu", "cpu.cfs_quota_us") == "150000"
    assert cgroup_value(api, container, "cpu", "cpu.shares") == "512"


def test_cpuset(api):
    assert api.shell("grep Cpus_allowed_list /proc/self/status", host={"CpusetCpus": "0"}).split()[1] == "0"
