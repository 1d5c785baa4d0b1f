"""HostConfig.StorageOpt: containers are held to what they may write.

Needs data roots on a file system with project quotas: /tmp of tools/vm has them.
"""

import shutil
import subprocess
import tempfile

import pytest

from harness import image, quota, wire
from harness.image import IMAGE
from test_userns_remap import make_remap  # noqa: F401 pylint: disable=unused-import

if not quota.is_there():
    pytest.skip("/tmp has no project quotas (that of tools/vm has)", allow_module_level=True)

MIB = 1 << 20


def fill(megabytes, name="/big"):
    return f"dd if=/dev/zero of={name} bs=1M count={megabytes} 2>&1 | tail -n 1; sync; du -m {name} | cut -f 1"


def limited(api, script, size, **options):
    host = {"StorageOpt": {"size": size}} if size else {}
    return api.shell(script, host=host, **options)


def test_writes_end_at_the_limit(api, cli):
    sizes = limited(api, fill(20), "8m").split()
    assert 6 <= int(sizes[-1]) <= 8
    assert limited(api, "df -m / | tail -n 1 | awk '{print $2}'", "64m") == "64\n"
    assert int(limited(api, fill(20), None).split()[-1]) >= 20
    out = cli("run", "--rm", "--storage-opt", "size=8m", IMAGE, "sh", "-c", "dd if=/dev/zero of=/big bs=1M count=20 2>&1").out
    assert "quota exceeded" in out.lower() or "no space" in out.lower()


def test_what_is_made_anywhere_counts(api):
    """New directories, and files of the image that are copied up."""
    script = "mkdir -p /a/b && cp /bin/busybox /a/b/x && touch /bin/busybox; " + fill(20, "/a/b/big")
    assert int(limited(api, script, "8m").split()[-1]) < 8
    # a volume and a tmpfs are not the layer
    out = api.shell(fill(20, "/v/big"), host={"StorageOpt": {"size": "8m"}, "Binds": ["data:/v"]})
    assert int(out.split()[-1]) >= 20


def test_containers_do_not_share_it(api):
    first = api.waiting(host={"StorageOpt": {"size": "16m"}})
    second = api.waiting(host={"StorageOpt": {"size": "16m"}})
    for container in (first, second):
        assert int(api.exec(container, "sh", "-c", fill(12))[1].split()[-1]) >= 12
    assert api.inspect(first)["HostConfig"]["StorageOpt"] == {"size": "16m"}


def test_files_stay_in_their_project(api):
    """Root in the container could give its files to another project, which has no limit."""
    change = ("/bin/probe", "syscall", "16", "0", str(0x401C5820), "0")
    assert "errno 1\n" in api.output(*change, host={"StorageOpt": {"size": "8m"}})[1]
    assert "errno 1\n" not in api.output(*change)[1]
    high = (*change[:4], str(0x1_401C5820), "0")
    assert "errno 1\n" in api.output(*high, host={"StorageOpt": {"size": "8m"}})[1]


def projects():
    """The lines of what repquota would print: projects with a limit or files."""
    out = subprocess.run(["repquota", "-P", "-v", "-n", "/tmp"], capture_output=True, text=True, check=False)
    return {line.split()[0]: line for line in out.stdout.splitlines() if line.startswith("#") and not line.startswith("#0 ")}


@pytest.mark.skipif(shutil.which("repquota") is None, reason="no repquota (package quota)")
def test_nothing_is_left(own_daemon):
    before = projects()
    daemon = own_daemon()
    api = daemon.api
    containers = [api.create("true", host={"StorageOpt": {"size": "16m"}}) for _ in range(3)]
    assert len(projects()) == len(before) + 3
    api.remove(containers[0])
    daemon.kill()
    daemon.start()
    for container in containers[1:]:
        api.remove(container)
    daemon.stop()
    daemon.start()  # what is in the trash
    daemon.stop()
    assert set(projects()) <= set(before)


def test_survives_the_daemon_and_restarts(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    container = api.waiting(host={"StorageOpt": {"size": "8m"}})
    daemon.kill()
    daemon.start()
    api.post(f"/containers/{container}/restart", t=1)
    assert 6 <= int(api.exec(container, "sh", "-c", fill(20))[1].split()[-1]) <= 8
    # and the next ones have numbers of their own
    other = api.waiting(host={"StorageOpt": {"size": "8m"}})
    assert int(api.exec(other, "sh", "-c", fill(6))[1].split()[-1]) >= 6


@pytest.mark.parametrize("point", ["store.project_taken", "store.layer_limited", "store.snapshot_made"])
def test_crashes(own_daemon, point):
    """Wherever the daemon dies in a create: the next one makes it, and holds it to its limit."""
    daemon = own_daemon()
    daemon.kill()
    daemon.start(environment={"GANTRY_FAILPOINTS": f"{point}=kill@1"})
    with pytest.raises((OSError, wire.Closed)):
        daemon.api.create("true", name="fresh", host={"StorageOpt": {"size": "8m"}})
    daemon.process.wait(60)
    daemon.start()
    assert daemon.api.get("/containers/json", all=1).json() == []
    assert 6 <= int(limited(daemon.api, fill(20), "8m", name="fresh").split()[-1]) <= 8


def test_default(own_daemon):
    daemon = own_daemon(settings={"storage-opts": ["overlay2.size=8m"]})
    assert int(daemon.api.shell(fill(20)).split()[-1]) <= 8
    assert int(limited(daemon.api, fill(20), "64m").split()[-1]) >= 20


def test_cp_into_a_full_container(api, cli):
    container = api.create("true", host={"StorageOpt": {"size": "4m"}})
    with tempfile.NamedTemporaryFile(dir="/tmp") as file:
        file.write(bytes(8 * MIB))
        file.flush()
        assert cli("cp", file.name, f"{container}:/x").code != 0
    api.start(container)
    assert api.wait(container) == 0


@pytest.mark.gantry_only("it is gantryd's")
def test_with_user_namespaces(remap):
    assert 6 <= int(limited(remap().api, fill(20), "8m").split()[-1]) <= 8
