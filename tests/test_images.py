"""Images: load, save, import, tag, remove, inspect, history, list."""

import io
import json
import tarfile

import pytest

from harness import image, wire
from harness.image import IMAGE, Tar, busybox_layer, derived, digest_of, docker_archive, oci_archive


def tags(api, **query):
    return sorted(t for i in api.get("/images/json", **query).json() for t in i["RepoTags"] or [])


def layer(name="f", data=b"x"):
    return Tar().add(name, data).bytes()


def test_load_says_what_it_loaded(api):
    answer = api.load_ok(derived("loaded:1", {"Cmd": ["true"]}))
    assert "Loaded image: loaded:1\n" in [line.get("stream") for line in answer.json_lines()]
    assert answer.header("Content-Type").startswith("application/json")
    assert tags(api) == [IMAGE, "loaded:1"]


def test_load_without_tag(api):
    answer = api.load_ok(docker_archive([busybox_layer()], [], {"Cmd": ["echo", "anonymous"]}))
    said = [line.get("stream", "") for line in answer.json_lines()]
    loaded = next(line for line in said if line.startswith("Loaded image ID: sha256:"))
    identity = loaded.split(": ")[1].strip()
    assert api.output(image=identity)[1] == "anonymous\n"


def test_load_several(api):
    config = json.dumps(image.image_config([busybox_layer()])).encode()
    name = digest_of(config) + ".json"
    path = f"{digest_of(busybox_layer())}/layer.tar"
    manifest = [{"Config": name, "RepoTags": ["many:1", "other/many:2"], "Layers": [path]}]
    api.load_ok(docker_archive([busybox_layer()], [], config_bytes=config, manifest=manifest))
    assert tags(api) == [IMAGE, "many:1", "other/many:2"]


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_load_compressed(api, kind):
    import bz2, gzip, lzma  # noqa: E401  pylint: disable=multiple-imports

    archive = docker_archive([layer()], ["packed:1"], {"Cmd": ["x"]})
    pack = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}[kind]
    api.load_ok(pack(archive))
    assert "packed:1" in tags(api)


@pytest.mark.gantry_only("20.10 reads docker archives only")
def test_load_oci_layout(api):
    api.load_ok(oci_archive([busybox_layer()], "oci:1", {"Cmd": ["echo", "from oci"], "Env": ["PATH=/bin"]}))
    assert api.output(image="oci:1")[1] == "from oci\n"


def test_load_again_changes_nothing(api):
    archive = derived("again:1", {"Cmd": ["true"]})
    api.load_ok(archive)
    before = api.get("/images/again:1/json").json()["Id"]
    api.load_ok(archive)
    assert api.get("/images/again:1/json").json()["Id"] == before


def test_load_moves_a_tag(api):
    api.load_ok(derived("moves:1", {"Cmd": ["echo", "old"]}))
    old = api.get("/images/moves:1/json").json()["Id"]
    api.load_ok(derived("moves:1", {"Cmd": ["echo", "new"], "Env": ["PATH=/bin"]}))
    assert api.output(image="moves:1")[1] == "new\n"
    untagged = api.get(f"/images/{old}/json").json()
    assert untagged["RepoTags"] == []
    api.delete(f"/images/{old}")


def test_inspect(api):
    told = api.get(f"/images/{IMAGE}/json").json()
    assert told["Id"].startswith("sha256:") and told["RepoTags"] == [IMAGE]
    assert told["RepoDigests"] == []
    assert (told["Os"], told["Architecture"]) == ("linux", "amd64")
    assert told["Size"] > 1 << 20
    assert told["RootFS"] == {"Type": "layers", "Layers": ["sha256:" + digest_of(busybox_layer())]}
    assert told["Config"]["Cmd"] == ["/bin/sh"]
    assert told["Created"].startswith("2026-01-01T00:00:00")
    for key in (told["Id"], told["Id"][7:], told["Id"][7:19], "docker.io/library/" + IMAGE):
        assert api.get(f"/images/{key}/json").json()["Id"] == told["Id"]


def test_id_is_the_digest_of_the_config(api):
    config = json.dumps(image.image_config([layer()])).encode()
    api.load_ok(docker_archive([layer()], ["digest:1"], config_bytes=config))
    assert api.get("/images/digest:1/json").json()["Id"] == "sha256:" + digest_of(config)


@pytest.mark.parametrize("name", ["nosuch", "nosuch:1", "host:5000/nosuch", "ffffffffffff"])
def test_unknown(api, name):
    full = name if ":" in name.rpartition("/")[2] else name + ":latest"
    answer = api.get(f"/images/{name}/json", expect=404)
    assert answer.message.lower().endswith(f"no such image: {full}")
    assert api.delete(f"/images/{name}", expect=404).message.lower().endswith(f"no such image: {full}")
    api.post(f"/images/{name}/tag", repo="x", expect=404)
    api.get(f"/images/{name}/history", expect=404)


def test_history(api):
    history = [
        {"created": "2026-01-01T00:00:00Z", "created_by": "first"},
        {"created": "2026-01-02T00:00:00Z", "created_by": "ENV", "empty_layer": True},
        {"created": "2026-01-03T00:00:00Z", "created_by": "second", "comment": "c"},
    ]
    api.load_ok(docker_archive([busybox_layer(), layer(data=b"x" * 500)], ["story:1"], history=history))
    rows = api.get("/images/story:1/history").json()
    assert [row["CreatedBy"] for row in rows] == ["second", "ENV", "first"]
    assert rows[0]["Id"] == api.get("/images/story:1/json").json()["Id"]
    assert (rows[0]["Tags"], rows[1]["Id"], rows[1]["Tags"]) == (["story:1"], "<missing>", None)
    assert (rows[0]["Size"], rows[1]["Size"], rows[0]["Comment"]) == (500, 0, "c")
    assert rows[1]["Created"] - rows[2]["Created"] == 86400


def test_tag(api):
    api.post(f"/images/{IMAGE}/tag", repo="named", tag="v1", expect=201)
    api.post(f"/images/{IMAGE}/tag", repo="localhost:5000/a/b", expect=201)
    api.post(f"/images/{IMAGE}/tag", repo="docker.io/library/short", tag="x", expect=201)
    assert tags(api) == [IMAGE, "localhost:5000/a/b:latest", "named:v1", "short:x"]


@pytest.mark.parametrize(
    "repo,tag", [("UPPER", "x"), ("", "x"), ("a b", "x"), ("../x", "x"), ("x", "-bad"), ("x", "a" * 129), ("sha256", "x"), ("a" * 300, "x"), ("x@sha256:00", "")]
)
def test_bad_tags(api, repo, tag):
    answer = api.post(f"/images/{IMAGE}/tag", repo=repo, tag=tag, expect=(400, 500))
    assert answer.status == 400 or api.daemon.is_docker
    assert tags(api) == [IMAGE]


def test_remove_one_of_two_tags(api):
    api.load_ok(derived("two:1", {"Cmd": ["x"]}))
    api.post("/images/two:1/tag", repo="two", tag="2")
    identity = api.get("/images/two:1/json").json()["Id"]
    assert api.delete("/images/two:1", expect=200).json() == [{"Untagged": "two:1"}]
    answer = api.delete("/images/two:2", expect=200).json()
    assert answer[0] == {"Untagged": "two:2"} and {"Deleted": identity} in answer


def test_remove_by_id(api):
    api.load_ok(derived("ids:1", {"Cmd": ["x"]}))
    identity = api.get("/images/ids:1/json").json()["Id"]
    api.post("/images/ids:1/tag", repo="elsewhere", tag="1")
    answer = api.delete(f"/images/{identity}", expect=409)
    assert "image is referenced in multiple repositories" in answer.message
    answer = api.delete(f"/images/{identity}", expect=200, force=1).json()
    assert {"Untagged": "ids:1"} in answer and {"Untagged": "elsewhere:1"} in answer
    assert tags(api) == [IMAGE]


def test_remove_in_use(api):
    api.load_ok(derived("used:1", {"Cmd": ["/bin/probe", "wait"]}))
    container = api.create(image="used:1")
    answer = api.delete("/images/used:1", expect=409)
    assert "(must force)" in answer.message or "(must be forced)" in answer.message
    assert container[:12] in answer.message
    api.start(container)
    identity = api.get("/images/used:1/json").json()["Id"]
    answer = api.delete(f"/images/{identity}", expect=409, force=1)
    assert "(cannot be forced)" in answer.message


def test_container_outlives_its_images_name(api):
    api.load_ok(derived("kept:1", {"Cmd": ["echo", "still here"]}))
    container = api.create(image="kept:1")
    api.delete("/images/kept:1", force=1, expect=200)
    api.start(container)
    api.wait(container)
    assert api.logs(container)[0] == b"still here\n"


def test_list_fields(api):
    row = api.get("/images/json").json()[0]
    assert row["RepoTags"] == [IMAGE]
    assert row["Created"] == 1767225600
    assert row["SharedSize"] == -1 and row["Containers"] in (-1, 0)
    assert row["Size"] > 1 << 20
    if not api.daemon.is_docker:
        assert row["RepoDigests"] == []


def test_list_filters(api):
    api.load_ok(derived("team/app:1", {"Labels": {"k": "v"}}, created="2026-02-01T00:00:00Z"))
    api.load_ok(docker_archive([layer()], [], {"Labels": {"dangling": "1"}}))
    for filters, expected in [
        ({"reference": ["busybox"]}, [IMAGE]),
        ({"reference": ["busybox:t*"]}, [IMAGE]),
        ({"reference": ["*/*"]}, ["team/app:1"]),
        ({"reference": ["*:1"]}, []),
        ({"reference": ["team/app:1", "busybox:test"]}, [IMAGE, "team/app:1"]),
        ({"label": ["k"]}, ["team/app:1"]),
        ({"label": ["k=v"]}, ["team/app:1"]),
        ({"label": ["k=x"]}, []),
        ({"dangling": ["false"]}, [IMAGE, "team/app:1"]),
        ({"before": ["team/app:1"]}, [IMAGE]),
        ({"since": [IMAGE]}, ["team/app:1"]),
    ]:
        if api.daemon.is_docker and ("since" in filters or "before" in filters):
            continue  # the untagged image prints as <none>:<none> there
        found = [t for t in tags(api, filters=filters) if "<none>" not in t]
        assert found == expected, filters
    dangling = api.get("/images/json", filters={"dangling": ["true"]}).json()
    assert [row["Labels"] for row in dangling] == [{"dangling": "1"}]
    answer = api.get("/images/json", filters={"foo": ["x"]}, expect=400)
    assert "nvalid filter 'foo'" in answer.message
    api.delete(f"/images/{dangling[0]['Id']}")


def test_save_and_load_again(api):
    api.load_ok(derived("saved:1", {"Cmd": ["cat", "/extra"], "Env": ["PATH=/bin"]}, Tar().add("extra", b"kept\n").bytes()))
    before = api.get("/images/saved:1/json").json()
    archive = api.get("/images/saved:1/get").body
    names = tarfile.open(fileobj=io.BytesIO(archive)).getnames()
    assert "manifest.json" in names
    if not api.daemon.is_docker:
        assert {"oci-layout", "index.json"} <= set(names)
    api.delete("/images/saved:1")
    api.load_ok(archive)
    after = api.get("/images/saved:1/json").json()
    assert (after["Id"], after["RootFS"]) == (before["Id"], before["RootFS"])
    assert api.output(image="saved:1")[1] == "kept\n"


def test_save_several(api):
    api.load_ok(derived("save/a:1", {"Cmd": ["a"]}))
    api.load_ok(derived("save/b:1", {"Cmd": ["b"]}))
    archive = api.get("/images/get", names=["save/a:1", "save/b:1"]).body
    manifest = json.load(tarfile.open(fileobj=io.BytesIO(archive)).extractfile("manifest.json"))
    assert sorted(tag for item in manifest for tag in item["RepoTags"]) == ["save/a:1", "save/b:1"]
    api.get("/images/get", names=["nosuch:1"], expect=404)


def test_import(api):
    answer = api.call(
        "POST", "/images/create", busybox_layer(), expect=200,
        headers={"Content-Type": "application/x-tar"}, fromSrc="-", repo="imported", tag="1",
        message="by hand", changes=["CMD [\"echo\", \"imported\"]", "ENV PATH=/bin", "LABEL a=b", "WORKDIR /tmp"],
    )  # fmt: skip
    status = answer.json_lines()[-1]["status"]
    told = api.get("/images/imported:1/json").json()
    assert status == told["Id"]
    assert told["Comment"] == "by hand"
    assert told["Config"]["Labels"] == {"a": "b"} and told["Config"]["WorkingDir"] == "/tmp"
    assert api.output(image="imported:1")[1] == "imported\n"


def test_import_of_garbage(api):
    answer = api.call(
        "POST", "/images/create", b"not a tar" * 1000, headers={"Content-Type": "application/x-tar"},
        fromSrc="-", repo="garbage", tag="1", expect=(200, 400, 500),
    )  # fmt: skip
    assert answer.status != 200 or "error" in answer.json_lines()[-1]
    assert tags(api) == [IMAGE]


def test_import_with_a_bad_change(api):
    answer = api.call(
        "POST", "/images/create", busybox_layer(), headers={"Content-Type": "application/x-tar"},
        fromSrc="-", repo="bad", changes=["FROM x"], expect=(200, 400, 500),
    )  # fmt: skip
    assert answer.status != 200 or "error" in answer.json_lines()[-1]
    assert tags(api) == [IMAGE]


def test_layers_stack(api):
    lower = Tar().dir("d").add("d/a", b"lower").add("d/gone", b"x").add("file", b"x").dir("o").add("o/hidden", b"x").bytes()
    upper = Tar().add("d/.wh.gone").add(".wh.file").add("d/a", b"upper").add("o/.wh..wh..opq").add("o/new", b"y").bytes()
    api.load_ok(docker_archive([busybox_layer(), lower, upper], ["stack:1"]))
    out = api.shell("cat /d/a; echo; ls /d /o; test ! -e /file; ls -a /d | grep wh || true", image="stack:1")
    assert out == "upper\n/d:\na\n\n/o:\nnew\n"


def test_layer_metadata_is_kept(api):
    tar = (
        Tar()
        .dir("m", mode=0o1750, uid=1000, gid=50)
        .add("m/set", b"x", mode=0o4755)
        .symlink("m/link", "/etc/passwd")
        .hardlink("m/hard", "m/set", mode=0o4755)
        .add("m/fifo", kind=tarfile.FIFOTYPE, mode=0o600)
        .add("m/time", b"", mtime=1234567890)
        .add("m/" + "n" * 200, b"")
        .bytes()
    )
    api.load_ok(derived("meta:1", None, tar))
    script = (
        "stat -c '%a %u %g' /m; stat -c '%a %h' /m/set; readlink /m/link; stat -c %F /m/fifo;"
        "stat -c %Y /m/time; ls /m | grep -c nnnn; test /m/hard -ef /m/set && echo same"
    )
    assert api.shell(script, image="meta:1").splitlines() == [
        "1750 1000 50", "4755 2", "/etc/passwd", "fifo", "1234567890", "1", "same",
    ]  # fmt: skip


def test_many_layers(api):
    layers = [busybox_layer()] + [layer(f"layer{i}", b"%d" % i) for i in range(60)]
    api.load_ok(docker_archive(layers, ["deep:1"]))
    assert api.shell("ls -d /layer* | wc -l", image="deep:1").strip() == "60"


def test_cut_off_upload(api):
    archive = derived("cut:1", {"Cmd": ["x"]})
    with wire.Wire(api.daemon.socket) as connection:
        headers = {"Content-Type": "application/x-tar", "Content-Length": str(len(archive))}
        connection.send(wire.head_of("POST", api.target("/images/load"), headers))
        connection.send(archive[: len(archive) // 2])
    assert tags(api) == [IMAGE]
