"""The disk fails: power is cut, it is full, out of inodes, or suddenly read-only.

Each daemon here has its data root on an ext4 of its own, in a file, mounted in its sandbox.
"""

import os
import shutil
import subprocess

import pytest

from harness import image, leaks, wait
from harness.daemon import Sandbox
from harness.image import IMAGE

pytestmark = pytest.mark.gantry_only("about gantryd itself")

# _IOR('X', 125, __u32): the file system loses what it has not written yet, like at a power cut.
FULL = "no space left on device"
SHUTDOWN = "import fcntl, os, sys; fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, b'\\2\\0\\0\\0')"


class Disk:
    """An ext4 in a file, mounted at the data root of DAEMON inside its sandbox."""

    def __init__(self, daemon, megabytes, inodes=4096):
        self.daemon = daemon
        self.file = f"{daemon.root}/disk"
        with open(self.file, "wb") as file:
            file.truncate(megabytes << 20)
        made = subprocess.run(
            ["mkfs.ext4", "-q", "-m", "0", "-N", str(inodes), self.file], capture_output=True, text=True
        )
        assert made.returncode == 0, made.stderr
        os.mkdir(daemon.data_root)
        self.mount()

    def inside(self, *command, check=True):
        """Runs COMMAND where the file system is mounted."""
        return subprocess.run(
            self.daemon.sandbox.prefix() + list(command), capture_output=True, text=True, check=check, timeout=60
        )

    def mount(self):
        self.inside("mount", "-o", "loop,errors=remount-ro", self.file, self.daemon.data_root)

    def cut_power(self):
        """Ends everything at this moment; what is on the disk then is what boots next."""
        daemon = self.daemon
        self.inside("/usr/bin/python3", "-c", SHUTDOWN, daemon.data_root)
        shutil.copyfile(self.file, f"{self.file}.cut")
        daemon.kill()
        for pid, _ in leaks.processes(daemon):
            os.kill(pid, 9)
        wait.until(lambda: not leaks.processes(daemon), "all processes ended")
        daemon.sandbox.close()
        shutil.rmtree(daemon.exec_root)
        os.rename(f"{self.file}.cut", self.file)
        daemon.sandbox = Sandbox()
        self.mount()

    def break_down(self):
        """The kernel finds an error in the file system and makes it read-only."""
        device = self.inside("findmnt", "-no", "SOURCE", self.daemon.data_root).stdout.strip()
        with open(f"/sys/fs/ext4/{os.path.basename(device)}/trigger_fs_error", "w", encoding="ascii") as file:
            file.write("asked for by a test")
        assert self.inside("touch", f"{self.daemon.data_root}/x", check=False).returncode != 0

    def fill(self, spare=0):
        """Leaves SPARE bytes."""
        script = f"cat /dev/zero > {self.daemon.data_root}/filler 2>/dev/null; truncate -s -{spare} {self.daemon.data_root}/filler; sync -f {self.daemon.data_root}"
        self.inside("sh", "-c", script)

    def use_inodes(self):
        script = f"mkdir {self.daemon.data_root}/f; cd {self.daemon.data_root}/f; i=0; while : > $i; do i=$((i+1)); done"
        self.inside("sh", "-c", script, check=False)

    def free(self):
        self.inside("rm", "-rf", f"{self.daemon.data_root}/filler", f"{self.daemon.data_root}/f")


@pytest.fixture(name="on_disk")
def _on_disk(own_daemon):
    def make(megabytes=64, **options):
        daemon = own_daemon(start=False)
        disk = Disk(daemon, megabytes, **options)
        daemon.start()
        daemon.api.load_ok(image.busybox_archive())
        return daemon, disk

    return make


CHANGES = {
    "create": (
        lambda api: api.create("true", name="new", Labels={"a": "b"}),
        lambda api: api.inspect("new")["Config"]["Labels"] == {"a": "b"},
    ),
    "remove": (
        lambda api: api.delete("/containers/old", expect=204),
        lambda api: api.get("/containers/old/json", expect=404),
    ),
    "rename": (
        lambda api: api.post("/containers/old/rename", name="renamed"),
        lambda api: api.inspect("renamed")["Name"] == "/renamed",
    ),
    "update": (
        lambda api: api.post("/containers/old/update", {"RestartPolicy": {"Name": "always"}}),
        lambda api: api.inspect("old")["HostConfig"]["RestartPolicy"]["Name"] == "always",
    ),
    "volume create": (
        lambda api: api.post("/volumes/create", {"Name": "newv", "Labels": {"a": "b"}}),
        lambda api: api.get("/volumes/newv").json()["Labels"] == {"a": "b"},
    ),
    "volume remove": (
        lambda api: api.delete("/volumes/oldv", expect=204),
        lambda api: api.get("/volumes/oldv", expect=404),
    ),
    "tag": (
        lambda api: api.post(f"/images/{IMAGE}/tag", repo="t", tag="1"),
        lambda api: api.shell("echo x", image="t:1") == "x\n",
    ),
    "untag": (
        lambda api: api.delete("/images/old:1", expect=200),
        lambda api: api.get("/images/old:1/json", expect=404),
    ),
    "commit": (
        lambda api: api.post("/commit", container="old", repo="c", expect=201),
        lambda api: api.shell("cat /f", image="c") == "kept\n",
    ),
    "load": (
        lambda api: api.load_ok(image.derived("loaded:1", {"Cmd": ["cat", "/bin/sh"]}, None)),
        lambda api: api.output(image="loaded:1")[0] == 0,
    ),
    "archive": (
        lambda api: api.call("PUT", "/containers/old/archive?path=/", archive(), expect=200),
        lambda api: api.get("/containers/old/archive?path=/g").body.count(b"written\n") == 1,
    ),
}


def archive():
    layer = image.Tar()
    layer.add("g", b"written\n")
    return layer.bytes()


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_acknowledged_survives_a_power_cut(on_disk, change):
    daemon, disk = on_disk()
    api = daemon.api
    assert api.wait(api.started("sh", "-c", "echo kept > /f", name="old")) == 0
    api.post("/volumes/create", {"Name": "oldv"})
    api.post(f"/images/{IMAGE}/tag", repo="old", tag="1")
    act, holds = CHANGES[change]
    act(api)
    disk.cut_power()
    daemon.start()
    assert holds(api)
    assert api.shell("echo y") == "y\n"
    check_store(daemon)


def check_store(daemon):
    """No empty file where there must be content, and nothing that the log complains of."""
    text = daemon.tail(1000)
    assert "damaged" not in text and "moved to" not in text, text


def test_running_containers_and_a_power_cut(on_disk):
    """They were running; after the cut they have ended, and those that shall come back do."""
    daemon, disk = on_disk()
    api = daemon.api
    api.waiting(name="plain")
    api.waiting(name="back", host={"RestartPolicy": {"Name": "always"}})
    api.started("sh", "-c", "while :; do echo line; done", name="talker")
    wait.until(lambda: len(api.logs("talker", tail=2000)[0]) > 5000, "it talks")
    disk.cut_power()
    daemon.start()
    assert api.state("plain")["Status"] == "exited"
    wait.until(lambda: api.state("back")["Running"], "it is back")
    lines = api.logs("talker")[0].splitlines()
    assert set(lines) <= {b"line"}
    for name in ("plain", "talker"):
        api.start(name)
        assert api.state(name)["Running"]


def test_power_cuts_in_the_middle(on_disk):
    """Whatever was under way: the next start needs nobody, and images run."""
    daemon, disk = on_disk()
    api = daemon.api
    for number in range(4):
        loader = subprocess.Popen(
            ["/usr/bin/python3", "-c", WORKER, daemon.socket, str(number)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(number + 1):
            loader.stdout.readline()
        disk.cut_power()
        loader.kill()
        loader.communicate()
        daemon.start()
        assert api.shell("echo y") == "y\n"
        for summary in api.get("/containers/json", all=1).json():
            api.inspect(summary["Id"])
            api.remove(summary["Id"])
        check_store(daemon)


WORKER = """
import http.client, json, socket, sys
class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX); self.sock.connect(sys.argv[1])
def ask(method, path, body=None):
    c = Unix("x"); c.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
    return c.getresponse().read()
for n in range(1000):
    made = json.loads(ask("POST", "/containers/create", {"Image": "busybox:test", "Cmd": ["sh", "-c", "echo x > /f"]}))["Id"]
    print(made, flush=True)
    ask("POST", f"/containers/{made}/start")
    ask("POST", f"/containers/{made}/wait")
    ask("POST", f"/commit?container={made}&repo=r{sys.argv[2]}x{n}")
    ask("DELETE", f"/containers/{made}?force=1")
"""


@pytest.mark.parametrize("what", ["bytes", "inodes"])
def test_full_disk(on_disk, what):
    """Nothing new is made, with a reason; all else works, and freeing space heals everything."""
    daemon, disk = on_disk(inodes=1024)
    api = daemon.api
    api.started("sh", "-c", "echo said; exec /bin/probe wait", name="runs")
    api.create("true", name="rests")
    api.wait(api.started("sh", "-c", "echo x > /f", name="ended"))
    if what == "bytes":
        disk.fill()
    else:
        disk.use_inodes()
    made = create_until_full(api)
    refused = api.load(image.derived("more:1", {"Cmd": ["true"]}, big_layer()), expect=500)
    assert FULL in refused.message.lower()
    assert api.get("/images/more:1/json", expect=404)
    assert names(api) == {"/runs", "/rests", "/ended"} | made
    assert api.logs("runs")[0] == b"said\nready\n"
    assert api.exec("runs", "echo", "y")[1] == "y\n"
    api.post("/containers/runs/stop", expect=204, t=5)
    assert api.state("runs")["ExitCode"] == 0
    for name in ("ended", "rests", "runs"):
        api.remove(name)
    daemon.kill()
    daemon.start()
    assert names(api) == made
    for name in made:
        api.remove(name[1:])
    disk.free()
    assert api.shell("echo y") == "y\n"
    api.load_ok(image.derived("more:1", {"Cmd": ["true"]}, big_layer()))
    assert api.output(image="more:1")[0] == 0


def names(api):
    return {summary["Names"][0] for summary in api.get("/containers/json", all=1).json()}


def create_until_full(api):
    """The names that there was room for."""
    made = set()
    for number in range(500):
        answer = api.create("true", name=f"more{number}", expect=(201, 500))
        if answer.status != 201:
            assert FULL in answer.message.lower(), answer
            return made
        made.add(f"/more{number}")
    raise AssertionError("the disk does not get full")


def big_layer():
    layer = image.Tar()
    for number in range(64):
        layer.add(f"big/{number}", os.urandom(4096))
    return layer.bytes()


def test_load_into_too_little_space(on_disk):
    daemon, disk = on_disk(48)
    layer = image.Tar()
    layer.add("huge", os.urandom(60 << 20))
    before = used(disk)
    refused = daemon.api.load(image.derived("huge:1", {"Cmd": ["true"]}, layer.bytes()), expect=500)
    assert FULL in refused.message.lower()
    wait.until(lambda: used(disk) < before + (1 << 20), "nothing of it is left")
    assert daemon.api.shell("echo y") == "y\n"


def used(disk):
    out = disk.inside("df", "--output=used", "-B1", disk.daemon.data_root).stdout
    return int(out.split()[1])


def test_disk_becomes_read_only(on_disk):
    """Containers go on, reads are answered, changes are refused; after a repair, all is well."""
    daemon, disk = on_disk()
    api = daemon.api
    api.waiting(name="runs")
    api.create("true", name="rests")
    disk.break_down()
    assert names(api) == {"/runs", "/rests"}
    assert api.exec("runs", "cat", "/www/index.html")[1] == "hello from the container\n"
    for _ in range(3):
        refused = api.create("true", name="more", expect=500)
        assert "read-only file system" in refused.message.lower() or "a write of the disk has failed" in refused.message
    api.post("/containers/runs/stop", expect=(204, 500), t=5)
    assert names(api) == {"/runs", "/rests"}
    daemon.kill()
    disk.inside("umount", "-l", daemon.data_root)
    disk.inside("e2fsck", "-fy", disk.file, check=False)
    disk.mount()
    daemon.start()
    assert names(api) == {"/runs", "/rests"}
    assert api.state("runs")["Status"] == "exited"
    api.start("runs")
    assert api.shell("echo y") == "y\n"


@pytest.mark.skipif("ASAN_OPTIONS" in os.environ, reason="UBSan looks at memory through pipes of its own, and calls it bad without")
def test_too_few_descriptors(own_daemon):
    """Clients that come when there is no descriptor wait or are refused; the others are served."""
    daemon = own_daemon()
    api = daemon.api
    api.waiting(name="runs")
    most = len(os.listdir(f"/proc/{daemon.pid}/fd")) + 48
    subprocess.run(["prlimit", f"--pid={daemon.pid}", f"--nofile={most}:{most}"], check=True)
    held = []
    try:
        for _ in range(80):
            held.append(api.open("GET", "/events")[0])
    except (AssertionError, OSError):
        pass
    busy = cpu(daemon)
    assert not daemon.dead()
    for connection in held:
        connection.close()
    wait.until(daemon.answers, "it serves again")
    assert cpu(daemon) - busy < 5
    assert api.exec("runs", "echo", "y")[1] == "y\n"
    assert api.shell("echo z") == "z\n"


def cpu(daemon):
    """Seconds of processor time."""
    with open(f"/proc/{daemon.pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
