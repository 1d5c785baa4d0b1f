"""Every field of ContainerConfig and HostConfig has an effect that a test sees, or a clear refusal.

EFFECTS holds the fields that are seen here: what a container that has it prints. The others name the
test that sees them; it must use the field.
"""

import ast
import os
import subprocess

import pytest
import yaml

from harness import cgroups, schema
from test_run_flags import block_device

CONFIG = """
    ArgsEscaped AttachStderr AttachStdin AttachStdout Cmd Domainname Entrypoint Env ExposedPorts Healthcheck Hostname Image Labels
    NetworkDisabled OnBuild OpenStdin Shell StdinOnce StopSignal StopTimeout Tty User Volumes WorkingDir
""".split()

HOST = """
    Annotations AutoRemove Binds BlkioDeviceReadBps BlkioDeviceReadIOps BlkioDeviceWriteBps BlkioDeviceWriteIOps BlkioWeight
    BlkioWeightDevice CapAdd CapDrop Cgroup CgroupParent CgroupnsMode ConsoleSize ContainerIDFile CpuCount CpuPercent CpuPeriod
    CpuQuota CpuRealtimePeriod CpuRealtimeRuntime CpuShares CpusetCpus CpusetMems DeviceCgroupRules DeviceRequests Devices Dns
    DnsOptions DnsSearch ExtraHosts GroupAdd IOMaximumBandwidth IOMaximumIOps Init IpcMode Isolation Links LogConfig MaskedPaths
    Memory MemoryReservation MemorySwap MemorySwappiness Mounts NanoCpus NetworkMode OomKillDisable OomScoreAdj PidMode PidsLimit
    PortBindings Privileged PublishAllPorts ReadonlyPaths ReadonlyRootfs RestartPolicy Runtime SecurityOpt ShmSize StorageOpt
    Sysctls Tmpfs UTSMode Ulimits UsernsMode VolumeDriver VolumesFrom
""".split()

# field: (its value and what it needs of ContainerConfig, of HostConfig, a script, what it prints)
EFFECTS = {
    "Cmd": ({}, {}, "echo x", "x"),
    "Domainname": ({"Domainname": "example.net"}, {}, "cat /proc/sys/kernel/domainname", "example.net"),
    "Env": ({"Env": ["A=1"]}, {}, "echo $A", "1"),
    "Hostname": ({"Hostname": "box"}, {}, "hostname", "box"),
    "NetworkDisabled": ({"NetworkDisabled": True}, {}, "ls /sys/class/net", "lo"),
    "Tty": ({"Tty": True}, {}, "test -t 1 && echo yes", "yes"),
    "User": ({"User": "1000:50"}, {}, "echo $(id -u) $(id -g)", "1000 50"),
    "WorkingDir": ({"WorkingDir": "/tmp"}, {}, "pwd", "/tmp"),
    "CapAdd": ({}, {"CapDrop": ["ALL"], "CapAdd": ["NET_ADMIN"]}, "grep CapEff /proc/self/status", "CapEff:\t0000000000001000"),
    "CapDrop": ({}, {"CapDrop": ["ALL"]}, "grep CapEff /proc/self/status", "CapEff:\t0000000000000000"),
    "Dns": ({}, {"Dns": ["192.0.2.1"]}, "grep nameserver /etc/resolv.conf", "nameserver 192.0.2.1"),
    "DnsOptions": ({}, {"DnsOptions": ["ndots:3"]}, "grep options /etc/resolv.conf", "options ndots:3"),
    "DnsSearch": ({}, {"DnsSearch": ["example.org"]}, "grep search /etc/resolv.conf", "search example.org"),
    "ExtraHosts": ({}, {"ExtraHosts": ["store:10.0.0.1"]}, "grep store /etc/hosts", "10.0.0.1\tstore"),
    "GroupAdd": ({"User": "1000:50"}, {"GroupAdd": ["77"]}, "id -G", "50 77"),
    "OomScoreAdj": ({}, {"OomScoreAdj": 555}, "cat /proc/self/oom_score_adj", "555"),
    "ShmSize": ({}, {"ShmSize": 8 << 20}, "df -k /dev/shm | tail -n 1 | awk '{print $2}'", "8192"),
    "Sysctls": ({}, {"Sysctls": {"net.core.somaxconn": "77"}}, "cat /proc/sys/net/core/somaxconn", "77"),
    "Tmpfs": ({}, {"Tmpfs": {"/t": "size=1m"}}, "df -k /t | tail -n 1 | awk '{print $2}'", "1024"),
    "Ulimits": ({}, {"Ulimits": [{"Name": "nofile", "Soft": 77, "Hard": 99}]}, "ulimit -Sn; ulimit -Hn", "77\n99"),
    "ReadonlyRootfs": ({}, {"ReadonlyRootfs": True}, "touch /x 2>&1 | grep -o Read-only", "Read-only"),
    "DeviceCgroupRules": ({}, {"DeviceCgroupRules": ["c 1:11 w"]}, "mknod /tmp/k c 1 11 && : > /tmp/k && echo open", "open"),
}  # fmt: skip

# What is refused whatever the value is, or does not exist on Linux: (config, HostConfig, status, text)
REFUSED = {
    "Cgroup": ({}, {"Cgroup": "container:x"}, (400, 501), "Cgroup"),
    "IOMaximumBandwidth": ({}, {"IOMaximumBandwidth": 1}, (400,), "Maximum IO Bandwidth"),
    "IOMaximumIOps": ({}, {"IOMaximumIOps": 1}, (400,), "Maximum IO IOps"),
    "Isolation": ({}, {"Isolation": "hyperv"}, (400,), "invalid isolation"),
    "Runtime": ({}, {"Runtime": "nosuch"}, (400,), "unknown or invalid runtime name: nosuch"),
    "UsernsMode": ({}, {"UsernsMode": "nosuch"}, (400,), "invalid user namespace mode"),
    "StorageOpt": ({}, {"StorageOpt": {"nosuch": "1"}}, (400,), "unknown option nosuch"),
}

# What is told and then left out.
DISCARDED = {
    "CpuCount": ({"CpuCount": 2}, "CPU count"),
    "CpuPercent": ({"CpuPercent": 50}, "CPU percent"),
}

# What inspect shows and commit keeps, and nothing else happens on Linux.
KEPT = {
    "ArgsEscaped": ({"ArgsEscaped": True}, {}),
    "OnBuild": ({"OnBuild": ["RUN x"]}, {}),
    "Shell": ({"Shell": ["/bin/ash", "-c"]}, {}),
    "ContainerIDFile": ({}, {"ContainerIDFile": "/tmp/id"}),
    "Annotations": ({}, {"Annotations": {"org.x": "y"}}),
    "Labels": ({"Labels": {"k": "v"}}, {}),
}

ELSEWHERE = {
    "AttachStderr": "test_hostconfig_fields.py::test_attach_fields",
    "AttachStdin": "test_hostconfig_fields.py::test_attach_fields",
    "AttachStdout": "test_hostconfig_fields.py::test_attach_fields",
    "OpenStdin": "test_hostconfig_fields.py::test_stdin_fields",
    "StdinOnce": "test_hostconfig_fields.py::test_stdin_fields",
    "BlkioDeviceReadBps": "test_hostconfig_fields.py::test_throttles",
    "BlkioDeviceReadIOps": "test_hostconfig_fields.py::test_throttles",
    "BlkioDeviceWriteBps": "test_hostconfig_fields.py::test_throttles",
    "BlkioDeviceWriteIOps": "test_hostconfig_fields.py::test_throttles",
    "BlkioWeight": "test_hostconfig_fields.py::test_held_or_told",
    "BlkioWeightDevice": "test_hostconfig_fields.py::test_held_or_told",
    "CpuRealtimePeriod": "test_hostconfig_fields.py::test_held_or_told",
    "CpuRealtimeRuntime": "test_hostconfig_fields.py::test_held_or_told",
    "CgroupnsMode": "test_hostconfig_fields.py::test_cgroup_namespace",
    "Entrypoint": "test_create.py::test_image_config_is_merged",
    "ExposedPorts": "test_list.py::test_fields",
    "Healthcheck": "test_health.py::test_image_check_and_merge",
    "Image": "test_create.py::test_platform_that_is_not_there",
    "StopSignal": "test_lifecycle.py::test_stop_uses_the_containers_signal_and_timeout",
    "StopTimeout": "test_lifecycle.py::test_stop_uses_the_containers_signal_and_timeout",
    "Volumes": "test_volume_use.py::test_image_volumes",
    "AutoRemove": "test_lifecycle.py::test_auto_remove",
    "Binds": "test_isolation.py::test_bind",
    "CgroupParent": "test_resources.py::test_cgroup_parent",
    "Links": "test_links.py::test_hosts_and_variables",
    "ConsoleSize": "test_attach.py::test_console_size_is_there_from_the_start",
    "CpuPeriod": "test_update.py::test_running",
    "CpuQuota": "test_update.py::test_running",
    "CpuShares": "test_process.py::test_cpus",
    "CpusetCpus": "test_process.py::test_cpuset",
    "CpusetMems": "test_update.py::test_running",
    "DeviceRequests": "test_devices.py::test_gpus_are_cdi_devices",
    "Devices": "test_isolation.py::test_given_device",
    "Init": "test_process.py::test_init",
    "IpcMode": "test_namespaces.py::test_joins_one_namespace_and_no_other",
    "LogConfig": "test_logs.py::test_log_driver_none",
    "MaskedPaths": "test_isolation.py::test_own_masked_paths",
    "Memory": "test_process.py::test_memory_limit",
    "MemoryReservation": "test_process.py::test_memory_limit",
    "MemorySwap": "test_update.py::test_memory_up_and_down",
    "MemorySwappiness": "test_resources.py::test_memory_swappiness",
    "Mounts": "test_volume_use.py::test_mount_options",
    "NanoCpus": "test_process.py::test_cpus",
    "NetworkMode": "test_namespaces.py::test_joins_one_namespace_and_no_other",
    "OomKillDisable": "test_resources.py::test_oom_kill_disable",
    "PidMode": "test_namespaces.py::test_joins_one_namespace_and_no_other",
    "PidsLimit": "test_process.py::test_pids_limit",
    "PortBindings": "test_network.py::test_published_port",
    "Privileged": "test_isolation.py::test_privileged",
    "PublishAllPorts": "test_network.py::test_publish_all",
    "ReadonlyPaths": "test_isolation.py::test_own_masked_paths",
    "RestartPolicy": "test_update.py::test_stopped",
    "SecurityOpt": "test_isolation.py::test_no_new_privileges",
    "UTSMode": "test_isolation.py::test_host_namespaces",
    "VolumeDriver": "test_volume_use.py::test_unknown_driver_is_told_at_once",
    "VolumesFrom": "test_volume_use.py::test_volumes_from",
}

TABLES = (EFFECTS, REFUSED, DISCARDED, KEPT, ELSEWHERE)


@pytest.mark.parametrize("field", EFFECTS)
def test_effect(api, field):
    config, host, script, expected = EFFECTS[field]
    container = api.create("/bin/sh", "-c", script, host=host, **config)
    api.start(container)
    assert api.wait(container) == 0
    body = api.get(f"/containers/{container}/logs", stdout=1).body
    text = body.decode() if config.get("Tty") else api.logs(container)[0].decode()
    assert text.replace("\r\n", "\n") == expected + "\n"


@pytest.mark.gantry_only("20.10 ignores some and says other words")
@pytest.mark.parametrize("field", REFUSED)
def test_refused(api, field):
    config, host, status, text = REFUSED[field]
    answer = api.create("true", host=host, expect=status, **config)
    assert text in answer.message
    assert api.get("/containers/json", all=1).json() == []


@pytest.mark.parametrize("field", DISCARDED)
def test_discarded(api, field):
    host, text = DISCARDED[field]
    answer = api.create("true", host=host, expect=(201,)).json()
    assert any(text in warning for warning in answer["Warnings"])
    assert api.inspect(answer["Id"])["HostConfig"][field] == 0


@pytest.mark.parametrize("field", KEPT)
def test_kept(api, field):
    config, host = KEPT[field]
    container = api.create("true", host=host, **config)
    seen = api.inspect(container)
    if config:
        assert seen["Config"][field] == config[field]
        made = api.post("/commit", expect=201, container=container, repo="kept", tag="1").json()["Id"]
        shown = api.get(f"/images/{made}/json").json()["Config"]
        assert shown.get(field) == config[field] or field == "ArgsEscaped"
    else:
        assert seen["HostConfig"][field] == host[field]


def test_attach_fields(api):
    """They say what `start -a` of a client attaches to; nothing happens by themselves."""
    for field in ("AttachStdin", "AttachStdout", "AttachStderr"):
        config = api.inspect(api.create("true", **{field: True}))["Config"]
        assert [f for f in ("AttachStdin", "AttachStdout", "AttachStderr") if config[f]] == [field]


def test_stdin_fields(api):
    """Without OpenStdin there is nothing to read; with StdinOnce the first client's end is the end."""
    assert api.output("cat") == (0, "", "")
    container = api.create("cat", OpenStdin=True, StdinOnce=True, AttachStdin=True, AttachStdout=True)
    stream = api.hijack(f"/containers/{container}/attach", stream=1, stdin=1, stdout=1)
    api.start(container)
    stream.send(b"in\n")
    stream.close_write()
    assert stream.frames()[1] == b"in\n"
    stream.close()
    assert api.wait(container) == 0
    container = api.create("cat", OpenStdin=True, StdinOnce=False, AttachStdout=True)
    api.start(container)
    for text in (b"one\n", b"two\n"):
        stream = api.hijack(f"/containers/{container}/attach", stream=1, stdin=1, stdout=1)
        stream.send(text)
        stream.read_until(text)
        stream.close()
    assert api.state(container)["Running"]


@pytest.mark.parametrize("field, file, rate", [
    ("BlkioDeviceReadBps", "read_bps", "rbps"), ("BlkioDeviceWriteBps", "write_bps", "wbps"),
    ("BlkioDeviceReadIOps", "read_iops", "riops"), ("BlkioDeviceWriteIOps", "write_iops", "wiops"),
])  # fmt: skip
def test_throttles(api, tmp_path, field, file, rate):
    path, numbers = block_device(tmp_path)
    container = api.waiting(host={field: [{"Path": path, "Rate": 1 << 20}]})
    group = cgroups.path_of(api.daemon, container)
    if cgroups.is_v2():
        assert f"{rate}={1 << 20}" in cgroups.read("io", group, "io.max")
    else:
        assert cgroups.read("blkio", group, f"blkio.throttle.{file}_device") == f"{numbers} {1 << 20}"


@pytest.mark.parametrize("host, controller, v1, v2, expected, warning", [
    ({"BlkioWeight": 300}, "blkio", "blkio.bfq.weight", "io.bfq.weight", "300", "Block I/O weight"),
    ({"BlkioWeightDevice": 300}, "blkio", "blkio.bfq.weight_device", "io.bfq.weight", "300", "Block I/O weight_device"),
    ({"CpuRealtimePeriod": 500000, "CpuRealtimeRuntime": 0}, "cpu", "cpu.rt_period_us", "cpu.rt_period_us", "500000", "real-time"),
], ids=["weight", "weight of a device", "real-time"])  # fmt: skip
def test_held_or_told(api, tmp_path, host, controller, v1, v2, expected, warning):
    """Where the kernel can, the cgroup has it; where not, the answer says so."""
    if "BlkioWeightDevice" in host:
        host = {"BlkioWeightDevice": [{"Path": block_device(tmp_path)[0], "Weight": 300}]}
    answer = api.create("/bin/probe", "wait", host=host, expect=(201,)).json()
    started = api.start(answer["Id"], expect=(204, 500))
    if started.status == 500:  # the kernel has it, and the device does not want it
        assert (v2 if cgroups.is_v2() else v1) in started.message
        return
    group, name = cgroups.path_of(api.daemon, answer["Id"]), v2 if cgroups.is_v2() else v1
    if cgroups.has(controller, group, name):
        assert expected in cgroups.read(controller, group, name)
    else:
        assert any(warning in text for text in answer["Warnings"])


def test_cgroup_namespace(api):
    see = "readlink /proc/self/ns/cgroup"
    own, of_host = (api.shell(see, host={"CgroupnsMode": mode}).strip() for mode in ("private", "host"))
    assert own != of_host
    if not api.daemon.is_docker:
        assert of_host == subprocess.run(["readlink", "/proc/self/ns/cgroup"], capture_output=True, text=True, check=True).stdout.strip()


def source_of(place):
    """The source of "file.py::test" with its decorators, or None."""
    file, name = place.split("::")
    with open(os.path.join(os.path.dirname(__file__), file), encoding="utf-8") as text:
        source = text.read()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return "".join(ast.get_source_segment(source, part) for part in [*node.decorator_list, node])
    return None


@pytest.mark.parametrize("field", sorted(set(CONFIG + HOST)))
def test_every_field_has_a_test(field):
    assert any(field in table for table in TABLES), f"nothing tests {field}"
    if field in ELSEWHERE:
        source = source_of(ELSEWHERE[field])
        assert source is not None and field in source, f"{ELSEWHERE[field]} does not test {field}"


def test_the_list_is_that_of_the_description():
    if not os.path.exists(schema.DESCRIPTION):
        pytest.skip("the API description is not here")
    with open(schema.DESCRIPTION, encoding="utf-8") as file:
        definitions = yaml.safe_load(file)["definitions"]

    def fields(of):
        found = set(of.get("properties", {}))
        for part in of.get("allOf", []):
            found |= fields(definitions[part["$ref"].split("/")[-1]] if "$ref" in part else part)
        return found

    assert fields(definitions["ContainerConfig"]) <= set(CONFIG)
    assert fields(definitions["HostConfig"]) <= set(HOST)
