"""Mounts of a running container that come and go."""

import os
import shutil
import subprocess
import threading
import time

import pytest

from harness import wait
from harness.image import IMAGE
from test_change import change, restart, revisions, rollback

pytestmark = pytest.mark.gantry_only("changes of existing containers are Gantry's own")


@pytest.fixture
def source(daemon):
    """A directory of the host with a file in it."""
    path = os.path.join(daemon.root, "source")
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    with open(os.path.join(path, "file"), "w", encoding="utf-8") as file:
        file.write("of the host\n")
    return path


def bind(path, target, **options):
    return {"Type": "bind", "Source": path, "Target": target, **options}


def volume(target, name="", **options):
    return {"Type": "volume", "Source": name, "Target": target, **options}


def read(api, container, path):
    return api.exec(container, "cat", path)[1]


def mounted(api, container):
    """Where the container itself sees mounts of ours."""
    return sorted(m["Destination"] for m in api.inspect(container)["Mounts"])


def in_kernel(api, container, target):
    lines = api.exec(container, "cat", "/proc/self/mountinfo")[1].splitlines()
    return [line for line in lines if line.split()[4] == target]


def volumes(api):
    return sorted(v["Name"] for v in api.get("/volumes").json()["Volumes"])


def test_bind(api, source):
    container = api.waiting()
    pid = api.state(container)["Pid"]
    answer = change(api, container, BindsAdd=[f"{source}:/new/place"])
    assert (answer["Live"], answer["NextStart"]) == (["Mounts"], [])
    assert read(api, container, "/new/place/file") == "of the host\n"
    assert api.exec(container, "sh", "-c", "echo x > /new/place/written")[0] == 0
    assert os.path.exists(os.path.join(source, "written"))
    assert api.inspect(container)["HostConfig"]["Binds"] == [f"{source}:/new/place"]
    assert change(api, container, MountsRemove=["/new/place/"])["Live"] == ["Mounts"]
    assert api.exec(container, "ls", "/new/place")[1] == "" and not in_kernel(api, container, "/new/place")
    assert mounted(api, container) == [] and api.state(container)["Pid"] == pid


def test_read_only_and_a_file(api, source):
    container = api.waiting()
    change(api, container, MountsAdd=[bind(source, "/ro", ReadOnly=True), bind(f"{source}/file", "/etc/one")])
    code, _, err = api.exec(container, "touch", "/ro/no")
    assert code != 0 and "Read-only" in err
    assert read(api, container, "/etc/one") == "of the host\n"
    line = in_kernel(api, container, "/ro")[0]
    assert "shared:" not in line and "master:" not in line


def test_same_as_after_a_start(api, source):
    """What is mounted live looks as a start would have it."""

    def seen(container):
        lines = [l for t in ("/a", "/b", "/v") for l in in_kernel(api, container, t)]
        return [(l.split()[3:6], l.split(" - ")[1]) for l in lines]

    mounts = [bind(source, "/a"), bind(source, "/b", ReadOnly=True), volume("/v", "data")]
    container = api.waiting()
    change(api, container, MountsAdd=mounts)
    live = seen(container)
    assert len(live) == 3 and seen(api.waiting(host={"Mounts": mounts})) == live
    restart(api, container)
    assert seen(container) == live and mounted(api, container) == ["/a", "/b", "/v"]


def test_volume(api):
    api.shell("echo text > /v/file", host={"Binds": ["data:/v"]})
    container = api.waiting()
    change(api, container, MountsAdd=[volume("/v", "data")], BindsAdd=["fresh:/w:ro"])
    assert read(api, container, "/v/file") == "text\n"
    assert volumes(api) == ["data", "fresh"]
    assert "volume is in use" in api.delete("/volumes/data", expect=409).message
    events = api.get("/events", since=1, until=int(time.time()) + 1, filters={"type": ["volume"], "event": ["mount", "create"]})
    assert {"mount", "create"} <= {e["Action"] for e in events.json_lines()}
    change(api, container, MountsRemove=["/v"])
    api.delete("/volumes/data")
    assert "volume is in use" in api.delete("/volumes/fresh", expect=409).message
    api.remove(container)
    api.delete("/volumes/fresh")


def test_a_new_volume_is_filled(api):
    container = api.waiting()
    change(api, container, MountsAdd=[volume("/etc", "etc"), volume("/bin", "")])
    assert "root:" in read(api, container, "/etc/passwd")
    change(api, container, MountsRemove=["/etc"])
    assert "passwd" in api.shell("ls /v", host={"Binds": ["etc:/v"]})


def test_volume_with_options(api):
    """What a volume's options name is mounted with the first and unmounted with the last."""
    api.post("/volumes/create", {"Name": "ram", "DriverOpts": {"type": "tmpfs", "device": "tmpfs"}}, expect=201)
    path = api.get("/volumes/ram").json()["Mountpoint"]
    container = api.waiting()
    change(api, container, BindsAdd=["ram:/ram"])
    assert "tmpfs" in in_kernel(api, container, "/ram")[0]
    api.exec(container, "touch", "/ram/file")
    change(api, container, MountsRemove=["/ram"])
    host = subprocess.run(["cat", f"/proc/{api.daemon.pid}/mountinfo"], capture_output=True, text=True, check=True).stdout
    assert path not in host
    change(api, container, BindsAdd=["ram:/ram"])
    api.remove(container)
    api.delete("/volumes/ram")


def test_busy(api, source):
    container = api.started("sh", "-c", "cd /data && exec /bin/probe wait", host={"Binds": [f"{source}:/data"]})
    wait.until(lambda: os.readlink(f"/proc/{api.state(container)['Pid']}/cwd").endswith("data"), "it is in there")
    before = api.inspect(container)
    message = change(api, container, expect=409, MountsRemove=["/data"], Labels={"k": "v"}, BindsAdd=[f"{source}:/other"])
    assert "the mount /data is in use: device or resource busy" in message
    assert api.inspect(container) == before and not in_kernel(api, container, "/other")


def test_busy_with_restart(api, source):
    container = api.started("sh", "-c", "cd /data && exec /bin/probe wait", host={"Binds": [f"{source}:/data"]})
    wait.until(lambda: os.readlink(f"/proc/{api.state(container)['Pid']}/cwd").endswith("data"), "it is in there")
    answer = change(api, container, MountsRemove=["/data"], Cmd=["/bin/probe", "wait"], Apply="restart")
    assert answer["Restarted"] and answer["NextStart"] == []
    assert any("/data changes at the next start" in w for w in answer["Warnings"])
    assert not in_kernel(api, container, "/data") and mounted(api, container) == []


def test_what_cannot_be_live_waits(api, source):
    container = api.waiting(host={"Binds": [f"{source}:/data/below"]})
    answer = change(api, container, BindsAdd=["outer:/data"], MountsAdd=[{"Type": "tmpfs", "Target": "/scratch"}, bind(source, "/now")])
    assert answer["NextStart"] == ["Mounts"] and len(answer["Warnings"]) == 2
    assert "/data/below is mounted below it" in answer["Warnings"][0]
    assert in_kernel(api, container, "/now") and not in_kernel(api, container, "/scratch")
    # The volume is held already, and what waits goes on waiting while other things change.
    assert "volume is in use" in api.delete("/volumes/outer", expect=409).message
    assert change(api, container, MountsRemove=["/now"])["NextStart"] == ["Mounts"]
    assert not in_kernel(api, container, "/now")
    restart(api, container)
    assert "NextStart" not in api.inspect(container)
    assert read(api, container, "/data/below/file") == "of the host\n"
    assert "tmpfs" in in_kernel(api, container, "/scratch")[0] and in_kernel(api, container, "/data")


def test_a_link_in_the_container_leads_nowhere_else(api, source):
    """SAFETY: a path that the container bends is left alone."""
    container = api.waiting(host={"Binds": [f"{source}:/real/inner"]})
    api.exec(container, "ln", "-s", "/proc", "/bent")
    assert "leads elsewhere" in change(api, container, expect=409, BindsAdd=[f"{source}/file:/bent/version"])
    api.exec(container, "sh", "-c", "mv /real /moved && ln -s /moved /real")
    assert api.exec(container, "ls", "/real/inner")[1] == "file\n"
    message = change(api, container, expect=409, MountsRemove=["/real/inner"])
    assert "nothing is mounted at /real/inner" in message
    assert len(revisions(api, container)) == 1


def test_what_a_start_can_do_is_left_to_the_restart(api, source):
    """A start makes mount points in a root that is read-only later, and follows the links of the root."""
    container = api.waiting(host={"ReadonlyRootfs": True, "Tmpfs": {"/run": ""}})
    assert "read-only file system" in change(api, container, expect=409, BindsAdd=[f"{source}:/new"])
    answer = change(api, container, BindsAdd=[f"{source}:/new", f"{source}:/run/now"], Apply="restart")
    assert answer["Restarted"] and "/new changes at the next start: /new is missing" in answer["Warnings"][0]
    assert read(api, container, "/new/file") == "of the host\n" == read(api, container, "/run/now/file")
    linked = api.waiting()
    api.exec(linked, "ln", "-s", "/opt", "/link")
    api.exec(linked, "mkdir", "-p", "/opt")
    assert "/link leads elsewhere in the container, to /opt" in change(api, linked, expect=409, BindsAdd=[f"{source}:/link/new"])
    assert api.exec(linked, "ls", "/opt")[1] == ""
    assert change(api, linked, BindsAdd=[f"{source}:/link/new"], Apply="restart")["Restarted"]
    assert read(api, linked, "/opt/new/file") == "of the host\n"


def test_what_every_container_is_given_waits(api, source):
    container = api.waiting(host={"Binds": [f"{source}/file:/etc/hosts"]})
    answer = change(api, container, MountsRemove=["/etc/hosts"], BindsAdd=["shm:/dev/shm"])
    assert answer["NextStart"] == ["Mounts"] and len(answer["Warnings"]) == 2
    assert read(api, container, "/etc/hosts") == "of the host\n"
    restart(api, container)
    assert "localhost" in read(api, container, "/etc/hosts") and "tmpfs" not in in_kernel(api, container, "/dev/shm")[0]


def test_masked_paths_stay_masked(api, source):
    name = next(n for n in ("kcore", "keys", "timer_list", "acpi") if os.path.exists(f"/proc/{n}"))
    container = api.waiting(host={"Binds": [f"{source}:/data/{name}"]})
    api.exec(container, "sh", "-c", "mv /data /moved && ln -s /proc /data")
    change(api, container, expect=409, MountsRemove=[f"/data/{name}"])
    assert in_kernel(api, container, f"/proc/{name}")


def test_replace(api, source):
    container = api.waiting(host={"Binds": ["data:/d"]})
    answer = change(api, container, MountsRemove=["/d"], MountsAdd=[bind(source, "/d", ReadOnly=True)])
    assert answer["Live"] == ["Mounts"] and read(api, container, "/d/file") == "of the host\n"
    assert len(in_kernel(api, container, "/d")) == 1
    api.delete("/volumes/data")
    # Going back makes a new volume of that name, as a create would.
    assert rollback(api, container)["Live"] == ["Mounts"]
    assert api.exec(container, "ls", "/d")[1] == "" and volumes(api) == ["data"]
    assert revisions(api, container)[1]["Changes"] == ["Mounts ~/d"]


def test_image_volumes_and_volumes_from(api, source):
    lender = api.waiting(name="lender", host={"Binds": [f"{source}:/lent"]}, Volumes={"/own": {}})
    anonymous = api.inspect(lender)["Mounts"][1]["Name"]
    borrower = api.waiting(host={"VolumesFrom": ["lender"]})
    assert "comes from another container" in change(api, borrower, expect=400, MountsRemove=["/lent"])
    change(api, borrower, Labels={"k": "v"}, BindsAdd=["data:/mine"])
    assert mounted(api, borrower) == ["/lent", "/mine", "/own"]
    change(api, lender, MountsRemove=["/own"])
    # Its data stay for whoever still has it, and for a rollback.
    assert anonymous in volumes(api)
    rollback(api, lender)
    assert [m["Name"] for m in api.inspect(lender)["Mounts"] if m["Destination"] == "/own"] == [anonymous]


def test_stopped(api, source):
    container = api.create("/bin/probe", "wait", host={"Binds": ["data:/d"]})
    answer = change(api, container, MountsRemove=["/d"], BindsAdd=[f"{source}:/new"])
    assert (answer["Live"], answer["NextStart"], answer["Warnings"]) == ([], ["Mounts"], None)
    api.delete("/volumes/data")
    api.start(container)
    assert read(api, container, "/new/file") == "of the host\n" and not in_kernel(api, container, "/d")


def test_paused(api, source):
    container = api.waiting()
    api.post(f"/containers/{container}/pause", expect=204)
    assert change(api, container, BindsAdd=[f"{source}:/new"])["Live"] == ["Mounts"]
    api.post(f"/containers/{container}/unpause", expect=204)
    assert read(api, container, "/new/file") == "of the host\n"


def test_restart_by_policy_and_archive(api, source):
    container = api.waiting(host={"RestartPolicy": {"Name": "always"}})
    change(api, container, BindsAdd=[f"{source}:/new"])
    assert api.call("GET", f"/containers/{container}/archive?path=/new/file", expect=200).body
    api.exec(container, "sh", "-c", "kill 1")
    wait.until(lambda: api.inspect(container)["RestartCount"] == 1 and api.state(container)["Status"] == "running", "it was restarted")
    assert read(api, container, "/new/file") == "of the host\n"


def test_while_the_container_comes_and_goes(api, source):
    """Changes and life of one container at the same moment: each answer is one that a client can understand, and at
    the end record and kernel agree."""
    container = api.waiting(name="busy")
    mount, port = {"BindsAdd": [f"{source}:/m", "data:/v"]}, {"PortsAdd": {"80/tcp": [{"HostPort": "18475"}]}}
    unmount, unpublish = {"MountsRemove": ["/m", "/v"]}, {"PortsRemove": {"80/tcp": None}}
    seen, rounds = [], 12

    def changing(*changes):
        for fields in changes * rounds:
            answer = api.post("/containers/busy/update", {"Change": fields}, expect=(200, 400, 409))
            seen.append((answer.status, answer.message if answer.status != 200 else ""))

    def living():
        for what in ("restart?t=5", "kill", "start", "stop?t=5", "start") * (rounds // 2):
            api.post(f"/containers/busy/{what}", expect=(204, 304, 409))

    threads = [threading.Thread(target=changing, args=a) for a in ((mount, unmount), (port, unpublish), ({"Env": ["A=1"]}, {"EnvRemove": ["A"]}))]
    threads.append(threading.Thread(target=living))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A change that came while the process ended was refused, and then its opposite has nothing to undo.
    refused = {message for status, message in seen if status == 400}
    assert all("could be removed" in text or "already" in text or "Duplicate" in text for text in refused), refused
    api.post("/containers/busy/start", expect=(204, 304))
    for fields in (unmount, unpublish):
        api.post("/containers/busy/update", {"Change": fields}, expect=(200, 400))
    change(api, container, **mount)
    assert read(api, container, "/m/file") == "of the host\n" and len(in_kernel(api, container, "/v")) == 1
    change(api, container, **unmount)
    assert not in_kernel(api, container, "/m") and not in_kernel(api, container, "/v")
    assert api.inspect(container)["NetworkSettings"]["Ports"].get("80/tcp") is None


def test_survives_a_crash(own_daemon):
    daemon = own_daemon()
    api = daemon.api
    api.shell("echo text > /v/file", host={"Binds": ["data:/v"]})
    container = api.waiting(host={"Binds": ["other:/w"]})
    change(api, container, BindsAdd=["data:/v"], MountsRemove=["/w"])
    daemon.kill()
    daemon.start()
    assert mounted(api, container) == ["/v"] and read(api, container, "/v/file") == "text\n"
    api.delete("/volumes/other")
    assert "volume is in use" in api.delete("/volumes/data", expect=409).message
    change(api, container, MountsRemove=["/v"])
    assert not in_kernel(api, container, "/v")


POINTS = [
    "container.update.commit", "container.mounts.detach", "container.mounts.attach", "container.mounts.done",
    "container.record.commit",
]  # fmt: skip


@pytest.mark.parametrize("point", POINTS)
def test_refused_by_the_kernel_or_the_disk(own_daemon, point):
    """All of it or nothing, whichever step fails. (What a crash leaves: test_crash.py.)"""
    daemon = own_daemon()
    api = daemon.api
    for name in ("one", "two", "three"):
        api.shell(f"echo {name} > /v/file", host={"Binds": [f"{name}:/v"]})
    container = api.waiting(host={"Binds": ["one:/gone", "two:/replaced"]})
    daemon.stop()
    daemon.start(environment={"GANTRY_FAILPOINTS": f"{point}=error@1"})
    request = {"MountsRemove": ["/gone", "/replaced"], "BindsAdd": ["three:/replaced", "three:/come"]}
    change(api, container, expect=500, **request)
    assert mounted(api, container) == ["/gone", "/replaced"] and len(revisions(api, container)) == 1
    assert (read(api, container, "/gone/file"), read(api, container, "/replaced/file")) == ("one\n", "two\n")
    assert len(in_kernel(api, container, "/replaced")) == 1 and not in_kernel(api, container, "/come")
    assert change(api, container, **request)["Live"] == ["Mounts"]
    assert (read(api, container, "/come/file"), read(api, container, "/replaced/file")) == ("three\n", "three\n")
    assert not in_kernel(api, container, "/gone")
    api.delete("/volumes/one")


def test_stock_client_sees_the_mounts(cli, api, source):
    name = cli.out("run", "-d", IMAGE, "/bin/probe", "wait")
    change(api, name, BindsAdd=[f"{source}:/new:ro", "data:/v"])
    assert cli.out("ps", "--no-trunc", "--format", "{{.Mounts}}") == f"{source},data"
    assert cli.out("inspect", "-f", "{{range .Mounts}}{{.Destination}} {{.RW}};{{end}}", name) == "/new false;/v true;"
    assert cli.out("exec", name, "cat", "/new/file") == "of the host"


def test_command_line(gantry, api, source):
    name = gantry.out("run", "-d", IMAGE, "/bin/probe", "wait")
    done = gantry("update", "--mount-add", f"type=bind,src={source},dst=/a,readonly", "--mount-add", "data:/b", name, code=0)
    assert (done.out.strip(), done.err) == (name, "")
    assert read(api, name, "/a/file") == "of the host\n" and mounted(api, name) == ["/a", "/b"]
    gantry("update", "--mount-rm", "/a", "--mount-rm", "/b", "--mount-add", "/anonymous", name, code=0)
    (mount,) = api.inspect(name)["Mounts"]
    assert mount["Destination"] == "/anonymous" and len(mount["Name"]) == 64 and in_kernel(api, name, "/anonymous")
    assert "invalid field" in gantry("update", "--mount-add", "type=bind,src", name, code=1).err
