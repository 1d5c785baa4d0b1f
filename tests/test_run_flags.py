"""Every flag of `docker run --help`, and of its sisters, does what it says.

A test names the flags whose effect it sees with @covers; it must fail if one of them were ignored.
For the other commands the tests are wherever they are: a flag needs one that uses it.
"""

import glob
import json
import os
import re
import signal
import stat
import time

import pytest

from harness import cgroups, image, wait
from harness.image import IMAGE

COVERED = {}


def covers(*flags, of="run"):
    def note(test):
        COVERED.setdefault(of, {}).update(dict.fromkeys(flags, test.__name__))
        return test

    return note


def run(cli, *arguments, code=0, **options):
    """(stdout, stderr) of a container that is removed then."""
    done = cli("run", "--rm", *arguments, code=code, **options)
    return done.out, done.err


def inspect(cli, container):
    return json.loads(cli.out("inspect", container))[0]


@covers("add-host", "dns", "dns-option", "dns-search", "hostname", "domainname")
def test_names(cli):
    out, _ = run(
        cli, "--add-host", "db:10.0.0.1", "--dns", "192.0.2.1", "--dns-option", "ndots:3", "--dns-search", "example.org",
        "--hostname", "box", "--domainname", "example.net", IMAGE, "sh", "-c",
        "cat /etc/hosts /etc/resolv.conf /proc/sys/kernel/domainname; hostname",
    )  # fmt: skip
    for text in ("10.0.0.1\tdb\n", "nameserver 192.0.2.1\n", "options ndots:3\n", "search example.org\n", "\tbox.example.net box\n"):
        assert text in out
    assert out.endswith("\nexample.net\nbox\n")


@covers("cpu-shares", "cpu-period", "cpu-quota", "cpuset-cpus", "cpuset-mems", "memory", "memory-reservation",
        "memory-swap", "pids-limit")  # fmt: skip
def test_limits(cli):
    container = cli.out(
        "run", "-d", "--cpu-shares", "512", "--cpu-period", "50000", "--cpu-quota", "25000", "--cpuset-cpus", "0", "--cpuset-mems", "0",
        "--memory", "96m", "--memory-reservation", "32m", "--memory-swap", "200m", "--pids-limit", "17", IMAGE, "/bin/probe", "wait",
    )  # fmt: skip
    group = cgroups.Group(cli.daemon, container)
    assert group.shares() == (1 + (512 - 2) * 9999 // 262142 if cgroups.is_v2() else 512)
    assert (group.quota(), group.cpus(), group.mems(), group.pids()) == ((25000, 50000), "0", "0", "17")
    assert (group.memory(), group.reservation(), group.swap()) == (96 << 20, 32 << 20, 200 << 20)


@covers("cpus")
def test_cpus(cli):
    container = cli.out("run", "-d", "--cpus", "0.5", IMAGE, "/bin/probe", "wait")
    assert cgroups.Group(cli.daemon, container).quota() == (50000, 100000)


def value_or_warning(cli, flags, controller, file, expected, warning):
    """Where the kernel has FILE it holds EXPECTED; where not, the user is told."""
    done = cli("run", "-d", *flags, IMAGE, "/bin/probe", "wait")
    container = done.out.strip()
    path = cgroups.path_of(cli.daemon, container)
    if done.code != 0:
        assert file in done.err  # the kernel has it, and the device does not want it
    elif cgroups.has(controller, path, file):
        assert expected in cgroups.read(controller, path, file)
    else:
        assert warning in done.err


@covers("cpu-rt-period", "cpu-rt-runtime")
def test_real_time(cli):
    flags = ["--cpu-rt-period", "500000", "--cpu-rt-runtime", "0"]
    value_or_warning(cli, flags, "cpu", "cpu.rt_period_us", "500000", "CPU real-time scheduler")
    # the parent has nothing to give
    done = cli("run", "--cpu-rt-runtime", "1000", IMAGE, "true")
    assert done.code != 0 or "CPU real-time scheduler" in done.err


@covers("blkio-weight", "blkio-weight-device")
@pytest.mark.parametrize("flags, file, expected, warning", [
    (["--blkio-weight", "300"], "blkio.bfq.weight", "300", "Block I/O weight"),
    (["--blkio-weight-device", "{disk}:300"], "blkio.bfq.weight_device", "300", "Block I/O weight_device"),
])  # fmt: skip
def test_block_io_weight(cli, tmp_path, flags, file, expected, warning):
    if "{disk}" in flags[1]:
        flags = [flags[0], flags[1].format(disk=block_device(tmp_path)[0])]
    value_or_warning(cli, flags, "blkio", file.replace("blkio.bfq", "io.bfq") if cgroups.is_v2() else file, expected, warning)


def block_device(directory):
    """(a node in DIRECTORY, "major:minor") of a disk that the kernel has."""
    for entry in sorted(glob.glob("/sys/block/*/dev")):
        with open(entry, encoding="utf-8") as file:
            numbers = file.read().strip()
        path = f"/dev/..{directory}/disk"  # the clients want names in /dev
        os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(*map(int, numbers.split(":"))))
        return path, numbers
    return pytest.skip("there is no block device")


@covers("device-read-bps", "device-write-bps", "device-read-iops", "device-write-iops")
def test_block_io_throttles(cli, tmp_path):
    path, numbers = block_device(tmp_path)
    done = cli(
        "run", "-d", "--device-read-bps", f"{path}:1mb", "--device-write-bps", f"{path}:2mb", "--device-read-iops", f"{path}:11",
        "--device-write-iops", f"{path}:12", IMAGE, "/bin/probe", "wait", code=0,
    )  # fmt: skip
    group = cgroups.path_of(cli.daemon, done.out.strip())
    if cgroups.is_v2():
        text = cgroups.read("io", group, "io.max")
        assert f"{numbers} rbps=1048576 wbps=2097152 riops=11 wiops=12" in text
        return
    for name, value in (("read_bps", 1 << 20), ("write_bps", 2 << 20), ("read_iops", 11), ("write_iops", 12)):
        assert f"{numbers} {value}" in cgroups.read("blkio", group, f"blkio.throttle.{name}_device")


@covers("oom-kill-disable", "oom-score-adj", "memory-swappiness")
def test_out_of_memory(cli):
    done = cli(
        "run", "-d", "-m", "64m", "--oom-kill-disable", "--memory-swappiness", "7", "--oom-score-adj", "555", IMAGE,
        "sh", "-c", "cat /proc/self/oom_score_adj; sleep 1000", code=0,
    )  # fmt: skip
    container = done.out.strip()
    wait.until(lambda: cli.out("logs", container) == "555", "the score")
    path = cgroups.path_of(cli.daemon, container)
    if cgroups.is_v2():
        assert "OomKillDisable discarded" in done.err and "swappiness discarded" in done.err
    else:
        assert cgroups.read("memory", path, "memory.swappiness") == "7"
        assert "oom_kill_disable 1" in cgroups.read("memory", path, "memory.oom_control")
    cli("rm", "-f", container, code=0)


@covers("cap-add", "cap-drop", "privileged", "security-opt")
def test_rights(cli):
    see = "grep -E 'CapEff|NoNewPrivs' /proc/self/status"
    out, _ = run(cli, "--cap-drop", "ALL", "--cap-add", "NET_ADMIN", "--security-opt", "no-new-privileges", IMAGE, "sh", "-c", see)
    assert out.split() == ["CapEff:", "0000000000001000", "NoNewPrivs:", "1"]
    out, _ = run(cli, "--privileged", IMAGE, "sh", "-c", see)
    assert int(out.split()[1], 16) & (1 << 21) and out.split()[3] == "0"  # CAP_SYS_ADMIN


@covers("device", "device-cgroup-rule")
def test_devices(cli):
    run(cli, "--device", "/dev/null:/dev/mine:rw", IMAGE, "sh", "-c", "echo x > /dev/mine")
    make = "mknod /tmp/k c 1 11 && : > /tmp/k"  # /dev/kmsg
    assert "not permitted" in run(cli, IMAGE, "sh", "-c", make, code=1)[1]
    run(cli, "--device-cgroup-rule", "c 1:11 w", IMAGE, "sh", "-c", make)


@covers("gpus")
def test_gpus(cli):
    assert "could not select device driver" in cli("run", "--gpus", "all", IMAGE, "true", code=125).err


@covers("cgroup-parent")
@pytest.mark.gantry_only("its cgroups are not below the name alone")
def test_cgroup_parent(cli):
    parent = f"gantry-flag-{os.getpid()}-{cli.name}"
    container = cli.out("run", "-d", "--cgroup-parent", "/" + parent, IMAGE, "/bin/probe", "wait")
    group = cgroups.Group(cli.daemon, container, parent)
    try:
        assert group.exists()
    finally:
        cli("rm", "-f", container)
        # CLI and API return before the cgroup is gone
        roots = [os.path.join(cgroups.ROOT, name, parent) for name in os.listdir(cgroups.ROOT)] + [os.path.join(cgroups.ROOT, parent)]
        for path in filter(os.path.isdir, roots):
            wait.until(lambda top=path: not any(e.is_dir() for e in os.scandir(top)), f"{path} is empty")
            os.rmdir(path)


@covers("cgroupns", "ipc", "pid", "uts", "userns", "network")
def test_namespaces(cli):
    see = "for n in cgroup ipc pid uts net; do readlink /proc/self/ns/$n; done"
    own, _ = run(cli, "--cgroupns", "private", IMAGE, "sh", "-c", see)
    host, _ = run(cli, "--cgroupns", "host", "--ipc", "host", "--pid", "host", "--uts", "host", "--network", "host", "--userns", "host",
                  IMAGE, "sh", "-c", see)  # fmt: skip
    assert len(set(own.split()) | set(host.split())) == 10
    assert host == cli.daemon.netns("/bin/sh", "-c", see).stdout or cli.daemon.is_docker
    assert "--userns: invalid USER mode" in cli("run", "--userns", "x", IMAGE, code=125).err


@covers("cidfile", "name", "annotation", "label", "label-file")
def test_what_it_is_called(cli, tmp_path):
    (tmp_path / "labels").write_text("filed=2\n")
    container = cli.out(
        "run", "-d", "--cidfile", f"{tmp_path}/id", "--name", "called", "--annotation", "org.x=y", "--label", "k=v",
        "--label-file", f"{tmp_path}/labels", IMAGE, "true",
    )  # fmt: skip
    assert (tmp_path / "id").read_text() == container
    seen = inspect(cli, "called")
    assert seen["Id"] == container and seen["HostConfig"]["Annotations"] == {"org.x": "y"}
    assert seen["Config"]["Labels"] == {"k": "v", "filed": "2"}


@covers("entrypoint", "env", "env-file", "user", "workdir", "group-add", "ulimit", "sysctl", "init")
def test_process(cli, tmp_path):
    (tmp_path / "env").write_text("FILED=2\n")
    out, _ = run(
        cli, "--entrypoint", "sh", "--env", "A=1", "--env-file", f"{tmp_path}/env", "--user", "1000:50", "--workdir", "/tmp",
        "--group-add", "77", "--ulimit", "nofile=100:200", "--sysctl", "net.core.somaxconn=77", IMAGE, "-c",
        "echo $A $FILED; id -u; id -g; id -G; pwd; ulimit -n; cat /proc/sys/net/core/somaxconn",
    )  # fmt: skip
    assert out.split("\n") == ["1 2", "1000", "50", "50 77", "/tmp", "100", "77", ""]
    if not cli.daemon.is_docker:  # docker-init is a package of its own
        assert run(cli, "--init", IMAGE, "sh", "-c", "test $$ != 1 && echo yes")[0] == "yes\n"


@covers("expose", "publish", "publish-all")
def test_ports(cli):
    container = cli.out("run", "-d", "--publish", "127.0.0.1:18300:80", "--expose", "81/udp", "--publish-all", IMAGE, "/bin/probe", "wait")
    assert cli.out("port", container, "80") == "127.0.0.1:18300"
    assert re.fullmatch(r"(0.0.0.0|\[::\]):\d+", cli.out("port", container, "81/udp").split("\n")[0])


@covers("health-cmd", "health-interval", "health-retries", "health-start-interval", "health-start-period", "health-timeout")
def test_health(cli):
    container = cli.out(
        "run", "-d", "--health-cmd", "test -e /no", "--health-interval", "50ms", "--health-retries", "2", "--health-start-period", "10ms",
        "--health-start-interval", "60ms", "--health-timeout", "20s", IMAGE, "/bin/probe", "wait",
    )  # fmt: skip
    second = 10**9
    assert inspect(cli, container)["Config"]["Healthcheck"] == {
        "Test": ["CMD-SHELL", "test -e /no"], "Interval": second // 20, "Timeout": 20 * second, "StartPeriod": second // 100,
        "StartInterval": second * 6 // 100, "Retries": 2,
    }  # fmt: skip
    wait.until(lambda: inspect(cli, container)["State"]["Health"]["Status"] == "unhealthy", "it is unhealthy")


@covers("no-healthcheck")
def test_no_healthcheck(cli, api):
    check = {"Test": ["CMD", "true"], "Interval": 10**9}
    api.load_ok(image.derived("checked:1", {"Cmd": ["/bin/probe", "wait"], "Healthcheck": check, "Env": ["PATH=/bin"]}))
    assert "Health" in inspect(cli, cli.out("run", "-d", "checked:1"))["State"]
    assert inspect(cli, cli.out("run", "-d", "--no-healthcheck", "checked:1"))["State"].get("Health") is None


@covers("interactive", "attach")
def test_streams(cli):
    assert run(cli, "--interactive", IMAGE, "cat", stdin="in") == ("in", "")
    assert run(cli, "--attach", "stderr", IMAGE, "sh", "-c", "echo out; echo err >&2") == ("", "err\n")


@covers("tty", "detach", "detach-keys")
def test_terminal(cli):
    assert run(cli, "--tty", IMAGE, "sh", "-c", "test -t 1 && echo yes")[0] == "yes\n"
    assert len(cli.out("run", "--detach", IMAGE, "true")) == 64
    with cli.terminal("run", "-it", "--detach-keys", "ctrl-x,x", "--name", "kept", IMAGE, "sh") as terminal:
        terminal.expect("# ")
        terminal.type("\x18x")
        assert terminal.finish()[0] == 0
    assert inspect(cli, "kept")["State"]["Running"]


@covers("sig-proxy")
def test_signals_are_not_passed_on(cli):
    process = cli.spawn("run", "--sig-proxy=false", "--name", "alone", IMAGE, "/bin/probe", "signals")
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGHUP)  # the stock client waits on after SIGTERM
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert cli.out("logs", "alone") == "ready" and inspect(cli, "alone")["State"]["Running"]


@pytest.mark.parametrize("flag, value, text", [
    ("--ip", "172.17.0.99", "user specified IP address is supported on user defined networks only"),
    ("--ip6", "2001:db8::33", "user specified IP address is supported on user defined networks only"),
    ("--link-local-ip", "169.254.9.9", "user specified IP address is supported on user defined networks only"),
    ("--network-alias", "x", "network-scoped alias"),
])  # fmt: skip
@covers("ip", "ip6", "link-local-ip", "network-alias")
def test_only_in_networks_of_ones_own(cli, flag, value, text):
    assert text in cli("run", flag, value, IMAGE, "true", code=125).err


@covers("mac-address")
def test_mac_address(cli):
    assert run(cli, "--mac-address", "92:d0:c6:0a:29:33", IMAGE, "cat", "/sys/class/net/eth0/address")[0] == "92:d0:c6:0a:29:33\n"


@covers("link")
def test_link(cli):
    cli("run", "-d", "--name", "peer", "--hostname", "box", IMAGE, "/bin/probe", "wait", code=0)
    hosts = run(cli, "--link", "peer:db", IMAGE, "cat", "/etc/hosts")[0]
    assert re.search("^[0-9.]+\tdb box peer$", hosts, re.MULTILINE)
    assert "could not get container for nobody" in cli("run", "--link", "nobody:db", IMAGE, "true", code=125).err


@covers("isolation", "runtime")
def test_technology(cli):
    run(cli, "--isolation", "default", IMAGE, "true")
    assert "invalid isolation" in cli("run", "--isolation", "hyperv", IMAGE, "true", code=125).err
    assert "unknown or invalid runtime name: nosuch" in cli("run", "--runtime", "nosuch", IMAGE, "true", code=125).err


@covers("log-driver", "log-opt")
def test_logging(cli):
    silent = cli.out("run", "-d", "--log-driver", "none", IMAGE, "echo", "x")
    assert "configured logging driver does not support reading" in cli("logs", silent, code=1).err
    result = cli("run", "--log-opt", "nosuch=1", IMAGE, "true", code=125)
    assert "unknown log opt 'nosuch' for json-file log driver" in result.err
    seen = inspect(cli, cli.out("run", "-d", "--log-opt", "max-size=10k", "--log-opt", "max-file=2", IMAGE, "true"))
    assert seen["HostConfig"]["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10k", "max-file": "2"}}


@covers("mount", "volume", "tmpfs", "read-only", "shm-size")
def test_mounts(cli, tmp_path):
    (tmp_path / "f").write_text("content\n")
    out, err = run(
        cli, "--mount", f"type=bind,source={tmp_path},target=/a,readonly", "--volume", f"{tmp_path}:/b", "--tmpfs", "/t:size=1m",
        "--read-only", "--shm-size", "8m", IMAGE, "sh", "-c",
        "cat /a/f /b/f; touch /a/x; touch /b/y; touch /z; df -k /t | tail -n 1 | awk '{print $2}'; df -k /dev/shm | tail -n 1 | awk '{print $2}'",
    )  # fmt: skip
    assert out == "content\ncontent\n1024\n8192\n" and err.count("Read-only file system") == 2
    assert (tmp_path / "y").exists()


@covers("volume-driver", "volumes-from")
def test_volumes(cli):
    run(cli, "-v", "kept:/v", IMAGE, "sh", "-c", "echo x > /v/f")
    cli("create", "--name", "has", "-v", "kept:/v", IMAGE, "true", code=0)
    assert run(cli, "--volumes-from", "has", IMAGE, "cat", "/v/f")[0] == "x\n"
    run(cli, "--volume-driver", "local", "-v", "made:/v", IMAGE, "true")
    start = time.monotonic()
    assert "nosuch" in cli("run", "--volume-driver", "nosuch", "-v", "other:/v", IMAGE, "true", code=125).err
    assert time.monotonic() - start < 15 or cli.daemon.is_docker  # Docker tries to find it for so long


@covers("platform", "pull", "quiet")
def test_images(cli):
    assert "platform" in cli("run", "--platform", "linux/s390x", "--pull", "never", IMAGE, "true", code=125).err
    assert "nosuch" in cli("run", "--pull", "never", "nosuch:1", "true", code=125).err
    run(cli, "--pull", "missing", IMAGE, "true")
    cli("run", "--pull", "always", "127.0.0.1:1/nosuch:1", "true", code=125)
    assert "Unable to find image '127.0.0.1:1/nosuch:1' locally" in cli("run", "127.0.0.1:1/nosuch:1", "true", code=125).err
    assert "Unable to find image" not in cli("run", "--quiet", "127.0.0.1:1/nosuch:1", "true", code=125).err


@covers("restart", "rm", "stop-signal", "stop-timeout")
def test_end(cli, api):
    again = cli.out("run", "-d", "--restart", "on-failure:2", IMAGE, "sh", "-c", "exit 3")
    wait.until(lambda: inspect(cli, again)["RestartCount"] == 2, "it was started twice more")
    cli("run", "--rm", "--name", "gone", IMAGE, "true", code=0)
    wait.until(lambda: cli("inspect", "gone").code == 1, "it is removed")
    told = cli.out("run", "-d", "--stop-signal", "USR1", "--stop-timeout", "1", IMAGE, "/bin/probe", "signals")
    wait.until(lambda: cli.out("logs", told) == "ready", "it is ready")
    cli("stop", told, code=0)
    assert "signal 10" in cli.out("logs", told)
    events = api.get("/events", since=1, until=int(time.time()) + 1, filters={"event": ["kill"], "container": [told]}).json_lines()
    assert [e["Actor"]["Attributes"]["signal"] for e in events] == ["10", "9"]
    assert 0.9e9 < events[1]["timeNano"] - events[0]["timeNano"] < 9e9


@covers("storage-opt")
def test_storage_option(cli):
    """A quota where the file system has project quotas; a word about it where not."""
    done = cli("run", "--rm", "--storage-opt", "size=16M", IMAGE, "sh", "-c", "df -k / | tail -n 1 | awk '{print $2}'")
    assert done.code == 125 and "torage" in done.err or int(done.out) <= 16 << 10
    assert cli("run", "--storage-opt", "nosuch=1", IMAGE, "true", code=125).err


@covers("disable-content-trust", "kernel-memory")
def test_what_is_of_the_past(cli):
    run(cli, "--disable-content-trust", "--kernel-memory", "1g", IMAGE, "true")


@covers("use-api-socket")
def test_api_socket(cli):
    out, _ = run(cli, "--use-api-socket", IMAGE, "sh", "-c", "test -S /var/run/docker.sock && echo there")
    assert out == "there\n"


# Completeness


def help_flags(cli, command):
    """The flags that COMMAND's help shows: long name -> short one or None."""
    text = cli.out(*command.split(), "--help")
    found = re.findall(r"^ {2,6}(?:-(\w), )?--([a-z0-9-]+)", text, re.MULTILINE)
    return {long: short or None for short, long in found if long != "help"}


COMMANDS = [
    "run", "create", "start", "stop", "restart", "kill", "pause", "unpause", "wait", "rm", "rename", "attach", "exec", "logs",
    "ps", "inspect", "top", "stats", "port", "diff", "export", "commit", "cp", "update", "container prune", "container inspect",
    "system prune", "system df", "events", "info", "version", "images", "image inspect", "image prune", "history", "tag", "rmi",
    "load", "save", "import", "pull", "volume create", "volume inspect", "volume ls", "volume prune", "volume rm",
]  # fmt: skip

# Flags of swarm, which the stock client shows to managers only or not at all.
ELSEWHERE = {"volume create": {"availability", "group", "limit-bytes", "required-bytes", "scope", "secret", "sharing",
                               "topology-preferred", "topology-required", "type"}, "volume ls": {"cluster"}}  # fmt: skip


# Shown by the stock client, and nothing happens.
WITHOUT_EFFECT = {"disable-content-trust", "kernel-memory"}


@pytest.mark.parametrize("command", COMMANDS)
def test_gantry_has_every_flag(gantry, docker_client, command):
    wanted = help_flags(docker_client, command)
    have = help_flags(gantry, command)
    missing = {f: s for f, s in wanted.items() if have.get(f, "none") != s and f not in ELSEWHERE.get(command, ())}
    assert not {f for f in missing if f not in WITHOUT_EFFECT}
    for flag in missing:  # taken and not shown
        gantry(*command.split(), f"--{flag}=1", "--help", code=0)


@pytest.fixture
def docker_client(daemon):
    from harness import cli as clis  # pylint: disable=import-outside-toplevel

    client = clis.Cli("docker", daemon)
    if client.missing():
        pytest.skip(client.missing())
    return client


def test_every_flag_of_run_has_a_test(docker_client):
    untested = set(help_flags(docker_client, "run")) - set(COVERED["run"])
    assert not untested
