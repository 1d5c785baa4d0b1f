"""cp of both clients: files from here into a container and back, by docker's rules of paths."""

import io
import os
import re
import stat
import tarfile

import pytest



@pytest.fixture
def here(tmp_path):
    """A directory of the host with something in it."""
    (tmp_path / "dir" / "sub").mkdir(parents=True)
    (tmp_path / "dir" / "sub" / "f").write_text("deep")
    (tmp_path / "dir" / "g").write_text("flat")
    (tmp_path / "file").write_text("plain")
    os.chmod(tmp_path / "file", 0o640)
    os.symlink("dir", tmp_path / "to-dir")
    os.symlink("file", tmp_path / "to-file")
    (tmp_path / "out").mkdir()
    return tmp_path


def tree(top):
    """What is below TOP: names with a slash for directories, links as name -> target."""
    found = []
    for base, directories, files in os.walk(top):
        for name in directories + files:
            path = os.path.join(base, name)
            shown = os.path.relpath(path, top)
            if os.path.islink(path):
                shown += " -> " + os.readlink(path)
            elif os.path.isdir(path):
                shown += "/"
            found.append(shown)
    return sorted(found)


def inside(api, container, path):
    return tree_of(api.exec(container, "find", path)[1], path)


def tree_of(text, path):
    return sorted(line[len(path):].lstrip("/") for line in text.splitlines() if line != path)


READY = "mkdir -p /d/sub; echo deep > /d/sub/f; echo flat > /d/g; echo plain > /file; ln -s d /to-d; ln -s file /to-file; mkdir /e"


@pytest.fixture
def container(api):
    name = api.waiting()
    assert api.exec(name, "sh", "-c", READY)[0] == 0
    return name


# source, destination in the container: what is there then, below /e
TO_CONTAINER = [
    ("file", "/e", ["file"]),
    ("file", "/e/", ["file"]),
    ("file", "/e/.", ["file"]),
    ("file", "/e/new", ["new"]),
    ("dir", "/e", ["dir", "dir/g", "dir/sub", "dir/sub/f"]),
    ("dir/", "/e/", ["dir", "dir/g", "dir/sub", "dir/sub/f"]),
    ("dir/.", "/e", ["g", "sub", "sub/f"]),
    ("dir", "/e/new", ["new", "new/g", "new/sub", "new/sub/f"]),
    ("dir/.", "/e/new", ["new", "new/g", "new/sub", "new/sub/f"]),
    ("dir/sub/../g", "/e", ["g"]),
    ("./dir/sub", "e", ["sub", "sub/f"]),
    ("to-dir", "/e", ["to-dir"]),
    ("to-dir/", "/e", ["to-dir", "to-dir/g", "to-dir/sub", "to-dir/sub/f"]),
    ("to-dir/.", "/e", ["g", "sub", "sub/f"]),
    ("to-file", "/e", ["to-file"]),
]


@pytest.mark.parametrize("source, destination, expected", TO_CONTAINER)
def test_to_container(api, cli, here, container, source, destination, expected):
    cli("cp", f"{here}/{source}", f"{container}:{destination}", code=0)
    assert inside(api, container, "/e") == expected


FOLLOWED = [("to-dir", ["to-dir", "to-dir/g", "to-dir/sub", "to-dir/sub/f"]), ("to-file", ["to-file"])]


@pytest.mark.parametrize("source, expected", FOLLOWED)
@pytest.mark.parametrize("flag", ["-L", "--follow-link"])
def test_to_container_following(api, cli, here, container, source, expected, flag):
    cli("cp", flag, f"{here}/{source}", f"{container}:/e", code=0)
    assert inside(api, container, "/e") == expected
    assert api.exec(container, "test", "-L", f"/e/{source}")[0] == 1


@pytest.mark.parametrize("source, expected", [("d", ["d/", "d/g", "d/sub/", "d/sub/f"]), ("to-d", ["to-d -> d"]),
    ("d/.", ["g", "sub/", "sub/f"]), ("to-d/", ["to-d/", "to-d/g", "to-d/sub/", "to-d/sub/f"]),
    ("file", ["file"]), ("to-file", ["to-file -> file"]), ("d/sub/../g", ["g"])])  # fmt: skip
def test_from_container(cli, here, container, source, expected):
    cli("cp", f"{container}:/{source}", f"{here}/out", code=0)
    assert tree(here / "out") == expected


@pytest.mark.parametrize("source, expected", [("d", ["new/", "new/g", "new/sub/", "new/sub/f"]),
    ("d/.", ["new/", "new/g", "new/sub/", "new/sub/f"]), ("file", ["new"])])  # fmt: skip
def test_from_container_to_a_new_name(cli, here, container, source, expected):
    cli("cp", f"{container}:/{source}", f"{here}/out/new", code=0)
    assert tree(here / "out") == expected


@pytest.mark.parametrize("source, expected", [("to-d", ["to-d/", "to-d/g", "to-d/sub/", "to-d/sub/f"]), ("to-file", ["to-file"])])
@pytest.mark.parametrize("flag", ["-L", "--follow-link"])
def test_from_container_following(cli, here, container, source, expected, flag):
    cli("cp", flag, f"{container}:/{source}", f"{here}/out", code=0)
    assert tree(here / "out") == expected


def test_content_mode_and_time(api, cli, here, container):
    os.utime(here / "file", (1234567890, 1234567890))
    cli("cp", str(here / "file"), f"{container}:/e/f", code=0)
    assert api.exec(container, "stat", "-c", "%a %Y", "/e/f")[1] == "640 1234567890\n"
    assert api.exec(container, "cat", "/e/f")[1] == "plain"
    cli("cp", f"{container}:/e/f", str(here / "out" / "back"), code=0)
    back = here / "out" / "back"
    assert back.read_text() == "plain" and stat.S_IMODE(back.stat().st_mode) == 0o640
    assert int(back.stat().st_mtime) == 1234567890


@pytest.mark.parametrize("flag", ["-a", "--archive"])
def test_owner(api, cli, here, flag):
    """As they are; with --archive the container's user's. What comes here is the caller's."""
    os.chown(here / "file", 12, 34)
    name = api.waiting(User="bob")
    cli("cp", str(here / "file"), f"{name}:/tmp/kept", code=0)
    cli("cp", flag, str(here / "file"), f"{name}:/tmp/given", code=0)
    assert api.exec(name, "stat", "-c", "%u:%g", "/tmp/kept", "/tmp/given")[1] == "12:34\n1000:1000\n"
    cli("cp", f"{name}:/tmp/kept", str(here / "out"), code=0)
    assert (here / "out" / "kept").stat().st_uid == os.getuid()


def test_over_what_is_there(api, cli, here, container):
    cli("cp", str(here / "file"), f"{container}:/file", code=0)
    assert api.exec(container, "cat", "/file")[1] == "plain"
    cli("cp", f"{container}:/d/g", str(here / "file"), code=0)
    assert (here / "file").read_text() == "flat\n"
    # a link as the destination is followed, also when nothing is behind it yet
    cli("cp", str(here / "dir" / "g"), f"{container}:/to-file", code=0)
    assert api.exec(container, "cat", "/file")[1] == "flat"
    os.symlink("later", here / "dangling")
    cli("cp", f"{container}:/d/g", str(here / "dangling"), code=0)
    assert (here / "later").read_text() == "flat\n"
    # directories are merged
    cli("cp", f"{here}/dir/.", f"{container}:/d", code=0)
    assert api.exec(container, "cat", "/d/sub/f")[1] == "deep"


def test_not_running(api, cli, here):
    name = api.create("true")
    cli("cp", str(here / "dir"), f"{name}:/tmp", code=0)
    cli("cp", f"{name}:/tmp/dir/sub/f", str(here / "out"), code=0)
    assert (here / "out" / "f").read_text() == "deep"


def test_relative_paths(api, cli, here, container):
    done = cli.spawn("cp", "dir/g", f"{container}:e/rel", cwd=here)
    assert done.communicate()[1] == "" and done.returncode == 0
    assert api.exec(container, "cat", "/e/rel")[1] == "flat"
    done = cli.spawn("cp", f"{container}:d/g", "out", cwd=here)
    assert done.communicate()[1] == "" and done.returncode == 0
    # "./a:b" is a path and not a container
    (here / "a:b").write_text("colon")
    done = cli.spawn("cp", "./a:b", f"{container}:/e", cwd=here)
    assert done.communicate()[1] == "" and done.returncode == 0
    assert api.exec(container, "cat", "/e/a:b")[1] == "colon"


def raw(cli, *arguments, data=b""):
    process = cli.spawn(*arguments, text=False)
    out, err = process.communicate(data, timeout=60)
    return process.returncode, out, err.decode()


def test_streams(api, cli, container):
    code, out, err = raw(cli, "cp", f"{container}:/d", "-")
    assert (code, err) == (0, "")
    with tarfile.open(fileobj=io.BytesIO(out)) as tar:
        assert sorted(tar.getnames()) == ["d", "d/g", "d/sub", "d/sub/f"]
    code, out, err = raw(cli, "cp", "-", f"{container}:/e", data=out)
    assert (code, out, err) == (0, b"", "")
    assert inside(api, container, "/e") == ["d", "d/g", "d/sub", "d/sub/f"]
    code, _, err = raw(cli, "cp", "-", f"{container}:/e", data=b"no archive" * 100)
    assert code == 1 and err.startswith("Error response from daemon: ")
    code, _, err = raw(cli, "cp", "-", f"{container}:/file", data=b"")
    assert (code, err) == (1, f'destination "{container}:/file" must be a directory\n')


def test_progress(cli, here, container):
    """Where nobody watches nothing is said, unless asked for."""
    assert cli("cp", str(here / "file"), f"{container}:/e", code=0).err == ""
    told = cli("cp", "--quiet=false", str(here / "file"), f"{container}:/e", code=0)
    assert (told.out, told.err) == ("", f"Successfully copied 2.05kB to {container}:/e\n")
    told = cli("cp", "--quiet=false", f"{container}:/d/g", str(here / "out"), code=0)
    assert told.err == f"Successfully copied 2.05kB to {here}/out\n"
    with cli.terminal("cp", str(here / "file"), f"{container}:/e") as terminal:
        code, seen = terminal.finish()
    assert code == 0 and seen.endswith(f"Successfully copied 2.05kB to {container}:/e\r\n")
    if cli.is_gantry:  # docker shows nothing of a copy that is done at once
        assert "Copying to container - " in seen
    for flag in ("-q", "--quiet"):
        with cli.terminal("cp", flag, str(here / "file"), f"{container}:/e") as terminal:
            assert terminal.finish() == (0, "")


# arguments with {c} for the container and {h} for the directory here: what is said
REFUSED = {
    "no source": (["", "{c}:/e"], "source can not be empty"),
    "no destination": (["{c}:/e", ""], "destination can not be empty"),
    "two containers": (["{c}:/d", "{c}:/e"], "copying between containers is not supported"),
    "no container": (["{h}/file", "{h}/out"], "must specify at least one container source"),
    "missing here": (["{h}/nope", "{c}:/e"], "lstat {h}/nope: no such file or directory"),
    "missing directory here": (["{h}/nope/x", "{c}:/e"], "lstat {h}/nope: no such file or directory"),
    "file with a slash": (["{h}/file/", "{c}:/e"], "not a directory"),
    "missing there": (["{c}:/nope", "{h}/out"], "Error response from daemon: Could not find the file /nope in container {c}"),
    "no such container": (["nobody:/d", "{h}/out"], "Error response from daemon: No such container: nobody"),
    "to no such container": (["{h}/file", "nobody:/d"], "Error response from daemon: No such container: nobody"),
    "to a missing directory": (["{h}/file", "{c}:/no/x"], "Error response from daemon: Could not find the file /no in container {c}"),
    "file as directory": (["{h}/file", "{c}:/no/"], "no such directory"),
    "directory over a file": (["{h}/dir", "{c}:/file"], "cannot copy directory"),
    "directory over a file here": (["{c}:/d", "{h}/file"], "cannot copy directory"),
    "file as directory here": (["{c}:/file", "{h}/no/"], "no such directory"),
    "out of nowhere": (["{c}:/d", "{h}/no/no"], 'invalid output path: directory "{h}/no" does not exist'),
    "onto a device": (["{c}:/file", "/dev/null"], 'invalid output path: "/dev/null" must be a directory or a regular file: got a device'),
    "onto a device there": (["{h}/file", "{c}:/null"], 'destination "{c}:/null" must be a directory or a regular file: got a device'),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(api, cli, here, case):
    container = api.waiting(name="the-container")
    assert api.exec(container, "sh", "-c", READY + "; mknod /null c 1 3")[0] == 0
    arguments, message = REFUSED[case]
    before = tree(here)
    shown = {"c": "the-container", "h": str(here)}
    done = cli("cp", *[a.format(**shown) for a in arguments], code=1)
    # docker's log tells that it could not go on with the archive
    err = re.sub(r'(?m)^time="[^"]*" level=error .*\n', "", done.err) if not cli.is_gantry else done.err
    assert (done.out, err) == ("", message.format(**shown) + "\n")
    assert tree(here) == before


def test_clash(cli, here, container):
    """A directory where the copy has a file, below the top: nothing of it is lost."""
    (here / "clash" / "d" / "sub" / "f").mkdir(parents=True)
    done = cli("cp", f"{container}:/d", str(here / "clash"), code=1)
    assert re.search(r'cannot overwrite directory ".*/clash/d/sub/f" with non-directory "', done.err)
    assert (here / "clash" / "d" / "sub" / "f").is_dir()


def test_help(cli):
    assert "SRC_PATH|- CONTAINER:DEST_PATH" in cli.out("cp", "--help")
    assert "requires 2 arguments" in cli("cp", "x", code=1).err


@pytest.mark.gantry_only("docker refuses some of these and follows others")
@pytest.mark.parametrize("prepare", [
    "ln -s /etc /e/l; echo x > /e/gantry-planted",
    "ln -s ../../../../../../../etc /e/l",
])  # fmt: skip
def test_links_of_a_container_lead_nowhere(api, gantry, here, prepare):
    """An archive in which a link comes first and then something "in" it."""
    name = api.waiting()
    assert api.exec(name, "sh", "-c", "mkdir /e; " + prepare)[0] == 0
    gantry("cp", f"{name}:/e/.", str(here / "out"), code=0)
    assert os.path.islink(here / "out" / "l")
    assert not os.path.exists("/etc/gantry-planted")


def test_a_big_file_and_hard_links(api, cli, here, container):
    data = os.urandom(3 << 20)
    (here / "dir" / "big").write_bytes(data)
    os.link(here / "dir" / "big", here / "dir" / "same")
    cli("cp", str(here / "dir"), f"{container}:/e", code=0)
    assert len(set(api.exec(container, "stat", "-c", "%i", "/e/dir/big", "/e/dir/same")[1].split())) == 1
    cli("cp", f"{container}:/e/dir", str(here / "out"), code=0)
    assert (here / "out" / "dir" / "big").read_bytes() == data
    assert (here / "out" / "dir" / "same").stat().st_ino == (here / "out" / "dir" / "big").stat().st_ino
    # with the top renamed, links among what is below it are still links
    cli("cp", f"{container}:/e/dir", str(here / "out" / "other"), code=0)
    assert (here / "out" / "other" / "same").stat().st_ino == (here / "out" / "other" / "big").stat().st_ino


def test_a_name_of_the_image(api, cli, here, container):
    """A part of the tree that has the name of its top is not renamed."""
    assert api.exec(container, "sh", "-c", "mkdir -p /d/d/d; echo x > /d/d/dd")[0] == 0
    cli("cp", f"{container}:/d", str(here / "out" / "n"), code=0)
    assert {"n/d/", "n/d/d/", "n/d/dd"} <= set(tree(here / "out"))
