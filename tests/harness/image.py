"""Makes images: the one that nearly all tests run, and hostile ones."""

import functools
import hashlib
import io
import json
import os
import subprocess
import tarfile
import tempfile

IMAGE = "busybox:test"

PASSWD = """root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bob:x:1000:1000:Bob:/home/bob:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/false
"""
GROUP = """root:x:0:
daemon:x:1:
bob:x:1000:
staff:x:50:bob
wheel:x:10:root,bob
nogroup:x:65534:
"""


class Tar:
    """A tar archive in memory, entry by entry; nothing that a test asks for is refused."""

    def __init__(self):
        self._buffer = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._buffer, mode="w", format=tarfile.PAX_FORMAT)

    def add(self, name, data=b"", kind=tarfile.REGTYPE, mode=0o644, link="", pax=None, **fields):
        info = tarfile.TarInfo(name)
        info.type = kind
        info.mode = mode
        info.linkname = link
        info.size = len(data) if kind == tarfile.REGTYPE else 0
        info.pax_headers = pax or {}
        for field, value in fields.items():
            setattr(info, field, value)
        self._tar.addfile(info, io.BytesIO(data) if data else None)
        return self

    def dir(self, name, mode=0o755, **fields):
        return self.add(name, kind=tarfile.DIRTYPE, mode=mode, **fields)

    def symlink(self, name, target):
        return self.add(name, kind=tarfile.SYMTYPE, mode=0o777, link=target)

    def hardlink(self, name, target, mode=0o755):
        # The mode of a link entry is applied to what it links to.
        return self.add(name, kind=tarfile.LNKTYPE, mode=mode, link=target)

    def bytes(self):
        self._tar.close()
        return self._buffer.getvalue()


@functools.lru_cache(maxsize=None)
def probe_binary():
    """tests/probe/probe.c, compiled statically: here, or by who says where it is."""
    compiled = os.environ.get("GANTRY_TEST_PROBE")
    if compiled:
        with open(compiled, "rb") as file:
            return file.read()
    source = os.path.join(os.path.dirname(__file__), "..", "probe", "probe.c")
    with tempfile.TemporaryDirectory() as directory:
        out = os.path.join(directory, "probe")
        subprocess.run(["musl-gcc", "-static", "-O2", "-o", out, source], check=True)
        with open(out, "rb") as file:
            return file.read()


@functools.lru_cache(maxsize=None)
def busybox_layer():
    """A root file system out of Debian's busybox-static."""
    with open("/bin/busybox", "rb") as file:
        busybox = file.read()
    applets = subprocess.run(["/bin/busybox", "--list"], capture_output=True, check=True, text=True)
    tar = Tar()
    for name in ("bin", "dev", "etc", "home", "proc", "root", "sys", "tmp", "usr", "var", "www"):
        tar.dir(name, mode=0o1777 if name == "tmp" else 0o755)
    tar.dir("home/bob", uid=1000, gid=1000)
    tar.add("bin/busybox", busybox, mode=0o755)
    tar.add("bin/probe", probe_binary(), mode=0o755)
    for applet in applets.stdout.split():
        if applet != "busybox":
            tar.hardlink(f"bin/{applet}", "bin/busybox")
    tar.add("etc/passwd", PASSWD.encode())
    tar.add("etc/group", GROUP.encode())
    tar.add("www/index.html", b"hello from the container\n")
    tar.add("etc/notexecutable", b"not a program\n")
    return tar.bytes()


def digest_of(data):
    return hashlib.sha256(data).hexdigest()


def image_config(layers, config=None, **fields):
    document = {
        "architecture": "amd64",
        "os": "linux",
        "created": "2026-01-01T00:00:00Z",
        "config": {"Env": ["PATH=/bin"], "Cmd": ["/bin/sh"]} if config is None else config,
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest_of(x) for x in layers]},
        "history": [
            {"created": "2026-01-01T00:00:00Z", "created_by": f"layer {i}"}
            for i in range(len(layers))
        ],
    }
    document.update(fields)
    return document


def docker_archive(layers, tags, config=None, config_bytes=None, manifest=None, **fields):
    """What `docker load` reads. CONFIG is the image's Config; CONFIG_BYTES replaces the whole file."""
    if config_bytes is None:
        config_bytes = json.dumps(image_config(layers, config, **fields)).encode()
    name = digest_of(config_bytes) + ".json"
    if manifest is None:
        manifest = [
            {
                "Config": name,
                "RepoTags": list(tags),
                "Layers": [f"{digest_of(layer)}/layer.tar" for layer in layers],
            }
        ]
    tar = Tar().add(name, config_bytes)
    for layer in dict.fromkeys(layers):
        tar.dir(digest_of(layer)).add(f"{digest_of(layer)}/layer.tar", layer)
    return tar.add("manifest.json", json.dumps(manifest).encode()).bytes()


def oci_archive(layers, name, config=None, **fields):
    """An OCI image layout as a tar, named by annotation as other tools write it."""
    blobs = {}

    def blob(data, media_type, **more):
        blobs[digest_of(data)] = data
        return {
            "mediaType": media_type,
            "digest": "sha256:" + digest_of(data),
            "size": len(data),
            **more,
        }

    oci = "application/vnd.oci.image"
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{oci}.manifest.v1+json",
        "config": blob(
            json.dumps(image_config(layers, config, **fields)).encode(), f"{oci}.config.v1+json"
        ),
        "layers": [blob(layer, f"{oci}.layer.v1.tar") for layer in layers],
    }
    index = {
        "schemaVersion": 2,
        "mediaType": f"{oci}.index.v1+json",
        "manifests": [
            blob(
                json.dumps(manifest).encode(),
                manifest["mediaType"],
                annotations={
                    "io.containerd.image.name": f"docker.io/library/{name}",
                    "org.opencontainers.image.ref.name": name.rpartition(":")[2],
                },
            )
        ],
    }
    tar = Tar().add("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    tar.dir("blobs").dir("blobs/sha256")
    for digest, data in blobs.items():
        tar.add(f"blobs/sha256/{digest}", data)
    return tar.add("index.json", json.dumps(index).encode()).bytes()


def busybox_archive(tag=IMAGE):
    return docker_archive([busybox_layer()], [tag])


def derived(tag, config=None, layer=None, **fields):
    """busybox with another config or with one more layer on top."""
    layers = [busybox_layer()] + ([layer] if layer is not None else [])
    return docker_archive(layers, [tag], config, **fields)
