"""The crash sweep: SIGKILL of the daemon at each failpoint inside an operation.

`GANTRY_FAILPOINTS=*=kill@N` ends the daemon at the N-th failpoint that it passes. For each operation
N counts upwards until the operation gets through. After every crash the daemon starts again on the
same roots: the operation is done or absent, doing it again works, and nothing is left over.
"""

import io
import os
import tarfile

import pytest

from harness import image, leaks, wait, wire
from harness.image import IMAGE

pytestmark = pytest.mark.gantry_only("about gantryd itself")

MOST = int(os.environ.get("GANTRY_CRASH_POINTS", "60"))


class Create:
    def prepare(self, api):
        pass

    def act(self, api):
        api.create("true", name="swept", Labels={"k": "v"})

    def check(self, api):
        answer = api.get("/containers/swept/json", expect=(200, 404))
        if answer.status == 200:
            told = answer.json()
            assert (told["State"]["Status"], told["Config"]["Labels"]) == ("created", {"k": "v"})
            api.start("swept")
            assert api.wait("swept") == 0
            api.remove("swept")
        api.create("true", name="swept")
        api.remove("swept")


class Start:
    def prepare(self, api):
        binding = {"80/tcp": [{"HostPort": "18400"}]}
        api.create(
            "/bin/probe", "wait", name="swept", ExposedPorts={"80/tcp": {}},
            host={"PortBindings": binding, "Memory": 32 << 20},
        )  # fmt: skip

    def act(self, api):
        api.start("swept")

    def check(self, api):
        state = api.state("swept")
        assert state["Status"] in ("created", "running", "exited"), state
        if state["Status"] == "running":
            assert os.path.exists(f"/proc/{state['Pid']}")
        api.start("swept", expect=(204, 304))
        assert api.state("swept")["Running"]
        assert api.exec("swept", "echo", "x")[1] == "x\n"
        api.remove("swept")


class StartAutoRemove(Start):
    def prepare(self, api):
        api.create("/bin/probe", "wait", name="swept", host={"AutoRemove": True})

    def check(self, api):
        answer = api.get("/containers/swept/json", expect=(200, 404))
        if answer.status == 200:
            super().check(api)


class Stop:
    def prepare(self, api):
        api.waiting(name="swept")

    def act(self, api):
        api.post("/containers/swept/stop", expect=204, t=5)

    def check(self, api):
        state = api.state("swept")
        assert state["Status"] in ("running", "exited"), state
        if state["Status"] == "exited":
            assert state["ExitCode"] == 0
        api.post("/containers/swept/stop", expect=(204, 304), t=5)
        assert api.state("swept")["ExitCode"] == 0
        api.start("swept")
        api.remove("swept")


class Remove:
    def prepare(self, api):
        api.wait(api.started("sh", "-c", "echo x > /file", name="swept"))

    def act(self, api):
        api.delete("/containers/swept", expect=204)

    def check(self, api):
        answer = api.get("/containers/swept/json", expect=(200, 404))
        if answer.status == 200:
            assert answer.json()["State"]["Status"] in ("exited", "removing", "dead")
            api.delete("/containers/swept", expect=(204, 404))
        api.create("true", name="swept")
        api.remove("swept")


class RemoveByForce(Remove):
    def prepare(self, api):
        api.waiting(name="swept")

    def act(self, api):
        api.delete("/containers/swept", expect=204, force=1)

    def check(self, api):
        if api.get("/containers/swept/json", expect=(200, 404)).status == 200:
            api.delete("/containers/swept", expect=(204, 404), force=1)
        api.create("true", name="swept")
        api.remove("swept")


class Pause:
    def prepare(self, api):
        api.waiting(name="swept")

    def act(self, api):
        api.post("/containers/swept/pause", expect=204)
        api.post("/containers/swept/unpause", expect=204)

    def check(self, api):
        paused = api.state("swept")["Paused"]
        api.post("/containers/swept/unpause", expect=204 if paused else 409)
        api.post("/containers/swept/pause", expect=204)
        api.post("/containers/swept/unpause", expect=204)
        assert api.exec("swept", "true")[0] == 0
        api.remove("swept")


class Rename:
    def prepare(self, api):
        api.create("true", name="before")

    def act(self, api):
        api.post("/containers/before/rename", expect=204, name="swept")

    def check(self, api):
        found = [api.get(f"/containers/{name}/json", expect=(200, 404)).status for name in ("before", "swept")]
        assert sorted(found) == [200, 404], found
        if found[0] == 200:
            self.act(api)
        api.create("true", name="before")
        api.remove("before")
        api.remove("swept")


class Change:
    """All that is live at once: a label, a port, and mounts that come, go and take another's place."""

    request = {
        "Labels": {"k": "new"}, "Env": ["A=1"], "PortsAdd": {"80/tcp": [{"HostPort": "18402"}]},
        "MountsRemove": ["/gone", "/replaced"], "BindsAdd": ["two:/replaced", "two:/come"],
    }  # fmt: skip

    def prepare(self, api):
        for name in ("one", "two"):
            api.shell(f"echo {name} > /v/file", host={"Binds": [f"{name}:/v"]})
        api.waiting(name="swept", Labels={"k": "old"}, host={"Binds": ["one:/gone", "one:/replaced"]})

    def act(self, api):
        api.post("/containers/swept/update", {"Change": self.request}, expect=200)

    def check(self, api):
        told = api.inspect("swept")
        new = told["Config"]["Labels"] == {"k": "new"}
        assert told.get("Revision", 1) == (2 if new else 1)
        assert len(api.get("/containers/swept/revisions").json()) == (2 if new else 1)
        assert bool(told["NetworkSettings"]["Ports"].get("80/tcp")) == new
        lines = api.exec("swept", "cat", "/proc/self/mountinfo")[1].splitlines()
        found = sorted(p for p in (line.split()[4] for line in lines) if p in ("/gone", "/replaced", "/come"))
        assert found == (["/come", "/replaced"] if new else ["/gone", "/replaced"])
        assert api.exec("swept", "cat", "/replaced/file")[1] == ("two\n" if new else "one\n")
        if not new:
            self.act(api)
        api.post("/containers/swept/rollback", expect=200)
        assert api.exec("swept", "cat", "/gone/file", "/replaced/file")[1] == "one\none\n"
        api.remove("swept")
        for name in ("one", "two"):
            api.delete(f"/volumes/{name}")


class Load:
    archive = image.docker_archive(
        [image.busybox_layer(), image.Tar().add("extra", b"1").bytes(), image.Tar().add("more", b"2").bytes()],
        ["swept:1"],
        {"Cmd": ["cat", "/extra", "/more"], "Env": ["PATH=/bin"]},
    )  # fmt: skip

    def prepare(self, api):
        pass

    def act(self, api):
        api.load_ok(self.archive)

    def check(self, api):
        if api.get("/images/swept:1/json", expect=(200, 404)).status == 200:
            assert api.output(image="swept:1")[1] == "12"
        api.load_ok(self.archive)
        assert api.output(image="swept:1")[1] == "12"
        api.delete("/images/swept:1")


class RemoveImage:
    def prepare(self, api):
        api.load_ok(Load.archive)

    def act(self, api):
        api.delete("/images/swept:1")

    def check(self, api):
        if api.get("/images/swept:1/json", expect=(200, 404)).status == 200:
            assert api.output(image="swept:1")[1] == "12"
            api.delete("/images/swept:1")
        api.load_ok(Load.archive)
        assert api.output(image="swept:1")[1] == "12"
        api.delete("/images/swept:1")


class Commit:
    def prepare(self, api):
        api.started("sh", "-c", "echo kept > /kept; exec /bin/probe wait", name="swept")
        wait.until(lambda: api.exec("swept", "cat", "/kept")[1] == "kept\n", "the file is there")

    def act(self, api):
        api.post("/commit", expect=201, container="swept", repo="swept", tag="1")

    def check(self, api):
        if api.get("/images/swept:1/json", expect=(200, 404)).status == 200:
            assert api.output("cat", "/kept", image="swept:1")[1] == "kept\n"
            api.delete("/images/swept:1")
        # Not left frozen, and a second try works.
        assert api.exec("swept", "cat", "/kept")[1] == "kept\n"
        self.act(api)
        assert api.output("cat", "/kept", image="swept:1")[1] == "kept\n"
        api.remove("swept")
        api.delete("/images/swept:1")


class CopyIn:
    archive = image.Tar().add("one", b"1" * 70000).add("two", b"2" * 70000).bytes()

    def prepare(self, api):
        api.create("true", name="swept")
        api.call("PUT", "/containers/swept/archive?path=/tmp", image.Tar().add("one", b"old").bytes(), 200)

    def act(self, api):
        api.call("PUT", "/containers/swept/archive?path=/tmp", self.archive, expect=200)

    def check(self, api):
        api.start("swept")
        for name, wanted in (("one", (b"old", b"1" * 70000)), ("two", (b"2" * 70000,))):
            answer = api.get(f"/containers/swept/archive?path=/tmp/{name}", expect=(200, 404))
            if answer.status == 200:
                with tarfile.open(fileobj=io.BytesIO(answer.body)) as tar:
                    assert tar.extractfile(name).read() in wanted, f"half of {name}"
        listing = api.get("/containers/swept/archive?path=/tmp")
        with tarfile.open(fileobj=io.BytesIO(listing.body)) as tar:
            assert set(tar.getnames()) <= {"tmp", "tmp/one", "tmp/two"}
        self.act(api)
        api.remove("swept")


def volumes(api):
    return sorted(v["Name"] for v in api.get("/volumes").json()["Volumes"])


class CreateVolume:
    def prepare(self, api):
        pass

    def act(self, api):
        api.post("/volumes/create", {"Name": "swept", "Labels": {"k": "v"}}, expect=201)

    def check(self, api):
        assert volumes(api) in ([], ["swept"])
        if volumes(api):
            assert api.get("/volumes/swept").json()["Labels"] == {"k": "v"}
        self.act(api)
        assert api.shell("echo x > /v/f; cat /v/f", host={"Binds": ["swept:/v"]}) == "x\n"
        api.delete("/volumes/swept")


class RemoveVolume:
    def prepare(self, api):
        api.shell("echo x > /v/f", host={"Binds": ["swept:/v"]})

    def act(self, api):
        api.delete("/volumes/swept")

    def check(self, api):
        if volumes(api):
            assert api.shell("cat /v/f", host={"Binds": ["swept:/v"]}) == "x\n", "half of it is gone"
            self.act(api)
        assert api.shell("ls /v", host={"Binds": ["swept:/v"]}) == ""
        api.delete("/volumes/swept")


class RenameVolume(RemoveVolume):
    def act(self, api):
        api.post("/volumes/swept/rename", name="other")

    def check(self, api):
        found = volumes(api)
        assert found in (["swept"], ["other"])
        if found == ["swept"]:
            self.act(api)
        assert api.shell("cat /v/f", host={"Binds": ["other:/v"]}) == "x\n"
        api.delete("/volumes/other")


class CreateWithVolumes:
    """The volumes come with the container or not at all, and full."""

    def prepare(self, api):
        api.post("/volumes/create", {"Name": "there"}, expect=201)

    def act(self, api):
        api.create("true", name="swept", host={"Binds": ["named:/bin", "there:/etc"]}, Volumes={"/b": {}, "/a": {}})

    def check(self, api):
        made = api.get("/containers/swept/json", expect=(200, 404)).status == 200
        assert len(volumes(api)) == (4 if made else 1)
        if not made:
            self.act(api)
        assert "busybox" in api.shell("ls /v", host={"Binds": ["named:/v:ro"]})
        assert "passwd" in api.shell("ls /v", host={"Binds": ["there:/v:ro"]})
        api.delete("/containers/swept", v=1)
        assert volumes(api) == ["named", "there"]
        api.delete("/volumes/named")
        api.delete("/volumes/there")


class RemoveWithVolumes:
    def prepare(self, api):
        api.create("true", name="swept", host={"Binds": ["named:/n"]}, Volumes={"/a": {}, "/b": {}})

    def act(self, api):
        api.delete("/containers/swept", v=1)

    def check(self, api):
        there = api.get("/containers/swept/json", expect=(200, 404)).status == 200
        assert len(volumes(api)) == (3 if there else 1)
        if there:
            api.start("swept")
            api.wait("swept")
            self.act(api)
        assert volumes(api) == ["named"]
        api.delete("/volumes/named")


class StartWithVolume:
    """A file system that a volume's options name is mounted while its container runs."""

    def prepare(self, api):
        options = {"type": "tmpfs", "device": "tmpfs"}
        api.post("/volumes/create", {"Name": "ram", "DriverOpts": options}, expect=201)
        api.create("/bin/probe", "wait", name="swept", host={"Binds": ["ram:/ram"]})

    def act(self, api):
        api.start("swept")

    def check(self, api):
        api.start("swept", expect=(204, 304))
        assert api.exec("swept", "grep", " /ram tmpfs", "/proc/mounts")[0] == 0
        api.remove("swept")
        api.delete("/volumes/ram")


class ClearLogs:
    HOST = {"LogConfig": {"Type": "json-file", "Config": {"max-size": "5k", "max-file": "3", "compress": "true"}}}

    def prepare(self, api):
        container = api.started("seq", "1", "300", name="swept", host=self.HOST)
        api.wait(container)
        directory = f"{api.daemon.data_root}/containers/{container}"
        wait.until(lambda: f"{container}-json.log.2.gz" in os.listdir(directory), "compressed files")

    def act(self, api):
        api.delete("/containers/swept/logs", expect=204)

    def check(self, api):
        seen = [int(line) for line in api.logs("swept")[0].split()]
        assert seen == [] or seen == list(range(seen[0], 301)), "what is left is the newest part"
        self.act(api)
        assert api.logs("swept")[0] == b""
        api.start("swept")
        assert api.wait("swept") == 0
        assert api.logs("swept")[0].endswith(b"\n300\n")
        api.remove("swept")


def attempt(daemon, operation, point):
    """Runs the operation with a crash at POINT; True if the daemon lived through it."""
    daemon.spawn({"GANTRY_FAILPOINTS": f"*=kill@{point}"})
    wait.until(lambda: daemon.answers() or daemon.dead(), "boots or dies", 20)
    if daemon.dead():
        return False
    try:
        operation.act(daemon.api)
    except (wire.Closed, OSError, ValueError):
        daemon.process.wait(10)
        return False
    except AssertionError:
        if not daemon.dead():
            raise
        return False
    return True


def recover(daemon, operation, before):
    """The start after a crash, and what must hold from then on."""
    daemon.start()
    operation.check(daemon.api)
    assert [i["RepoTags"] for i in daemon.api.get("/images/json").json()] == [[IMAGE]]
    wait.until(lambda: daemon.api.get("/containers/json", all=1).json() == [], "nothing listed")
    leaks.settle(daemon, before, 15, ignore=("fds",))


@pytest.mark.parametrize(
    "operation",
    [
        Create, Start, StartAutoRemove, Stop, Remove, RemoveByForce, Load, RemoveImage, CreateVolume,
        RemoveVolume, RenameVolume, CreateWithVolumes, RemoveWithVolumes, StartWithVolume,
        Commit, CopyIn, Pause, Rename, ClearLogs, Change,
    ],
    ids=lambda o: o.__name__,
)
def test_sweep(own_daemon, operation):
    daemon = own_daemon()
    operation = operation()
    daemon.api.output("true")
    wait.until(lambda: not leaks.cgroups(daemon), "quiet")
    daemon.stop()
    daemon.start()
    # The first picture must not show what is only waiting for its deletion.
    wait.until(lambda: not os.listdir(os.path.join(daemon.data_root, "trash")), "no trash")
    before = leaks.picture(daemon)
    crashes = 0
    for point in range(1, MOST + 1):
        operation.prepare(daemon.api)
        daemon.stop()
        survived = attempt(daemon, operation, point)
        if survived:
            # What the operation left to the background may still meet the point: end it either way.
            daemon.kill()
        try:
            recover(daemon, operation, before)
        except AssertionError as error:
            raise AssertionError(f"after a crash at failpoint {point}: {error}\n{daemon.tail(15)}") from error
        if survived:
            break
        crashes += 1
    assert crashes > 0, "no failpoint was met: the sweep proves nothing"
