"""docker-py, the way its users write it."""

import io
import threading

import docker
import pytest

from harness import image, wait
from harness.image import IMAGE


def test_run(py):
    assert py.containers.run(IMAGE, ["echo", "hello"], remove=True) == b"hello\n"
    assert py.containers.run(IMAGE, "sh -c 'echo err >&2'", stderr=True, remove=True) == b"err\n"


def test_run_fails(py):
    with pytest.raises(docker.errors.ContainerError) as caught:
        py.containers.run(IMAGE, "sh -c 'echo why >&2; exit 3'", remove=True)
    assert caught.value.exit_status == 3 and b"why" in caught.value.stderr


def test_detached(py):
    container = py.containers.run(
        IMAGE, ["sh", "-c", "echo out; read x"], detach=True, name="py", labels={"k": "v"},
        environment={"A": "1"}, stdin_open=True, mem_limit="64m", ports={"80/tcp": None},
    )  # fmt: skip
    container.reload()
    assert (container.status, container.name, container.labels["k"]) == ("running", "py", "v")
    assert container.image.tags == [IMAGE]
    assert container.ports["80/tcp"][0]["HostPort"]
    wait.until(lambda: container.logs() == b"out\n", "the output")
    container.stop(timeout=1)
    assert container.wait()["StatusCode"] == 137
    container.remove()
    with pytest.raises(docker.errors.NotFound):
        py.containers.get("py")


def test_exec_run(py):
    container = py.containers.run(IMAGE, ["/bin/probe", "wait"], detach=True)
    assert container.exec_run(["sh", "-c", "echo x; exit 4"]) == (4, b"x\n")
    code, (out, err) = container.exec_run(["sh", "-c", "echo o; echo e >&2"], demux=True)
    assert (code, out, err) == (0, b"o\n", b"e\n")
    assert b"".join(container.exec_run("seq 3", stream=True).output) == b"1\n2\n3\n"
    assert container.exec_run("id -u", user="bob").output == b"1000\n"
    _, connection = container.exec_run("cat", stdin=True, socket=True)
    raw = connection._sock  # pylint: disable=protected-access
    raw.sendall(b"typed\n")
    assert raw.recv(100).endswith(b"typed\n")
    raw.close()


def test_attach_socket(py):
    container = py.containers.create(IMAGE, "cat", stdin_open=True, tty=True)
    connection = container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
    container.start()
    raw = connection._sock  # pylint: disable=protected-access
    raw.settimeout(20)
    raw.sendall(b"x\n")
    data = b""
    while data.count(b"x") < 2:
        data += raw.recv(100)
    raw.close()


def test_logs(py):
    container = py.containers.run(IMAGE, "sh -c 'echo 1; echo 2; echo 3'", detach=True)
    container.wait()
    assert container.logs(tail=2) == b"2\n3\n"
    assert list(container.logs(stream=True, follow=True)) == [b"1\n", b"2\n", b"3\n"]
    assert container.logs(timestamps=True).count(b"Z ") == 3


def test_attach_stream(py):
    container = py.containers.create(IMAGE, "sh -c 'echo a; sleep 0.2; echo b'")
    stream = container.attach(stream=True, logs=True)
    container.start()
    assert b"".join(stream) == b"a\nb\n"


def test_list(py):
    one = py.containers.run(IMAGE, ["/bin/probe", "wait"], detach=True, labels={"x": "1"})
    py.containers.create(IMAGE, "true")
    assert [c.id for c in py.containers.list()] == [one.id]
    assert len(py.containers.list(all=True)) == 2
    assert [c.id for c in py.containers.list(filters={"label": "x=1"})] == [one.id]


def test_images(py):
    config = {"Cmd": ["echo", "py"], "Labels": {"a": "b"}, "Env": ["PATH=/bin"]}
    loaded = py.images.load(io.BytesIO(image.derived("py/loaded:1", config)))
    assert loaded[0].tags == ["py/loaded:1"] and loaded[0].labels == {"a": "b"}
    assert py.containers.run("py/loaded:1", remove=True) == b"py\n"
    assert loaded[0].tag("py/other", "2")
    assert sorted(py.images.get("py/other:2").tags) == ["py/loaded:1", "py/other:2"]
    saved = b"".join(loaded[0].save(named=True))
    py.images.remove("py/loaded:1")
    py.images.remove("py/other:2", force=True)
    with pytest.raises(docker.errors.ImageNotFound):
        py.images.get("py/loaded:1")
    py.images.load(saved)
    assert py.images.get("py/loaded:1").history()
    assert IMAGE in [tag for i in py.images.list() for tag in i.tags]


def test_events(py):
    stream = py.events(decode=True, filters={"type": "container"})
    timer = threading.Timer(0.3, lambda: py.containers.run(IMAGE, "true", remove=True))
    timer.start()
    seen = []
    for event in stream:
        seen.append(event["Action"])
        if event["Action"] == "destroy":
            break
    stream.close()
    timer.join()
    assert seen[0] == "create" and "start" in seen and "die" in seen


def test_restart_kill_wait_remove(py):
    container = py.containers.run(IMAGE, ["/bin/probe", "wait"], detach=True)
    container.restart(timeout=5)
    container.kill(signal="SIGTERM")
    assert container.wait()["StatusCode"] == 0
    container.start()
    container.remove(force=True)


def test_missing_things(py):
    with pytest.raises(docker.errors.NotFound):
        py.containers.get("nosuch")
    with pytest.raises(docker.errors.ImageNotFound):
        py.api.create_container("nosuch:1", "true")
    with pytest.raises(docker.errors.APIError):
        py.containers.run(IMAGE, ["nosuch"], remove=True)


def test_system(py):
    assert py.ping()
    assert py.version()["Os"] == "linux"
    assert py.info()["OSType"] == "linux"
