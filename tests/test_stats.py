"""stats: streams and single samples, and the arithmetic of the command line."""

import json
import re
import threading
import time

import pytest

from harness import wait

ALLOWED = 100 << 20


def sample(api, container, **query):
    return api.get(f"/containers/{container}/stats", stream=0, **query).json()


def lines(api, container, count, path=None, **query):
    """The first COUNT objects of a stream, and when they came."""
    connection, answer = api.open("GET", path or f"/containers/{container}/stats", **query)
    assert answer.status == 200
    found = []
    text = b""
    for chunk in connection.read_chunks():
        text += chunk
        while b"\n" in text and len(found) < count:
            line, _, text = text.partition(b"\n")
            found.append((time.monotonic(), json.loads(line)))
        if len(found) == count:
            break
    connection.close()
    return found


@pytest.fixture
def busy(api):
    return api.started("sh", "-c", "while :; do :; done", name="busy", host={"Memory": ALLOWED, "PidsLimit": 77, "NanoCpus": 300_000_000})


def test_a_sample(api, busy):
    stats = sample(api, busy)
    assert (stats["id"], stats["name"]) == (busy, "/busy")
    assert stats["read"] > stats["preread"] > "2020"
    assert stats["pids_stats"]["current"] == 1 and stats["pids_stats"]["limit"] == 77
    assert stats["memory_stats"]["limit"] == ALLOWED
    assert 0 < stats["memory_stats"]["usage"] < ALLOWED
    cpu, before = stats["cpu_stats"], stats["precpu_stats"]
    assert cpu["cpu_usage"]["total_usage"] > before["cpu_usage"]["total_usage"] > 0
    assert cpu["system_cpu_usage"] > before["system_cpu_usage"] > 0
    assert cpu["online_cpus"] >= 1
    assert cpu["throttling_data"]["periods"] > 0
    assert stats["networks"]["eth0"].keys() == {f"{d}_{w}" for d in ("rx", "tx") for w in ("bytes", "packets", "errors", "dropped")}


def test_what_the_kernel_says(api, busy):
    """Against the cgroup's own file, within what a busy loop adds meanwhile."""
    pid = api.state(busy)["Pid"]
    before = sum(map(int, open(f"/proc/{pid}/stat", encoding="utf-8").read().rpartition(")")[2].split()[11:13])) * 10_000_000
    usage = sample(api, busy, **{"one-shot": 1})["cpu_stats"]["cpu_usage"]["total_usage"]
    assert usage >= before - 20_000_000


def test_one_shot_comes_at_once(api, busy):
    begin = time.monotonic()
    stats = sample(api, busy, **{"one-shot": 1})
    assert time.monotonic() - begin < 0.9
    assert stats["cpu_stats"]["cpu_usage"]["total_usage"] > 0
    assert stats["precpu_stats"]["cpu_usage"]["total_usage"] == 0
    assert stats["preread"] == "0001-01-01T00:00:00Z"


def test_stream(api, busy):
    found = lines(api, busy, 3)
    assert found[0][1]["precpu_stats"]["cpu_usage"]["total_usage"] == 0 or api.daemon.is_docker
    for (_, earlier), (_, later) in zip(found, found[1:]):
        assert later["precpu_stats"] == earlier["cpu_stats"]
        assert later["preread"] == earlier["read"]
        assert later["cpu_stats"]["cpu_usage"]["total_usage"] > earlier["cpu_stats"]["cpu_usage"]["total_usage"]
    assert 0.5 < found[2][0] - found[1][0] < 10


def test_memory_counts(api):
    container = api.started("sh", "-c", "dd if=/dev/zero of=/dev/shm/f bs=1M count=20 2>/dev/null; echo ready; sleep 1000")
    wait.until(lambda: b"ready" in api.logs(container)[0], "the container says ready")
    memory = sample(api, container, **{"one-shot": 1})["memory_stats"]
    assert 20 << 20 <= memory["usage"] < 60 << 20
    assert memory["stats"]["inactive_file"] >= 0


def test_network_counts(api):
    # An nc whose input is at its end closes, and the other side then sends no more.
    peer = api.started("sh", "-c", "sleep 1000 | nc -l -p 4000 > /dev/null")
    address = api.inspect(peer)["NetworkSettings"]["IPAddress"]
    container = api.started("sh", "-c", f"until dd if=/dev/zero bs=1000 count=500 2>/dev/null | nc {address} 4000 >/dev/null; do :; done; echo ready; sleep 1000")
    wait.until(lambda: b"ready" in api.logs(container)[0], "the container says ready")
    here, there = (sample(api, c, **{"one-shot": 1})["networks"]["eth0"] for c in (container, peer))
    assert here["tx_bytes"] >= 500_000 and here["tx_packets"] > 10
    assert there["rx_bytes"] >= 500_000


def test_without_a_network(api):
    for mode in ("none", "host"):
        assert "networks" not in sample(api, api.waiting(host={"NetworkMode": mode}), **{"one-shot": 1})


@pytest.mark.parametrize("start", [True, False])
def test_stopped_container(api, start):
    container = api.create("true", name="still")
    if start:
        api.start(container)
        api.wait(container)
    begin = time.monotonic()
    stats = sample(api, container)
    assert time.monotonic() - begin < 5
    assert (stats["id"], stats["name"]) == (container, "/still")
    assert stats["read"] == "0001-01-01T00:00:00Z"
    assert stats["cpu_stats"]["cpu_usage"]["total_usage"] == 0
    assert stats["memory_stats"] == {} and stats["pids_stats"] == {}
    assert "networks" not in stats
    assert lines(api, container, 2)[1][1]["read"] == "0001-01-01T00:00:00Z"


def test_stream_sees_the_container_start_and_go(api):
    container = api.create("/bin/probe", "wait")
    connection, _ = api.open("GET", f"/containers/{container}/stats")
    seen = []
    def read():
        for chunk in connection.read_chunks():
            seen.extend(json.loads(line) for line in chunk.splitlines())
        seen.append("end")
    reader = threading.Thread(target=read)
    reader.start()
    api.start(container)
    wait.until(lambda: any(s["cpu_stats"]["cpu_usage"]["total_usage"] for s in seen), "it is seen running")
    api.remove(container)
    wait.until(lambda: seen[-1] == "end", "the stream ends with the container")
    reader.join()
    connection.close()


def test_errors(api, busy):
    assert "No such container: nosuch" in api.get("/containers/nosuch/stats", expect=404).message
    assert "No such container: nosuch" in api.get("/containers/nosuch/stats", stream=0, expect=404).message
    answer = api.get(f"/containers/{busy}/stats", stream=1, expect=(200, 400), **{"one-shot": 1}) if not api.daemon.is_docker else None
    assert answer is None or answer.message == "cannot have stream=true and one-shot=true"


def test_many_streams_cost_little(api, busy):
    """One thread for all who watch."""
    if api.daemon.is_docker:
        pytest.skip("counts gantryd's threads")
    sample(api, busy)
    def threads():
        return len(__import__("os").listdir(f"/proc/{api.daemon.pid}/task"))
    before = threads()
    streams = [api.open("GET", f"/containers/{busy}/stats")[0] for _ in range(50)]
    wait.until(lambda: threads() <= before + 2, "the streams are parked")
    for stream in streams:
        stream.close()


@pytest.mark.gantry_only("an extension")
def test_all_on_one_connection(api, busy):
    quiet = api.waiting(name="quiet")
    still = api.create("true", name="still")
    found = [frame for _, frame in lines(api, None, 2, path="/containers/stats")]
    assert [s["name"] for s in found[1]] == ["/quiet", "/busy"]
    assert found[1][1]["precpu_stats"] == found[0][1]["cpu_stats"]
    frame = api.get("/containers/stats", all=1, stream=0).json()
    assert [s["id"] for s in frame] == [still, quiet, busy]
    frame = api.get("/containers/stats", container=["busy", "still"], stream=0).json()
    assert [s["name"] for s in frame] == ["/busy", "/still"]
    assert "No such container: nosuch" in api.get("/containers/stats", container=["nosuch"], expect=404).message


def test_command_line(cli, api, busy):
    api.create("true", name="still")
    def table():
        return [re.split(r"  +", line.strip()) for line in cli.out("stats", "--no-stream").splitlines()]
    # An emulated machine may stand still for all of a second.
    wait.until(lambda: float(table()[1][2].rstrip("%")) > 0.1, "the container is seen to be busy")
    header, cells = table()
    assert header == ["CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O", "PIDS"]
    assert cells[:2] == [busy[:12], "busy"]
    assert float(cells[2].rstrip("%")) < 60
    assert cells[3].endswith("/ 100MiB") and cells[7] == "1"
    assert len(cli.out("stats", "--no-stream", "--all").splitlines()) == 3
    assert cli.out("stats", "--no-stream", "--no-trunc", "--format", "{{.ID}} {{.Name}} {{.Container}}", "busy") == f"{busy} busy busy"
    assert cli.out("stats", "--no-stream", "--format", "{{.PIDs}} {{.CPUPerc}}", "still") == "0 0.00%"
    assert json.loads(cli.out("stats", "--no-stream", "--format", "json", "busy"))["Name"] == "busy"
    assert "No such container: nosuch" in cli("stats", "--no-stream", "nosuch", code=1).err


def test_screen(cli, api, busy):
    with cli.terminal("stats", "busy") as terminal:
        terminal.expect("CPU %")
        terminal.expect("busy")
        terminal.expect("\x1b[H")
        terminal.expect("busy")
        api.remove(busy)
        if cli.is_gantry:  # docker's goes on with nothing to show
            assert terminal.finish()[0] == 0


def test_docker_py(py, api, busy):
    container = py.containers.get(busy)
    assert container.stats(stream=False)["pids_stats"]["current"] == 1
    stream = container.stats(decode=True)
    assert next(stream)["name"] == "/busy"
    assert next(stream)["precpu_stats"]["cpu_usage"]["total_usage"] > 0


