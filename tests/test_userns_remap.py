"""--userns-remap: containers with ids of their own, on layers and volumes that nobody copies or chowns."""

import io
import json
import os
import stat
import tarfile

import pytest

from harness import wait
from harness.cli import Cli
from harness.image import IMAGE, Tar, derived

pytestmark = pytest.mark.gantry_only("a daemon's flag")

UID, GID = 200000, 300000


def enter(daemon, *command):
    """Runs COMMAND in the daemon's mount namespace."""
    import subprocess  # pylint: disable=import-outside-toplevel

    subprocess.run(daemon.sandbox.prefix() + list(command), check=True, timeout=30)


def sub_ids(daemon, users="remapper:200000:65536\n", groups="remapped:300000:65536\n"):
    """The daemon sees these in place of the machine's."""
    for name, text in (("subuid", users), ("subgid", groups)):
        path = os.path.join(daemon.root, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        enter(daemon, "sh", "-c", f"[ -e /etc/{name} ] || : > /etc/{name}; mount --bind {path} /etc/{name}")


@pytest.fixture(name="remap")
def make_remap(own_daemon):
    def make(flags=(), load=True):
        daemon = own_daemon(start=False, flags=["--userns-remap", "remapper:remapped", *flags])
        sub_ids(daemon)
        daemon.start()
        if load:
            from harness import image  # pylint: disable=import-outside-toplevel

            daemon.api.load_ok(image.busybox_archive())
        return daemon

    return make


@pytest.fixture(name="daemon")
def remapped_daemon(remap):
    return remap()


@pytest.fixture(name="api")
def remapped_api(daemon):
    return daemon.api


def data(daemon, *parts):
    return os.path.join(daemon.data_root, f"{UID}.{GID}", *parts)


def owner(path):
    status = os.lstat(path)
    return status.st_uid, status.st_gid


def test_root_is_somebody_else(daemon, api):
    container = api.waiting()
    pid = api.state(container)["Pid"]
    assert owner(f"/proc/{pid}") == (UID, GID)
    assert api.exec(container, "sh", "-c", "id -u; cat /proc/self/uid_map; cat /proc/self/gid_map")[1].split() == [
        "0", "0", str(UID), "65536", "0", str(GID), "65536",
    ]  # fmt: skip
    out = api.shell("stat -c %u:%g /bin/busybox /home/bob /etc/hosts /proc/1 /dev; touch /new && stat -c %u /new; chown 1000:50 /new && stat -c %u:%g /new")
    assert out.split() == ["0:0", "1000:1000", "0:0", "0:0", "0:0", "0", "1000:50"]
    info = api.get("/info").json()
    assert "name=userns" in info["SecurityOptions"] and info["DockerRootDir"] == data(daemon)


def test_nothing_is_chowned_on_disk(daemon, api):
    container = api.waiting(User="bob")
    api.exec(container, "sh", "-c", "touch /tmp/his")
    api.exec(container, "sh", "-c", "touch /root/its; mkdir -p /made/deep", User="0")
    upper = data(daemon, "containers", container, "upper")
    assert owner(upper + "/tmp/his") == (1000, 1000)
    assert owner(upper + "/root/its") == owner(upper + "/made/deep") == (0, 0)
    (layer,) = [e.path for e in os.scandir(data(daemon, "layers")) if os.path.exists(e.path + "/diff/bin")]
    assert owner(layer + "/diff/bin/busybox") == (0, 0)


@pytest.mark.parametrize(
    "host,text",
    [
        ({"Privileged": True}, "privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode"),
        ({"NetworkMode": "host"}, "cannot share the host's network namespace when user namespaces are enabled"),
        ({"PidMode": "host"}, "cannot share the host PID namespace when user namespaces are enabled"),
    ],
)  # fmt: skip
def test_what_needs_the_hosts_namespace(api, host, text):
    assert api.create("true", host=host, expect=400).message == text
    assert api.get("/containers/json", all=1).json() == []
    assert api.output("cat", "/proc/self/uid_map", host=dict(host, UsernsMode="host"))[1].split() == ["0", "0", "4294967295"]


def test_by_flag(daemon):
    for name in ("docker", "gantry"):
        client = Cli(name, daemon)
        if client.missing():
            continue
        assert client.out("run", "--rm", IMAGE, "head", "-1", "/proc/self/uid_map").split() == ["0", str(UID), "65536"]
        assert client.out("run", "--rm", "--userns", "host", IMAGE, "cat", "/proc/self/uid_map").split()[1] == "0"
        assert "privileged mode is incompatible" in client("run", "--privileged", IMAGE, "true", code=125).err
        assert client.out("run", "--rm", "--privileged", "--userns=host", IMAGE, "id", "-u") == "0"
        with client.terminal("run", "-it", "--rm", IMAGE, "sh", "-c", "tty; stat -c %u $(tty)") as terminal:
            terminal.expect("/dev/pts/0")
            terminal.expect("0")
            assert terminal.finish()[0] == 0


def test_binds_are_seen_as_they_are(api, tmp_path):
    for name, uid in (("roots", 0), ("its", UID)):
        (tmp_path / name).mkdir()
        os.chown(tmp_path / name, uid, uid)
    os.chmod(tmp_path, 0o755)
    host = {"Binds": [f"{tmp_path}:/b"]}
    out = api.shell("stat -c %u /b/roots /b/its; touch /b/roots/x 2>/dev/null || echo no; touch /b/its/x && echo yes", host=host)
    assert out.split() == ["65534", "0", "no", "yes"]
    assert owner(tmp_path / "its" / "x") == (UID, GID)


def test_volumes_keep_the_numbers_of_containers(daemon, api):
    layer = Tar().dir("data", uid=1000, gid=50, mode=0o750).add("data/file", b"of the image\n", uid=1000, gid=50).bytes()
    api.load_ok(derived("filled:1", layer=layer))
    host = {"Mounts": [{"Type": "volume", "Source": "kept", "Target": "/data"}]}
    out = api.shell("stat -c '%u:%g %a' /data; cat /data/file; touch /data/root; su bob -c 'touch /data/bob'; stat -c %u:%g /data/root /data/bob", image="filled:1", host=host)
    assert out.splitlines() == ["1000:50 750", "of the image", "0:0", "1000:1000"]
    (volume,) = os.listdir(data(daemon, "volumes"))
    assert owner(data(daemon, "volumes", volume, "_data", "root")) == (0, 0)
    assert owner(data(daemon, "volumes", volume, "_data", "bob")) == (1000, 1000)
    out = api.shell("stat -c %u:%g /data/root /data/bob", host=dict(host, UsernsMode="host"))
    assert out.split() == ["0:0", "1000:1000"]
    part = {"Mounts": [{"Type": "volume", "Source": "kept", "Target": "/p", "VolumeOptions": {"Subpath": "file"}}, {"Type": "image", "Source": "filled:1", "Target": "/i"}]}
    assert api.shell("stat -c %u:%g /p /i/data", host=part).split() == ["1000:50", "1000:50"]


def test_a_volume_elsewhere_is_not_mapped(api, tmp_path):
    """Or the container could make set-uid programs of root in the host's directories."""
    os.chmod(tmp_path, 0o777)
    api.post("/volumes/create", {"Name": "else", "DriverOpts": {"type": "none", "o": "bind", "device": str(tmp_path)}}, expect=201)
    assert api.shell("touch /v/x; stat -c %u /v", host={"Binds": ["else:/v"]}).strip() == "65534"
    assert owner(tmp_path / "x") == (UID, GID)


def archive_url(container, path):
    return f"/containers/{container}/archive?path={path}"


def archive_of(api, container, path):
    answer = api.get(archive_url(container, path))
    with tarfile.open(fileobj=io.BytesIO(answer.body)) as tar:
        return {member.name: (member.uid, member.gid) for member in tar}


@pytest.mark.parametrize("running", [True, False])
def test_archives_have_the_numbers_of_containers(daemon, api, running):
    host = {"Binds": ["vol:/vol"]}
    container = api.waiting(host=host) if running else api.create("/bin/probe", "wait", host=host)
    put = Tar().dir("d", uid=1000, gid=50).add("d/f", b"hello", uid=7, gid=8, mode=0o4755).symlink("d/l", "f").bytes()
    for place in ("/", "/vol"):
        api.call("PUT", archive_url(container, place), put)
        assert archive_of(api, container, place + "/d") == {"d": (1000, 50), "d/f": (7, 8), "d/l": (0, 0)}
    beyond = Tar().add("far", b"", uid=70000, gid=0).bytes()
    answer = api.call("PUT", archive_url(container, "/"), beyond, expect=400)
    assert "Container ID 70000 cannot be mapped to a host ID" in answer.message
    assert owner(data(daemon, "containers", container, "upper", "d", "f")) == (7, 8)
    assert os.lstat(data(daemon, "containers", container, "upper", "d", "f")).st_mode & stat.S_ISUID
    if not running:
        api.start(container)
    assert api.exec(container, "stat", "-c", "%u:%g", "/d", "/d/f", "/vol/d/f", "/home/bob")[1].split() == ["1000:50", "7:8", "7:8", "1000:1000"]
    changes = {c["Path"] for c in api.get(f"/containers/{container}/changes").json()}
    assert {"/d", "/d/f"} <= changes and "/bin" not in changes


def test_export_and_commit(api):
    container = api.waiting()
    api.exec(container, "sh", "-c", "echo x > /f; chown 1000:50 /f")
    answer = api.get(f"/containers/{container}/export")
    with tarfile.open(fileobj=io.BytesIO(answer.body)) as tar:
        owners = {member.name.rstrip("/"): (member.uid, member.gid) for member in tar}
    assert owners["f"] == (1000, 50) and owners["bin/busybox"] == (0, 0) and owners["home/bob"] == (1000, 1000)
    api.post("/commit", container=container, repo="made", tag="1", expect=201)
    assert api.shell("stat -c %u:%g /f", image="made:1").strip() == "1000:50"
    assert api.shell("stat -c %u:%g /f", image="made:1", host={"UsernsMode": "host"}).strip() == "1000:50"


def test_options_of_all_kinds(api):
    """What needs privileges that root inside does not have outside."""
    host = {
        "OomScoreAdj": 100, "Init": True, "ReadonlyRootfs": True, "Tmpfs": {"/t": "size=1m"}, "ShmSize": 4 << 20,
        "Ulimits": [{"Name": "nofile", "Soft": 77, "Hard": 88}],
        "Sysctls": {"net.ipv4.ip_forward": "1"}, "Memory": 64 << 20, "PidsLimit": 30,
        "Devices": [{"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse", "CgroupPermissions": "rwm"}],
    }  # fmt: skip
    script = "cat /proc/self/oom_score_adj; ulimit -n; cat /proc/sys/net/ipv4/ip_forward; touch /t/x && echo tmpfs; touch /x 2>/dev/null || echo ro; head -c1 /dev/zero | wc -c; echo > /dev/null && echo null; ls /dev/fuse; pwd"
    out = api.shell(script, host=host, WorkingDir="/work/deep").split()
    assert out == ["100", "77", "1", "tmpfs", "ro", "1", "null", "/dev/fuse", "/work/deep"]
    assert api.shell("stat -c %u /work/deep; ls /sys/fs/cgroup | wc -l; ping -c1 -W1 127.0.0.1 >/dev/null && echo pong", WorkingDir="/work/deep").split()[::2] == ["0", "pong"]


def test_published_port(api, daemon):
    container = api.started("httpd", "-f", "-p", "80", "-h", "/www", ExposedPorts={"80/tcp": {}}, host={"PortBindings": {"80/tcp": [{"HostPort": ""}]}})
    port = api.inspect(container)["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"]
    fetch = ("busybox", "wget", "-q", "-O", "-", f"http://127.0.0.1:{port}/index.html")
    assert "hello" in wait.until(lambda: daemon.netns(*fetch, check=False).stdout, "the server answers")


def test_joins(api):
    peer = api.waiting(host={"IpcMode": "shareable"}, name="peer")
    script = "id -u; ls /sys/class/net | wc -w; cat /proc/1/comm"
    for host in ({"NetworkMode": "container:peer"}, {"PidMode": "container:peer"}, {"IpcMode": "container:peer"}):
        assert api.shell(script, host=host).split()[0] == "0"
    both = {"NetworkMode": "container:peer", "PidMode": "container:peer", "IpcMode": "container:peer"}
    assert api.shell(script, host=both).split() == ["0", "2", "probe"]
    stranger = api.create("true", host={"NetworkMode": "container:peer", "UsernsMode": "host"})
    assert "another user namespace" in api.start(stranger, expect=409).message
    api.post(f"/containers/{peer}/pause")
    api.post(f"/containers/{peer}/unpause")
    assert api.get(f"/containers/{peer}/top").json()["Processes"][0][0] in (str(UID), "remapper")


def test_health_checks(api):
    check = {"Test": ["CMD-SHELL", f"grep -q ' {UID} ' /proc/self/uid_map && touch /healthy"], "Interval": 100_000_000, "StartPeriod": 0}
    container = api.waiting(Healthcheck=check)
    wait.until(lambda: api.state(container)["Health"]["Status"] == "healthy", "it is healthy")
    assert api.exec(container, "stat", "-c", "%u", "/healthy")[1].strip() == "0"


def test_survives_the_daemon(daemon, api):
    container = api.waiting(host={"Binds": ["kept:/v"], "RestartPolicy": {"Name": "always"}})
    api.exec(container, "touch", "/v/before")
    daemon.kill()
    daemon.start()
    assert api.state(container)["Running"]
    assert api.exec(container, "sh", "-c", "touch /v/after; id -u; stat -c %u /v/before /v/after")[1].split() == ["0"] * 3
    assert archive_of(api, container, "/v/after") == {"after": (0, 0)}
    pid = api.state(container)["Pid"]
    os.kill(pid, 9)
    again = wait.until(lambda: (lambda now: now != pid and now)(api.state(container)["Pid"]), "it was restarted")
    assert owner(f"/proc/{again}") == (UID, GID)


def test_a_root_per_mapping(own_daemon):
    """The images of one mapping are not those of another, and a plain daemon sees neither."""
    daemon = own_daemon(start=False)
    sub_ids(daemon, "a:200000:65536\nb:400000:65536\nb:600000:10\n", "a:200000:65536\nb:400000:65536\n")
    for flags, images, first in (([], 1, 0), (["--userns-remap=a"], 1, 200000), (["--userns-remap=b"], 0, 400000), (["--userns-remap=a"], 1, 200000)):
        daemon.flags = flags
        daemon.start()
        if images and not daemon.api.get("/images/json").json():
            from harness import image  # pylint: disable=import-outside-toplevel

            daemon.api.load_ok(image.busybox_archive())
        assert len(daemon.api.get("/images/json").json()) == images
        root = daemon.api.get("/info").json()["DockerRootDir"]
        assert root == daemon.data_root + (f"/{first}.{first}" if first else "")
        daemon.stop()


@pytest.mark.parametrize(
    "value,text",
    [
        ("nosuchuser", 'No subuid ranges found for user \\"nosuchuser\\" in /etc/subuid'),
        ("remapper:nosuchgroup", 'No subgid ranges found for group \\"nosuchgroup\\" in /etc/subgid'),
        ("a:b:c", "invalid user/group specification in --userns-remap"),
        (":b", "invalid user/group specification in --userns-remap"),
    ],
)
def test_bad_values(own_daemon, value, text):
    daemon = own_daemon(start=False, flags=[f"--userns-remap={value}"])
    sub_ids(daemon)
    daemon.spawn()
    assert daemon.process.wait(20) != 0
    assert text in daemon.tail() or text.replace("\\", "") in daemon.tail()


def test_default_makes_its_ranges(own_daemon):
    daemon = own_daemon(start=False, settings={"userns-remap": "default"})
    sub_ids(daemon, "somebody:100000:65536\n", "")
    daemon.start()
    with open(daemon.root + "/subuid", encoding="utf-8") as file:
        assert file.read() == "somebody:100000:65536\ndockremap:165536:65536\n"
    assert daemon.api.get("/info").json()["DockerRootDir"].endswith("/165536.100000")
    assert json.dumps(daemon.api.get("/info").json()["SecurityOptions"]).count("userns") == 1
