"""diff, export and commit."""

import io
import tarfile
import time

import pytest

from harness import image
from harness.image import IMAGE

WORK = "rm /etc/group; echo x >> /etc/passwd; mkdir -p /new/dir; echo f > /new/dir/file; chmod 700 /www"


@pytest.fixture
def worked(api):
    name = api.started("sh", "-c", WORK, name="worked")
    assert api.wait(name) == 0
    return "worked"


CHANGES = [
    "C /etc", "D /etc/group", "C /etc/passwd", "A /new", "A /new/dir", "A /new/dir/file", "C /www",
]  # fmt: skip


def test_diff(api, cli, worked):
    assert cli.out("diff", worked).splitlines() == CHANGES
    assert "No such container: nobody" in cli("diff", "nobody", code=1).err


def test_nothing_changed(api):
    name = api.create("true")
    assert api.get(f"/containers/{name}/changes").json() == []
    api.start(name)
    api.wait(name)
    assert api.get(f"/containers/{name}/changes").json() == []


def test_replaced_directory(api):
    name = api.started("sh", "-c", "rm -r /www && mkdir /www && echo x > /www/mine")
    api.wait(name)
    changes = {(c["Kind"], c["Path"]) for c in api.get(f"/containers/{name}/changes").json()}
    assert {(2, "/www/index.html"), (1, "/www/mine")} <= changes


@pytest.mark.parametrize("running", [False, True])
def test_export(api, cli, tmp_path, running):
    (tmp_path / "v").write_text("in the volume")
    script = WORK + ("; exec /bin/probe wait" if running else "")
    name = api.started("sh", "-c", script, host={"Binds": [f"{tmp_path}:/vol"], "Tmpfs": {"/tmp": ""}})
    if running:
        from harness import wait  # pylint: disable=import-outside-toplevel
        wait.until(lambda: api.exec(name, "ls", "-ld", "/www")[1].startswith("drwx------"), "done")
    else:
        api.wait(name)
    out = tmp_path / "out.tar"
    cli("export", "-o", str(out), name, code=0)
    with tarfile.open(out) as tar:
        members = {m.name: m for m in tar}
        assert tar.extractfile("new/dir/file").read() == b"f\n"
    assert "etc/group" not in members and "vol/v" not in members
    assert members["www"].mode == 0o700 and members["bin/["].isreg()
    assert any(m.islnk() for m in members.values())
    assert not [n for n in members if n.startswith("proc/")]


def test_export_refusals(cli, worked):
    with cli.terminal("export", worked) as terminal:
        code, text = terminal.finish()
    assert code == 1 and "cowardly refusing to save to a terminal" in text
    assert "invalid output path: stat /no/such: no such file" in cli("export", "-o", "/no/such/place", worked, code=1).err
    assert "No such container: nobody" in cli("export", "nobody", code=1).err


def test_commit(api, cli, worked):
    made = cli.out(
        "commit", "-a", "Ada", "-m", "why", "-c", "ENV a=b", "-c", "CMD cat /new/dir/file",
        "-c", "LABEL k=v", worked, "made:1",
    )  # fmt: skip
    told = api.get("/images/made:1/json").json()
    assert (told["Id"], told["Author"], told["Comment"]) == (made, "Ada", "why")
    assert len(told["RootFS"]["Layers"]) == 2
    assert "a=b" in told["Config"]["Env"] and told["Config"]["Labels"] == {"k": "v"}
    assert api.output(image="made:1")[1] == "f\n"
    assert api.shell("test ! -e /etc/group && ls -ld /www", image="made:1").startswith("drwx------")
    history = api.get("/images/made:1/history").json()
    assert (history[0]["Comment"], history[0]["Id"]) == ("why", made)
    archive = api.get("/images/made:1/get").body
    api.delete("/images/made:1")
    api.load_ok(archive)
    assert api.get("/images/made:1/json").json()["Id"] == made


def test_commit_without_changes_adds_no_layer(api):
    name = api.create("true")
    made = api.post("/commit", expect=201, container=name).json()["Id"]
    told = api.get(f"/images/{made}/json").json()
    assert told["RootFS"]["Layers"] == api.get(f"/images/{IMAGE}/json").json()["RootFS"]["Layers"]


def test_commit_opaque_directory(api):
    name = api.started("sh", "-c", "rm -r /www && mkdir /www && echo x > /www/mine")
    api.wait(name)
    made = api.post("/commit", expect=201, container=name).json()["Id"]
    assert api.shell("ls /www", image=made) == "mine\n"


@pytest.mark.parametrize("pause", [0, 1])
def test_commit_pauses(api, pause):
    name = api.waiting()
    start = int(time.time()) - 1
    api.post("/commit", expect=201, container=name, pause=pause)
    events = api.get("/events", since=start, until=int(time.time()) + 1, filters={"container": [name]}).json_lines()
    actions = [e["Action"] for e in events]
    assert ("pause" in actions, "unpause" in actions) == (bool(pause), bool(pause))
    assert actions[-1] == "commit" and api.exec(name, "true")[0] == 0


def test_commit_of_a_container_without_its_image(api):
    api.load_ok(image.derived("gone:1", layer=image.Tar().add("mine", b"m").bytes()))
    name = api.create("true", image="gone:1")
    api.delete("/images/gone:1", force=1)
    made = api.post("/commit", expect=201, container=name).json()["Id"]
    assert api.shell("cat /mine", image=made) == "m"


def test_commit_config_in_the_body(api, worked):
    made = api.post("/commit", {"Cmd": ["cat", "/new/dir/file"], "User": "bob"}, 201, container=worked).json()["Id"]
    config = api.get(f"/images/{made}/json").json()["Config"]
    assert (config["Cmd"], config["User"], config["Env"]) == (["cat", "/new/dir/file"], "bob", ["PATH=/bin"])


@pytest.mark.parametrize("query, status, text", [
    ({"container": "nobody"}, 404, "No such container: nobody"),
    ({"container": "worked", "repo": "UPPER"}, 400, "must be lowercase"),
    ({"container": "worked", "changes": "RUN x"}, 400, "RUN is not a valid change command"),
])  # fmt: skip
def test_commit_refusals(api, worked, query, status, text):
    before = len(api.get("/images/json", all=1).json())
    assert text in api.post("/commit", expect=status, **query).message
    assert len(api.get("/images/json", all=1).json()) == before
