"""gantry-runtime --systemd-cgroup: containers as scopes of a real systemd."""

import json
import os
import subprocess

import pytest
from harness import bundle, systemd, wait

MIB = 1 << 20


@pytest.fixture(scope="module")
def manager():
    if why := systemd.missing():
        pytest.skip(why)
    manager = systemd.Systemd()
    yield manager
    manager.close()


class ScopeRuntime(bundle.Runtime):
    """gantry-runtime beside that systemd."""

    def __init__(self, manager):
        self.manager = manager
        super().__init__(flags=["--systemd-cgroup"])

    def command(self, *arguments, globals_=()):
        return [*self.manager.prefix(), *super().command(*arguments, globals_=globals_)]

    def scope(self, slice_="gt-a.slice", name="c", annotations=None, resources=None):
        """Changes a config: its cgroup is the scope test-NAME in SLICE."""

        def change(config):
            config["linux"]["cgroupsPath"] = f"{slice_}:test:{name}"
            config["linux"]["resources"].update(resources or {})
            config["annotations"] = annotations or {}

        return change


@pytest.fixture
def runtime(manager):
    runtime = ScopeRuntime(manager)
    yield runtime
    runtime.close()
    assert not [u for u in manager.ctl("list-units", "--all", "--plain").stdout.split()
                if u.startswith("test-")]  # fmt: skip


LIMITS = {
    "memory": {"limit": 64 * MIB, "swap": 96 * MIB, "reservation": 32 * MIB},
    "cpu": {"shares": 512, "quota": 50000, "period": 200000, "cpus": "0"},
    "pids": {"limit": 77},
}


def test_a_scope_with_its_limits(manager, runtime):
    annotations = {"org.systemd.property.TimeoutStopSec": "7",
                   "org.systemd.property.After": "['x.service', 'y.service']"}  # fmt: skip
    runtime.create("c1", "sleep", "1000",
                   change=runtime.scope(annotations=annotations, resources=LIMITS))  # fmt: skip
    shown = manager.show("test-c.scope")
    wanted = {
        "ActiveState": "active", "Slice": "gt-a.slice", "Delegate": "yes",
        "Description": "gantry container c1", "TimeoutStopUSec": "7s", "Transient": "yes",
        "ControlGroup": "/gt.slice/gt-a.slice/test-c.scope",
        "MemoryMax": str(64 * MIB), "MemorySwapMax": str(32 * MIB), "MemoryLow": str(32 * MIB),
        "CPUQuotaPerSecUSec": "250ms", "CPUQuotaPeriodUSec": "200ms", "CPUWeight": "20",
        "AllowedCPUs": "0", "TasksMax": "77",
    }  # fmt: skip
    assert {key: shown.get(key) for key in wanted} == wanted
    assert {"x.service", "y.service"} <= set(shown["After"].split())
    group = shown["ControlGroup"]
    assert manager.file(group, "memory.max") in (None, str(64 * MIB))
    assert manager.file(group, "pids.max") in (None, "77")
    runtime.ok("start", "c1")
    # The placeholder has gone, only the container is in there.
    wait.until(lambda: len(manager.file(group, "cgroup.procs").split()) == 1, "one process")
    joined = runtime.ok("exec", "c1", "cat", "/proc/self/cgroup")
    own = runtime.ok("exec", "c1", "cat", "/proc/1/cgroup")
    assert joined == own and "0::/\n" in joined
    runtime.ok("delete", "--force", "c1")
    assert manager.show("test-c.scope")["LoadState"] == "not-found"
    assert manager.file(group, "cgroup.procs") is None


def test_update_survives_a_reload(manager, runtime):
    runtime.create("c1", "sleep", "1000", change=runtime.scope(resources=LIMITS))
    runtime.ok("start", "c1")
    runtime.ok("update", "--memory", str(48 * MIB), "--memory-swap", str(48 * MIB), "--pids-limit", "99", "c1")
    manager.ctl("daemon-reload")
    shown = manager.show("test-c.scope")
    got = [shown[key] for key in ("MemoryMax", "MemorySwapMax", "TasksMax", "CPUWeight")]
    assert got == [str(48 * MIB), "0", "99", "20"]
    group = shown["ControlGroup"]
    assert manager.file(group, "memory.max") in (None, str(48 * MIB))
    assert manager.file(group, "pids.max") in (None, "99")
    assert runtime.status("c1") == "running"
    runtime.ok("pause", "c1")
    assert runtime.status("c1") == "paused"
    runtime.ok("resume", "c1")


def test_run_and_the_usual_slice(manager, runtime):
    def change(config):
        config["linux"]["cgroupsPath"] = ""
        # The group as systemd names it.
        config["linux"]["namespaces"] = [
            entry for entry in config["linux"]["namespaces"] if entry["type"] != "cgroup"
        ]

    result = runtime.run("sh", "-c", "cat /proc/self/cgroup; exit 7", change=change)
    assert result.returncode == 7 and result.stdout.endswith("/system.slice/r1.scope\n"), result
    assert manager.show("r1.scope")["LoadState"] == "not-found"


def test_systemd_stops_the_container(manager, runtime):
    runtime.create("c1", "sh", "-c", "trap 'exit 0' TERM; sleep 1000 & wait", change=runtime.scope())
    runtime.ok("start", "c1")
    manager.ctl("stop", "test-c.scope")
    runtime.wait_status("c1", "stopped")
    runtime.ok("delete", "c1")


def test_a_name_that_is_taken(manager, runtime):
    runtime.create("c1", "sleep", "1000", change=runtime.scope())
    runtime.ok("start", "c1")
    path = runtime.bundle("true", change=runtime.scope())
    refused = runtime("run", "--bundle", path, "c2")
    assert refused.returncode == 1 and "test-c.scope" in refused.stderr, refused
    assert runtime.status("c1") == "running" and runtime.status("c2") is None
    assert manager.show("test-c.scope")["ActiveState"] == "active"


BAD = [
    ({"slice_": "nosuffix"}, "invalid slice name: nosuffix"),
    ({"slice_": "a--b.slice"}, "invalid slice name: a--b.slice"),
    ({"name": "a/b"}, "invalid unit name: test-a/b.scope"),
    ({"name": ""}, "expected cgroupsPath to be of format"),
    ({"annotations": {"org.systemd.property.X": "1"}}, "is no property of systemd"),
    ({"annotations": {"org.systemd.property.TasksMax": "uint64 x"}}, "is no property of systemd"),
    ({"annotations": {"org.systemd.property.NoSuchThing": "true"}}, "NoSuchThing"),
    ({"resources": {"cpu": {"cpus": "0", "idle": 7}}}, "cpu.idle"),
]


@pytest.mark.parametrize("choices, text", BAD)
def test_refusals_leave_nothing(runtime, choices, text):
    path = runtime.bundle("true", change=runtime.scope(**choices))
    refused = runtime("run", "--bundle", path, "c1")
    assert refused.returncode == 1 and text in refused.stderr, refused
    assert runtime.status("c1") is None


def test_a_failed_start_leaves_no_scope(manager, runtime):
    path = runtime.bundle("/no/such/program", change=runtime.scope())
    refused = runtime("run", "--bundle", path, "c1")
    assert refused.returncode == 1, refused
    assert manager.show("test-c.scope")["LoadState"] == "not-found"


def test_features_tell_of_it(runtime):
    features = json.loads(runtime.ok("features"))
    assert features["linux"]["cgroup"]["systemd"] is True


def test_without_systemd():
    """Where nobody answers, the error says where it was looked for."""
    script = ("umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup; "
              "mount -t tmpfs run /run; exec \"$@\"")  # fmt: skip
    if why := systemd.missing():
        pytest.skip(why)
    runtime = bundle.Runtime(flags=["--systemd-cgroup"])
    try:
        path = runtime.bundle("true", change=lambda c: c["linux"].update(cgroupsPath=""))
        command = runtime.command("run", "--bundle", path, "c1")
        result = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *command],
            capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert result.returncode == 1 and "systemd does not answer here" in result.stderr, result
        assert "/run/systemd/private" in result.stderr
        assert not os.listdir(runtime.root)
    finally:
        runtime.close()
