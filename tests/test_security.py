"""Attacks by what runs in a container (security.md section 1; each test names its row)."""

import hashlib
import os
import time

import pytest

from harness import cgroups, wait
from harness.image import Tar, busybox_layer, derived, docker_archive


def bounded(seconds):
    """Fails when the block takes longer: nothing here may wait for a container's good will."""

    class Bounded:
        def __enter__(self):
            self.start = time.monotonic()

        def __exit__(self, *_):
            assert time.monotonic() - self.start < seconds, "it took too long"

    return Bounded()


PASSWD_TRAPS = {
    "fifo": "rm -f $f; mkfifo $f",
    "directory": "rm -f $f; mkdir $f",
    "link to a device": "ln -sf /dev/zero $f",
    "link to proc": "ln -sf /proc/kmsg $f",
    "link out": "ln -sf ../../../../../../../etc/shadow $f",
    "huge": "dd if=/dev/zero of=$f bs=1M count=8 2>/dev/null",
}


@pytest.mark.gantry_only("hangs there until the container ends")
@pytest.mark.parametrize("name", ["passwd", "group"])
@pytest.mark.parametrize("trap", PASSWD_TRAPS)
def test_trapped_user_files(api, trap, name):
    """S20: /etc/passwd or /etc/group is what nobody should read."""
    container = api.waiting()
    api.exec(container, "sh", "-c", f"f=/etc/{name}; {PASSWD_TRAPS[trap]}")
    with bounded(20):
        for user in ("", "nosuch", "nosuch:nosuch"):
            body = {"AttachStdout": True, "Cmd": ["true"], "User": user}
            number = api.post(f"/containers/{container}/exec", body, expect=201).json()["Id"]
            api.post(f"/exec/{number}/start", {"Detach": True}, expect=(200, 400, 500))
        api.inspect(container)
        api.post(f"/containers/{container}/restart", t=0, expect=(204, 400, 500))
        api.get("/containers/json", all=1)
        api.remove(container)


@pytest.mark.parametrize("user", ["1000 ", "+1000", "0x0", "1000abc", "4294967296", "-1", " root", "2147483648", "0:-1"])
def test_user_grammar(api, user):
    """S24: what is no user is refused, not taken for one."""
    container = api.waiting()
    body = {"AttachStdout": True, "Cmd": ["id"], "User": user}
    number = api.post(f"/containers/{container}/exec", body, expect=201).json()["Id"]
    assert api.post(f"/exec/{number}/start", {"Detach": True}, expect=(400, 500)).message
    assert api.start(api.create("id", User=user, expect=201), expect=(400, 500)).message


def test_no_inheritable_capabilities(api):
    """S25: in no process of a container, however it was started."""
    container = api.waiting(host={"CapAdd": ["SYS_ADMIN"]})
    for options in ({}, {"Privileged": True}, {"User": "bob"}, {"User": "bob", "Privileged": True}):
        out = api.exec(container, "grep", "-E", "Cap(Inh|Amb)", "/proc/self/status", **options)[1]
        assert out.split()[1::2] == ["0" * 16] * 2, options


def test_no_router_advertisements(api):
    """S76: no neighbour tells a container where its packets go."""
    out = api.shell("cd /proc/sys/net/ipv6/conf 2>/dev/null && grep -H . default/accept_ra eth0/accept_ra default/accept_redirects eth0/accept_redirects; cat /proc/sys/net/ipv4/conf/eth0/accept_redirects")
    values = [line.rpartition(":")[2] for line in out.split()]
    assert set(values) == {"0"}, out


def test_no_store_paths_in_the_root_mount(api):
    """S32: the line of the root names no path of the host."""
    out = api.shell("grep ' / / ' /proc/self/mountinfo")
    assert api.daemon.data_root not in out and "overlay" in out


@pytest.mark.gantry_only("its list is shorter")
@pytest.mark.parametrize("path", ["/proc/kpagecount", "/proc/kpageflags", "/proc/iomem", "/proc/slabinfo", "/proc/vmallocinfo", "/proc/kmsg", "/proc/key-users", "/proc/interrupts"])
def test_views_of_the_host_are_masked(api, path):
    """S32, S90."""
    assert api.shell(f"test ! -e {path} || head -c 1 {path} | wc -c").strip() in ("", "0")


def test_the_runtime_cannot_be_overwritten(api):
    """S01: the program that a starting container sees of us is a sealed copy."""
    from harness import daemon as daemons

    shim = os.path.join(daemons.BIN, "gantry-shim")
    digest = lambda: hashlib.sha256(open(shim, "rb").read()).hexdigest()
    before = digest()
    layer = Tar().symlink("trap", "/proc/self/exe").bytes()
    api.load_ok(docker_archive([busybox_layer(), layer], ["trap:1"], {"Env": ["PATH=/bin"]}))
    container = api.create("/trap", image="trap:1")
    api.start(container, expect=(204, 400, 500))
    box = api.waiting(host={"CapAdd": ["SYS_PTRACE"]})
    script = "for i in $(seq 200); do for p in /proc/[0-9]*; do echo x 2>/dev/null >> $p/exe; done; done; true"
    number = api.post(f"/containers/{box}/exec", {"Cmd": ["sh", "-c", script]}, expect=201).json()["Id"]
    api.post(f"/exec/{number}/start", {"Detach": True}, expect=200)
    for _ in range(20):
        api.exec(box, "true")
    assert digest() == before


@pytest.mark.gantry_only("runc of bookworm shows itself for a moment")
@pytest.mark.parametrize("capability", ["CHOWN", "SYS_PTRACE"])
def test_an_exec_shows_nothing_of_the_host(api, capability):
    """S86: a container that watches its processes sees no file or directory of ours in those that
    enter it. Who may trace them sees them a moment earlier: as the sealed program with its channel."""
    spy = api.started("/bin/probe", "pry", host={"CapAdd": [capability]})
    wait.until(lambda: b"ready" in api.logs(spy)[0], "the spy looks")
    for _ in range(25):
        api.exec(spy, "sleep", "0.05")
    findings = [line.split(" ", 1) for line in api.logs(spy)[0].decode().splitlines()[1:]]
    assert ["root", "/"] in findings and ["exe", "/bin/sleep"] in findings, "it saw nothing at all"
    tracer = capability == "SYS_PTRACE"
    programs = ("/bin/sleep", "/memfd:gantry-shim (deleted)") if tracer else ("/bin/sleep",)
    for name, target in findings:
        if name == "exe":
            assert target in programs, findings
        elif name in ("root", "cwd"):
            assert target == "/", findings
        elif name in ("fd0", "fd1", "fd2"):
            assert target.startswith("pipe:") or target == "/dev/null", findings
        else:
            assert tracer and target.startswith("socket:"), findings


def test_nothing_is_mounted_over_proc(api, tmp_path):
    """S05: what is written to /proc must reach the kernel."""
    for host in ({"Binds": [f"{tmp_path}:/proc"]}, {"Binds": [f"{tmp_path}:/proc/sys"]}, {"Tmpfs": {"/proc": ""}}):
        container = api.create("true", host=host, expect=(201, 400))
        if container.status == 201:
            assert api.start(container.json()["Id"], expect=(400, 500)).message
    assert list(tmp_path.iterdir()) == []


def test_sysctls_reach_the_kernel(api, tmp_path):
    """S05: an image whose /proc is a directory of its own does not catch them."""
    api.load_ok(derived("proc:1", {"Env": ["PATH=/bin"]}))
    out = api.shell("cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax", image="proc:1", host={"Sysctls": {"net.ipv4.ip_forward": "0", "kernel.msgmax": "4321"}})
    assert out.split() == ["0", "4321"]
    with open("/proc/sys/kernel/msgmax", encoding="utf-8") as file:
        assert file.read().strip() != "4321"


@pytest.mark.parametrize("parent", ["../../..", "/../../x", "a/../../../b"])
def test_cgroup_parent_stays_inside(api, parent):
    """S35."""
    before = set(os.listdir("/sys/fs/cgroup"))
    answer = api.create("/bin/probe", "wait", host={"CgroupParent": parent}, expect=(201, 400, 501))
    inside = set()
    if answer.status == 201:
        api.start(answer.json()["Id"], expect=(204, 400, 500))
        # Under v1 this directory holds the hierarchies; under v2 it is the one tree's own top.
        inside = {answer.json()["Id"], "x", "b"} if cgroups.is_v2() else set()
    assert set(os.listdir("/sys/fs/cgroup")) - before <= inside


def test_an_interfaces_sysctl_waits_for_it(api):
    """The interface is connected beside the rest of the start, never after its settings."""
    for _ in range(5):
        out = api.shell("cat /proc/sys/net/ipv4/conf/eth0/forwarding", host={"Sysctls": {"net.ipv4.conf.eth0.forwarding": "1"}})
        assert out.strip() == "1"
