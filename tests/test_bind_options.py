"""What travels through a bind mount, and what is read-only in it."""

import subprocess

import pytest

from harness import api as apis
from harness.image import IMAGE


@pytest.fixture
def tree(daemon, tmp_path):
    """A directory that is a shared mount where the daemon is, with a tmpfs below it."""
    source = tmp_path / "tree"
    (source / "sub").mkdir(parents=True)
    (source / "later").mkdir()

    def run(*command):
        subprocess.run(daemon.sandbox.prefix() + [str(word) for word in command], check=True)

    run("mount", "--bind", source, source)
    run("mount", "--make-private", source)
    run("mount", "-t", "tmpfs", "tmpfs", source / "sub")
    source_of = type("Tree", (), {"path": source, "run": staticmethod(run)})
    yield source_of
    daemon.remove_containers()
    run("umount", "-R", "-l", source)


def bind(tree, **options):
    read_only = options.pop("ReadOnly", False)
    return {"Mounts": [{"Type": "bind", "Source": str(tree.path), "Target": "/m", "ReadOnly": read_only, "BindOptions": options}]}


WRITES = "for d in /m /m/sub; do touch $d/x 2>/dev/null && echo rw || echo ro; done"


@pytest.mark.parametrize(
    "options,expected",
    [
        ({}, ["rw", "rw"]),
        ({"ReadOnly": True}, ["ro", "ro"]),
        ({"ReadOnly": True, "ReadOnlyForceRecursive": True}, ["ro", "ro"]),
        ({"ReadOnly": True, "ReadOnlyNonRecursive": True}, ["ro", "rw"]),
    ],
    ids=str,
)
@pytest.mark.gantry_only("20.10 knows no recursion here")
def test_read_only(api, tree, options, expected):
    assert api.shell(WRITES, host=bind(tree, **options)).split() == expected


@pytest.mark.gantry_only("20.10 knows no recursion here")
def test_read_only_of_old_clients(api, tree):
    old = apis.Api(api.daemon, api.description, "1.43")
    assert old.shell(WRITES, host=bind(tree, ReadOnly=True)).split() == ["ro", "rw"]
    assert api.shell(WRITES, host={"Binds": [f"{tree.path}:/m:ro"]}).split() == ["ro", "ro"]


def test_what_is_mounted_below(api, tree):
    count = "grep -c ' /m' /proc/self/mountinfo"
    assert api.shell(count, host=bind(tree)).strip() == "2"
    assert api.shell(count, host=bind(tree, NonRecursive=True)).strip() == "1"


@pytest.mark.parametrize("mode,seen", [("rslave", True), ("rshared", True), ("rprivate", False), ("", False)])
def test_later_mounts_of_the_host(api, tree, mode, seen):
    tree.run("mount", "--make-shared", tree.path)
    container = api.waiting(host=bind(tree, **({"Propagation": mode} if mode else {})))
    tree.run("mount", "-t", "tmpfs", "tmpfs", tree.path / "later")
    out = api.exec(container, "grep", "-c", " /m/later ", "/proc/self/mountinfo")[1]
    assert (out.strip() == "1") == seen
    assert api.inspect(container)["Mounts"][0]["Propagation"] == (mode or "rprivate")
    # In the colon notation the same.
    if mode:
        container = api.waiting(host={"Binds": [f"{tree.path}:/m:{mode}"]})
        assert api.inspect(container)["Mounts"][0]["Propagation"] == mode


@pytest.mark.parametrize("mode,seen", [("rslave", False), ("rshared", True)])
def test_mounts_of_the_container(api, tree, mode, seen):
    tree.run("mount", "--make-shared", tree.path)
    host = dict(bind(tree, Propagation=mode), CapAdd=["SYS_ADMIN"], SecurityOpt=["apparmor=unconfined"])
    api.waiting(host=host)
    container = api.waiting(host=host)
    assert api.exec(container, "mount", "-t", "tmpfs", "tmpfs", "/m/later")[0] == 0
    told = subprocess.run(api.daemon.sandbox.prefix() + ["cat", "/proc/self/mountinfo"], check=True, capture_output=True, text=True)
    assert (f" {tree.path}/later " in told.stdout) == seen


@pytest.mark.parametrize("mode,what", [("rshared", "shared"), ("shared", "shared"), ("rslave", "shared or slave")])
def test_source_must_share(api, tree, mode, what):
    container = api.create("true", host=bind(tree, Propagation=mode))
    answer = api.start(container, expect=(400, 500))
    assert f"path {tree.path} is mounted on {tree.path} but it is not a {what} mount" in answer.message
    assert api.state(container)["Status"] == "created"


def test_refused(api, tree):
    answer = api.create("true", host=bind(tree, Propagation="sideways"), expect=400)
    assert "invalid propagation mode: sideways" in answer.message
    both = bind(tree, ReadOnly=True, ReadOnlyNonRecursive=True, ReadOnlyForceRecursive=True)
    if not api.daemon.is_docker:
        api.create("true", host=both, expect=400)


def test_by_flag(cli, tree):
    spec = f"type=bind,src={tree.path},dst=/m"
    run = lambda options: cli.out("run", "--rm", "--mount", spec + options, IMAGE, "sh", "-c", WRITES).split()
    assert run("") == ["rw", "rw"]
    if not cli.daemon.is_docker:
        assert run(",readonly") == ["ro", "ro"]
        assert run(",readonly,bind-recursive=writable") == ["ro", "rw"]
        assert run(",readonly,bind-recursive=readonly,bind-propagation=rprivate") == ["ro", "ro"]
        count = ("grep", "-c", " /m", "/proc/self/mountinfo")
        assert cli.out("run", "--rm", "--mount", spec + ",bind-recursive=disabled", IMAGE, *count) == "1"
    result = cli("run", "--rm", "--mount", spec + ",bind-propagation=rshared", IMAGE, "true", code=125)
    assert "but it is not a shared mount" in result.err
