"""What a container may see and do: the default profile, and each way to change it."""

import os

import pytest

from harness.image import Tar, busybox_layer, derived, docker_archive

DEFAULT_CAPS = "00000000a80425fb"


def status(api, **options):
    out = api.shell("cat /proc/self/status", **options)
    return {k: v.strip() for k, _, v in (line.partition(":") for line in out.splitlines())}


def has_mount(api, path):
    """The mount options at PATH: (type, per-mount options)."""
    out = api.shell("cat /proc/self/mountinfo")
    for line in out.splitlines():
        fields = line.split()
        if fields[4] == path:
            return fields[fields.index("-") + 1], set(fields[5].split(","))
    raise AssertionError(f"no mount at {path}:\n{out}")


def test_capabilities(api):
    told = status(api)
    assert told["CapEff"] == told["CapPrm"] == told["CapBnd"] == DEFAULT_CAPS
    assert told["CapInh"] == told["CapAmb"] == "0" * 16
    assert (told["Seccomp"], told["NoNewPrivs"]) == ("2", "0")


def test_capabilities_of_another_user(api):
    told = status(api, User="bob")
    assert told["CapEff"] == told["CapPrm"] == told["CapInh"] == told["CapAmb"] == "0" * 16
    assert told["CapBnd"] == DEFAULT_CAPS


@pytest.mark.parametrize(
    "add,drop,mask",
    [
        ([], ["ALL"], 0),
        (["NET_ADMIN"], ["ALL"], 1 << 12),
        (["cap_sys_time"], [], int(DEFAULT_CAPS, 16) | 1 << 25),
        ([], ["CAP_CHOWN", "mknod"], int(DEFAULT_CAPS, 16) & ~(1 | 1 << 27)),
    ],
)
def test_chosen_capabilities(api, add, drop, mask):
    told = status(api, host={"CapAdd": add, "CapDrop": drop})
    assert told["CapEff"] == told["CapBnd"] == f"{mask:016x}"


@pytest.mark.gantry_only("runc 1.1 cannot raise the capabilities on this kind of machine")
def test_privileged(api):
    told = status(api, host={"Privileged": True})
    with open("/proc/self/status", encoding="utf-8") as file:
        own = next(line.split()[1] for line in file if line.startswith("CapEff"))
    assert (told["CapEff"], told["Seccomp"]) == (own, "0")
    out = api.shell("touch /proc/sys/kernel/hostname && ls /dev | wc -l; mount | grep ' /sys '", host={"Privileged": True})
    assert "rw" in out.splitlines()[1] and int(out.splitlines()[0]) > 15


def test_no_new_privileges(api):
    assert status(api, host={"SecurityOpt": ["no-new-privileges"]})["NoNewPrivs"] == "1"
    assert status(api, host={"SecurityOpt": ["no-new-privileges=true"]})["NoNewPrivs"] == "1"


def test_seccomp_unconfined(api):
    assert status(api, host={"SecurityOpt": ["seccomp=unconfined"]})["Seccomp"] == "0"


EPERM, ENOSYS = "errno 1", "errno 38"
CLONE_NEWUSER = "0x10000000"


@pytest.mark.parametrize(
    "call,expected",
    [
        (("syscall", "250", "0"), EPERM),  # keyctl
        (("syscall", "248"), EPERM),  # add_key
        (("syscall", "321", "0"), EPERM),  # bpf
        (("syscall", "298"), EPERM),  # perf_event_open
        (("syscall", "323", "0"), EPERM),  # userfaultfd
        (("syscall", "272", CLONE_NEWUSER), EPERM),  # unshare
        (("syscall", "56", CLONE_NEWUSER), EPERM),  # clone
        (("syscall", "435", "0", "0"), ENOSYS),  # clone3
        (("syscall", "165"), EPERM),  # mount
        (("syscall", "430", "0"), EPERM),  # fsopen
        (("syscall", "304", "0"), EPERM),  # open_by_handle_at
        (("syscall", "246"), EPERM),  # kexec_load
        (("syscall", "175"), EPERM),  # init_module
        (("syscall", "169", "0"), EPERM),  # reboot
        (("syscall", "155"), EPERM),  # pivot_root
        (("syscall", "139", "0"), EPERM),  # sysfs
        (("syscall", "135", "0x40000"), EPERM),  # personality, not in the list
        (("syscall", "135", "0"), "ok"),
        (("syscall", "39"), "ok"),  # getpid
        (("syscall", "101", "0"), "ok"),  # ptrace TRACEME, kernel >= 4.8
        (("socket", "2", "1", "0"), "ok"),
        (("socket", "17", "3", "0"), "ok"),  # packet, with NET_RAW
    ],
    ids=str,
)
def test_system_calls(api, call, expected):
    assert api.output("/bin/probe", *call)[1].strip() == expected


@pytest.mark.gantry_only("20.10 lets them through")
def test_newly_denied(api):
    assert api.output("/bin/probe", "socket", "40", "1", "0")[1].startswith("errno")  # AF_VSOCK
    assert api.output("/bin/probe", "syscall", "425", "1")[1].strip() == EPERM  # io_uring_setup


def test_capability_opens_its_system_calls(api):
    code, out, _ = api.output("/bin/probe", "syscall", "272", "0x20000", host={"CapAdd": ["SYS_ADMIN"]})
    assert (code, out) == (0, "ok\n")


def test_no_foreign_fds(api):
    assert [line.split()[0] for line in api.shell("exec /bin/probe fds").splitlines()] == ["0", "1", "2"]
    container = api.waiting()
    assert api.exec(container, "ls", "/proc/1/fd")[1].split() == ["0", "1", "2"]


MASKED_FILES = ["/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/sched_debug"]
MASKED_DIRS = ["/proc/acpi", "/proc/scsi", "/sys/firmware"]


def test_masked_paths(api):
    files = " ".join(MASKED_FILES)
    out = api.shell(f"for f in {files}; do test -e $f && wc -c < $f; done; true")
    assert set(out.split()) <= {"0"}
    dirs = " ".join(MASKED_DIRS)
    assert api.shell(f"for d in {dirs}; do test -e $d && ls $d; done; true") == ""


@pytest.mark.gantry_only("newer than 20.10")
def test_masked_paths_of_newer_docker(api):
    assert api.shell("test ! -e /proc/interrupts || wc -c < /proc/interrupts") .strip() in ("", "0")
    assert api.shell("ls /sys/devices/virtual/powercap 2>/dev/null; true") == ""


@pytest.mark.parametrize("path", ["/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/proc/irq/default_smp_affinity", "/sys/kernel/uevent_helper"])
def test_read_only_paths(api, path):
    code, _, err = api.output("sh", "-c", f"test -e {path} || exit 9; echo x > {path}")
    assert code == 9 or (code != 0 and "Read-only" in err), err


def test_own_masked_paths(api):
    out = api.shell("wc -c < /proc/keys; wc -c < /proc/version", host={"MaskedPaths": ["/proc/version"], "ReadonlyPaths": []})
    assert out.split()[1] == "0"


def test_mounts(api):
    assert has_mount(api, "/proc") == ("proc", {"rw", "nosuid", "nodev", "noexec", "relatime"})
    kind, options = has_mount(api, "/sys")
    assert kind == "sysfs" and {"ro", "nosuid", "nodev", "noexec"} <= options
    kind, options = has_mount(api, "/dev")
    assert kind == "tmpfs" and "nosuid" in options
    assert has_mount(api, "/dev/pts")[0] == "devpts"
    assert has_mount(api, "/dev/mqueue")[0] == "mqueue"
    kind, options = has_mount(api, "/dev/shm")
    assert kind == "tmpfs" and {"nosuid", "nodev", "noexec"} <= options
    assert has_mount(api, "/")[0] == "overlay"


def test_cgroups_cannot_be_changed(api):
    script = "cd /sys/fs/cgroup; for d in . */; do test -w $d/cgroup.procs && mkdir $d/x && exit 9; done; true"
    assert api.output("sh", "-c", script)[0] == 0
    assert api.shell("ls /sys/fs/cgroup | wc -l").strip() != "0"


def test_devices(api):
    out = api.shell("ls /dev; ls -l /dev | grep -- '->' | sed 's/.* \\([a-z]* -> .*\\)/\\1/'")
    names = set(out.split("\n"))
    assert {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm", "fd", "stdin", "stdout", "stderr", "mqueue"} <= names
    assert {"fd -> /proc/self/fd", "stdin -> /proc/self/fd/0", "ptmx -> pts/ptmx"} <= names
    assert "console" not in names or api.daemon.is_docker
    assert api.shell("echo x > /dev/null; head -c 4 /dev/zero | wc -c; head -c 4 /dev/urandom | wc -c").split() == ["4", "4"]
    code, _, err = api.output("sh", "-c", "echo x > /dev/full")
    assert code != 0 and "No space" in err


def test_foreign_devices_are_denied(api):
    for node in ("b 254 0", "c 1 2", "c 10 229", "c 1 11"):
        out = api.shell(f"mknod /tmp/d {node}; exec /bin/probe open /tmp/d")
        assert out.strip() == EPERM, node


def test_given_device(api):
    device = [{"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/mine", "CgroupPermissions": "rw"}]
    answer = api.create("true", host={"Devices": device}, expect=(201, 501))
    if answer.status == 501:
        pytest.skip(answer.message)
    out = api.shell("ls -l /dev/mine; exec /bin/probe open /dev/mine", host={"Devices": device})
    assert out.splitlines()[-1] == "ok" and "10, 229" in out


def test_read_only_root(api):
    code, _, err = api.output("sh", "-c", "touch /tmp/x && exit 9; touch /dev/shm/ok && echo x > /dev/null", host={"ReadonlyRootfs": True})
    assert code == 0 and "Read-only file system" in err


def test_tmpfs(api):
    out = api.shell("mount | grep ' /scratch '; touch /scratch/f", host={"Tmpfs": {"/scratch": "size=1m,mode=1770"}})
    assert all(word in out for word in ("tmpfs", "noexec", "nosuid", "nodev", "size=1024k", "mode=1770"))
    out = api.shell("mount | grep ' /s '", host={"Tmpfs": {"/s": "exec"}})
    assert "noexec" not in out
    out = api.shell("mount | grep ' /m '; stat -c %a /m", host={"Mounts": [{"Type": "tmpfs", "Target": "/m", "TmpfsOptions": {"SizeBytes": 1 << 20, "Mode": 0o700}}]})
    assert "size=1024k" in out and out.endswith("700\n")


def test_shm_size(api):
    assert api.shell("df -k /dev/shm | tail -n 1 | awk '{print $2}'").strip() == "65536"
    assert api.shell("df -k /dev/shm | tail -n 1 | awk '{print $2}'", host={"ShmSize": 1 << 20}).strip() == "1024"


def test_bind(api, tmp_path):
    (tmp_path / "f").write_text("of the host\n")
    binds = {"Binds": [f"{tmp_path}:/rw", f"{tmp_path}:/ro:ro", f"{tmp_path}/f:/file"]}
    code, out, err = api.output("sh", "-c", "cat /rw/f /ro/f /file; echo new > /rw/new; touch /ro/x", host=binds)
    assert out == "of the host\n" * 3 and code != 0 and "Read-only" in err
    assert (tmp_path / "new").read_text() == "new\n"


def test_bind_makes_the_directory(api, tmp_path):
    api.shell("touch /x/made", host={"Binds": [f"{tmp_path}/a/b:/x"]})
    assert (tmp_path / "a" / "b" / "made").exists()


def test_bind_hides_nothing_else(api, tmp_path):
    out = api.shell("grep -c /mnt /proc/self/mountinfo", host={"Binds": [f"{tmp_path}:/mnt:rprivate"]})
    assert out.strip() == "1"


@pytest.mark.parametrize("kind", ["bind", "volume target over a symlink"])
def test_mount_target_never_leaves_the_root(api, tmp_path, kind):
    """S07: a symlink in the image points out; the mount lands inside or is refused."""
    outside = tmp_path / "outside"
    outside.mkdir()
    source = tmp_path / "source"
    source.mkdir()
    layer = Tar().symlink("way", str(outside)).bytes()
    api.load_ok(docker_archive([busybox_layer(), layer], ["way:1"], {"Env": ["PATH=/bin"]}))
    target = "/way/deep" if kind == "bind" else "/way"
    container = api.create("true", image="way:1", host={"Binds": [f"{source}:{target}"]})
    api.start(container, expect=(204, 400, 500))
    assert list(outside.iterdir()) == []
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        assert str(outside) not in file.read()


def test_mount_target_in_a_volume_that_changes(api, tmp_path):
    """S07: a container swaps the directory in which another's mount target is made for a link, by
    an absolute way and by one that climbs."""
    outside = tmp_path / "outside"
    outside.mkdir()
    links = f"mkdir /v/a; ln -s {outside} /v/far; ln -s ../../../../../../../../../..{outside} /v/up"
    api.shell(links, host={"Binds": ["shared:/v"]})
    swap = "cd /v; while :; do for l in far up; do mv a t; mv $l a; mv a $l; mv t a; done; done"
    swapper = api.started("sh", "-c", swap, host={"Binds": ["shared:/v"]})
    for number in range(20):
        binds = ["shared:/v", f"{tmp_path}:/v/a/new{number}/deep"]
        box = api.create("test", "-d", f"/v/a/new{number}/deep/outside", host={"Binds": binds})
        if api.start(box, expect=(204, 400, 404, 500)).status == 204:
            api.wait(box)
        api.remove(box)
        assert list(outside.iterdir()) == []
    api.remove(swapper)
    assert os.listdir(tmp_path) == ["outside"]


@pytest.mark.parametrize("name", ["proc", "dev", "sys", "etc/hosts", "etc/resolv.conf"])
def test_root_with_symlinks_where_mounts_go(api, tmp_path, name):
    """S05, S06: the image's /proc, /dev ... are symlinks to a place of the host."""
    outside = tmp_path / "outside"
    outside.mkdir()
    with open("/bin/busybox", "rb") as file:
        busybox = file.read()
    tar = Tar().dir("bin").add("bin/busybox", busybox, mode=0o755).hardlink("bin/ls", "bin/busybox").dir("etc")
    layer = tar.symlink(name, str(outside)).bytes()
    api.load_ok(docker_archive([layer], ["links:1"], {"Env": ["PATH=/bin"]}))
    container = api.create("/bin/ls", image="links:1")
    api.start(container, expect=(204, 400, 500))
    api.wait(container)
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("number", [3, 5, 6, 7, 8, 9, 10, 15])
def test_working_directory_is_no_way_out(api, number):
    """S02: a working directory behind an fd of the runtime."""
    api.load_ok(derived("cwd:1", {"Env": ["PATH=/bin"], "WorkingDir": f"/proc/self/fd/{number}"}))
    container = api.create("sh", "-c", "pwd; cat ../../../etc/hostname", image="cwd:1", expect=(201, 400, 500))
    if container.status == 201:
        container = container.json()["Id"]
        if api.start(container, expect=(204, 400, 500)).status == 204:
            api.wait(container)
            assert container[:12] in api.logs(container)[0].decode()
    box = api.waiting()
    body = {"Cmd": ["cat", "../../../etc/hostname"], "AttachStdout": True, "WorkingDir": f"/proc/self/fd/{number}"}
    made = api.post(f"/containers/{box}/exec", body, expect=(201, 400))
    if made.status == 201:
        stream = api.hijack(f"/exec/{made.json()['Id']}/start", {})
        with open("/etc/hostname", "rb") as file:
            assert file.read().strip() not in stream.rest() or box[:12].encode()
        stream.close()


def test_namespaces_are_its_own(api):
    out = api.shell("for n in mnt pid net ipc uts; do readlink /proc/self/ns/$n; done").split()
    ours = [os.readlink(f"/proc/{api.daemon.pid}/ns/{n}") for n in ("mnt", "pid", "net", "ipc", "uts")]
    assert not set(out) & set(ours)
    assert api.shell("echo $$").strip() == "1"


def test_host_namespaces(api):
    out = api.shell("readlink /proc/self/ns/pid; readlink /proc/self/ns/ipc; readlink /proc/self/ns/uts", host={"PidMode": "host", "IpcMode": "host", "UTSMode": "host"}).split()
    assert out == [os.readlink(f"/proc/{api.daemon.pid}/ns/{n}") for n in ("pid", "ipc", "uts")]


def test_store_paths_are_closed_to_others(api):
    assert os.stat(api.daemon.data_root).st_mode & 0o7 == 0
    assert os.stat(api.daemon.socket).st_mode & 0o777 == 0o660


@pytest.mark.gantry_only("dockerd keeps its own")
def test_the_daemons_environment_stays_outside(api, own_daemon):
    daemon = own_daemon(environment={"HTTP_PROXY": "http://user:secret@proxy", "SECRET": "1"})
    out = daemon.api.shell("env; cat /proc/1/environ")
    assert "secret" not in out and "SECRET" not in out
