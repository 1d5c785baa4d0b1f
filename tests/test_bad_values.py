"""A bad value in any field of a create request: 400, docker's words, and nothing is there afterwards.

Every field gets a value of a wrong type; those that can be wrong in other ways have rows of their own.
"""

import os
import time

import pytest

from harness.image import IMAGE
from test_hostconfig_fields import CONFIG, HOST

# field: [(more of ContainerConfig, more of HostConfig, what is said)]
ROWS = {
    "Cmd": [({"Cmd": ["a\0b"]}, {}, "")],
    "Domainname": [({"Domainname": "a b"}, {}, "invalid hostname format: a b")],
    "Env": [({"Env": ["=x"]}, {}, "invalid environment variable: =x"), ({"Env": [""]}, {}, "invalid environment variable: ")],
    "ExposedPorts": [({"ExposedPorts": {port: {}}}, {}, "invalid port specification") for port in ("99999/tcp", "80/xyz", "x", "2-1/tcp")],
    "Healthcheck": [
        ({"Healthcheck": {"Test": ["CMD", "x"], "Interval": 5}}, {}, "Interval in Healthcheck cannot be less than 1ms"),
        ({"Healthcheck": {"Test": ["CMD", "x"], "Timeout": -5}}, {}, "Timeout in Healthcheck cannot be less than 1ms"),
        ({"Healthcheck": {"Test": ["CMD", "x"], "StartPeriod": 5}}, {}, "StartPeriod in Healthcheck cannot be less than 1ms"),
        ({"Healthcheck": {"Test": ["CMD", "x"], "StartInterval": 5}}, {}, "StartInterval in Healthcheck cannot be less than 1ms"),
        ({"Healthcheck": {"Test": ["CMD", "x"], "Retries": -1}}, {}, "Retries in Healthcheck cannot be negative"),
    ],
    "Hostname": [({"Hostname": name}, {}, "invalid hostname format") for name in ("-x", "a b", "a" * 64)],
    "Image": [({"Image": ""}, {}, "invalid reference format"), ({"Image": "UPPER"}, {}, "must be lowercase"), ({"Image": "a b"}, {}, "invalid reference format")],
    "StopSignal": [({"StopSignal": name}, {}, "nvalid signal: " + name) for name in ("SIGFOO", "99", "-1")],
    "WorkingDir": [({"WorkingDir": "x"}, {}, "the working directory 'x' is invalid, it needs to be an absolute path")],
    "Volumes": [({"Volumes": {"/": {}}}, {}, "destination can't be '/'"), ({"Volumes": {"x": {}}}, {}, "mount path must be absolute")],
    "Annotations": [({}, {"Annotations": {"": "x"}}, "invalid Annotations: the empty string is not permitted as an annotation key")],
    "AutoRemove": [({}, {"AutoRemove": True, "RestartPolicy": {"Name": "always"}}, "can't create 'AutoRemove' container with restart policy")],
    "Binds": [
        ({}, {"Binds": ["x/y:/x"]}, '"x/y" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path'),
        ({}, {"Binds": ["/tmp:x"]}, "mount path must be absolute"),
        ({}, {"Binds": ["/tmp:/x:nosuch"]}, "invalid mode: nosuch"),
        ({}, {"Binds": ["/tmp:/x:ro:b"]}, "invalid volume specification: '/tmp:/x:ro:b'"),
        ({}, {"Binds": ["/tmp:/"]}, "destination can't be '/'"),
        ({}, {"Binds": ["/tmp:/x", "/var:/x"]}, "Duplicate mount point: /x"),
        ({}, {"Binds": [":/x"]}, "invalid volume specification"),
    ],
    "BlkioWeight": [({}, {"BlkioWeight": weight}, "Range of blkio weight is from 10 to 1000") for weight in (5, 1001)],
    "BlkioWeightDevice": [({}, {"BlkioWeightDevice": [{"Path": "/dev/null", "Weight": 5}]}, "")],
    "CapAdd": [({}, {"CapAdd": ["nosuch"]}, 'invalid CapAdd: unknown capability: "CAP_NOSUCH"')],
    "CapDrop": [({}, {"CapDrop": ["CAP_NOSUCH"]}, 'invalid CapDrop: unknown capability: "CAP_NOSUCH"')],
    "CgroupParent": [],
    "CgroupnsMode": [({}, {"CgroupnsMode": "x"}, "invalid cgroup namespace mode: x")],
    "CpuPeriod": [({}, {"CpuPeriod": p}, "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)") for p in (10, 10**7)],
    "CpuQuota": [({}, {"CpuQuota": 10}, "CPU cfs quota can not be less than 1ms (i.e. 1000)")],
    "CpuRealtimeRuntime": [({}, {"CpuRealtimeRuntime": 9, "CpuRealtimePeriod": 8}, "cpu real-time runtime cannot be higher than cpu real-time period")],
    "CpuShares": [({}, {"CpuShares": -1}, "invalid CPU shares (-1): value must be a positive integer")],
    "CpusetCpus": [
        ({}, {"CpusetCpus": "a-b"}, "Invalid value a-b for cpuset cpus"),
        ({}, {"CpusetCpus": "8190"}, "Requested CPUs are not available - requested 8190, available: 0"),
    ],
    "CpusetMems": [
        ({}, {"CpusetMems": "a"}, "Invalid value a for cpuset mems"),
        ({}, {"CpusetMems": "1023"}, "Requested memory nodes are not available - requested 1023, available: 0"),
    ],
    "DeviceCgroupRules": [({}, {"DeviceCgroupRules": ["x"]}, "invalid device cgroup rule format: 'x'")],
    "Devices": [({}, {"Devices": [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/x", "CgroupPermissions": "xyz"}]}, "")],
    "Dns": [({}, {"Dns": ["x"]}, "x")],
    "DnsSearch": [({}, {"DnsSearch": ["a\nnameserver 1.2.3.4"]}, "")],
    "DnsOptions": [({}, {"DnsOptions": ["a\nb"]}, "")],
    "ExtraHosts": [
        ({}, {"ExtraHosts": ["x"]}, 'bad format for add-host: "x"'),
        ({}, {"ExtraHosts": ["name:x"]}, 'invalid IP address in add-host: "x"'),
    ],
    "IpcMode": [({}, {"IpcMode": "x"}, "invalid IPC mode: x")],
    "Isolation": [({}, {"Isolation": "x"}, "invalid isolation")],
    "Links": [
        ({}, {"Links": [""]}, "empty string specified for links"),
        ({}, {"Links": ["nobody:x:y"]}, "bad format for links: nobody:x:y"),
        ({}, {"Links": ["nobody:a b"]}, "bad format for links: nobody:a b"),
        ({}, {"Links": ["nobody:x"]}, "could not get container for nobody: No such container: nobody"),
        ({}, {"Links": ["nobody:x"], "NetworkMode": "host"}, "conflicting options: host type networking can't be used with links. This would result in undefined behavior"),
    ],
    "LogConfig": [
        ({}, {"LogConfig": {"Type": "x"}}, "logger: no log driver named 'x' is registered"),
        ({}, {"LogConfig": {"Type": "json-file", "Config": {"x": "1"}}}, "unknown log opt 'x' for json-file log driver"),
        ({}, {"LogConfig": {"Type": "json-file", "Config": {"max-size": "x"}}}, "x"),
        ({}, {"LogConfig": {"Type": "json-file", "Config": {"max-file": "0", "max-size": "1m"}}}, "max-file cannot be less than 1"),
    ],
    "MaskedPaths": [({}, {"MaskedPaths": ["x"]}, "x")],
    "ReadonlyPaths": [({}, {"ReadonlyPaths": ["x"]}, "x")],
    "Memory": [({}, {"Memory": size}, "Minimum memory limit allowed is 6MB") for size in (1 << 20, -5)],
    "MemoryReservation": [
        ({}, {"MemoryReservation": 1 << 20}, "Minimum memory reservation allowed is 6MB"),
        ({}, {"Memory": 8 << 20, "MemoryReservation": 16 << 20}, "Minimum memory limit can not be less than memory reservation limit, see usage"),
    ],
    "MemorySwap": [
        ({}, {"Memory": 32 << 20, "MemorySwap": 16 << 20}, "Minimum memoryswap limit should be larger than memory limit, see usage"),
        ({}, {"MemorySwap": 64 << 20}, "You should always set the Memory limit when using Memoryswap limit, see usage"),
    ],
    "MemorySwappiness": [({}, {"MemorySwappiness": n}, f"Invalid value: {n}, valid memory swappiness range is 0-100") for n in (101, -2)],
    "Mounts": [
        ({}, {"Mounts": [{"Type": "bind", "Source": "/no/dir", "Target": "/x"}]}, 'invalid mount config for type "bind": bind source path does not exist: /no/dir'),
        ({}, {"Mounts": [{"Type": "bind", "Source": "/tmp", "Target": ""}]}, 'invalid mount config for type "bind": field Target must not be empty'),
        ({}, {"Mounts": [{"Type": "bind", "Source": "", "Target": "/x"}]}, 'invalid mount config for type "bind": field Source must not be empty'),
        ({}, {"Mounts": [{"Type": "bind", "Source": "x", "Target": "/x"}]}, "mount path must be absolute"),
        ({}, {"Mounts": [{"Type": "volume", "Source": "/tmp", "Target": "/x"}]}, 'create /tmp: "/tmp" includes invalid characters for a local volume name'),
        ({}, {"Mounts": [{"Type": "x", "Source": "/tmp", "Target": "/x"}]}, "mount type unknown"),
        ({}, {"Mounts": [{"Type": "tmpfs", "Source": "/tmp", "Target": "/x"}]}, 'invalid mount config for type "tmpfs": field Source must not be specified'),
        ({}, {"Mounts": [{"Type": "tmpfs", "Target": "/x", "TmpfsOptions": {"SizeBytes": -1}}]}, ""),
        ({}, {"Mounts": [{"Type": "bind", "Source": "/tmp", "Target": "/x", "VolumeOptions": {}}]}, 'invalid mount config for type "bind": field VolumeOptions must not be specified'),
        ({}, {"Mounts": [{"Type": "bind", "Source": "/tmp", "Target": "/x", "BindOptions": {"Propagation": "x"}}]}, "invalid propagation mode: x"),
    ],
    "NanoCpus": [
        ({}, {"NanoCpus": 10**15}, "range of CPUs is from 0.01 to "),
        ({}, {"NanoCpus": -1}, "range of CPUs is from 0.01 to "),
        ({}, {"NanoCpus": 10**9, "CpuPeriod": 100000}, "Conflicting options: Nano CPUs and CPU Period cannot both be set"),
        ({}, {"NanoCpus": 10**9, "CpuQuota": 50000}, "Conflicting options: Nano CPUs and CPU Quota cannot both be set"),
    ],
    "NetworkMode": [({}, {"NetworkMode": "container:"}, "invalid container format container:<name|id>")],
    "OomScoreAdj": [({}, {"OomScoreAdj": n}, f"Invalid value {n}, range for oom score adj is [-1000, 1000]") for n in (-1001, 1001)],
    "PidMode": [({}, {"PidMode": "x"}, "invalid PID mode: x")],
    "PortBindings": [
        ({}, {"PortBindings": {"80/tcp": [{"HostPort": "99999"}]}}, "nvalid port specification: "),
        ({}, {"PortBindings": {"80/tcp": [{"HostPort": "x"}]}}, 'nvalid port specification: "x"'),
        ({}, {"PortBindings": {"x/tcp": [{"HostPort": "80"}]}}, "nvalid port specification: "),
        ({}, {"PortBindings": {"80/tcp": [{"HostIp": "x", "HostPort": "80"}]}}, "x"),
    ],
    "RestartPolicy": [
        ({}, {"RestartPolicy": {"Name": "x"}}, "invalid restart policy: unknown policy 'x'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"),
        ({}, {"RestartPolicy": {"Name": "always", "MaximumRetryCount": 1}}, "invalid restart policy: maximum retry count can only be used with 'on-failure'"),
        ({}, {"RestartPolicy": {"Name": "no", "MaximumRetryCount": -1}}, "invalid restart policy: maximum retry count can only be used with 'on-failure' and cannot be negative"),
        ({}, {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": -1}}, "invalid restart policy: maximum retry count cannot be negative"),
    ],
    "Runtime": [({}, {"Runtime": "x"}, "unknown or invalid runtime name: x")],
    "SecurityOpt": [
        ({}, {"SecurityOpt": ["x"]}, 'invalid --security-opt 1: "x"'),
        ({}, {"SecurityOpt": ["x=1"]}, 'invalid --security-opt 2: "x=1"'),
        ({}, {"SecurityOpt": ["no-new-privileges=x"]}, 'invalid --security-opt 2: "no-new-privileges=x"'),
        ({}, {"SecurityOpt": ["seccomp={"]}, ""),
    ],
    "ShmSize": [({}, {"ShmSize": -1}, "SHM size can not be less than 0")],
    "StorageOpt": [
        ({}, {"StorageOpt": {"nosuch": "1"}}, "unknown option nosuch"),
        ({}, {"StorageOpt": {"size": "x"}}, "invalid size: 'x'"),
        ({}, {"StorageOpt": {"size": "-1"}}, "invalid size: '-1'"),
    ],
    "Sysctls": [({}, {"Sysctls": {name: "1"}}, name) for name in ("kernel.x/../y", "vm.swappiness", "x")],
    "Tmpfs": [({}, {"Tmpfs": {"x": ""}}, "mount path must be absolute"), ({}, {"Tmpfs": {"/x": "nosuch=1"}}, "nosuch=1"), ({}, {"Tmpfs": {"/": ""}}, "destination can't be '/'")],
    "UTSMode": [({}, {"UTSMode": "x"}, "invalid UTS mode: x"), ({"Hostname": "x"}, {"UTSMode": "host"}, "conflicting options: hostname and the UTS mode")],
    "Ulimits": [
        ({}, {"Ulimits": [{"Name": "x", "Soft": 1, "Hard": 1}]}, "invalid ulimit type: x"),
        ({}, {"Ulimits": [{"Name": "nofile", "Soft": 20, "Hard": 10}]}, "ulimit soft limit must be less than or equal to hard limit: 20 > 10"),
    ],
    "UsernsMode": [({}, {"UsernsMode": "x"}, "invalid user namespace mode: x")],
    "VolumeDriver": [({}, {"VolumeDriver": "nosuch", "Binds": ["vol:/x"]}, "nosuch")],
    "VolumesFrom": [({}, {"VolumesFrom": [":"]}, ""), ({}, {"VolumesFrom": ["x:bad"]}, "")],
}  # fmt: skip

CASES = [(field, *row) for field, rows in ROWS.items() for row in rows]

# The others get a boolean as a wrong type; these get a string.
BOOLEANS = {
    "ArgsEscaped", "AttachStderr", "AttachStdin", "AttachStdout", "NetworkDisabled", "OpenStdin", "StdinOnce", "Tty", "AutoRemove",
    "Init", "OomKillDisable", "Privileged", "PublishAllPorts", "ReadonlyRootfs",
}  # fmt: skip


def state(api):
    """Containers, volumes, directories of containers."""
    containers = [c["Id"] for c in api.get("/containers/json", all=1).json()]
    volumes = [v["Name"] for v in api.get("/volumes").json()["Volumes"]]
    root = getattr(api.daemon, "data_root", None)
    directories = sorted(os.listdir(os.path.join(root, "containers"))) if root else []
    return containers, volumes, directories


def refuse(api, config, host, status=(400,)):
    before, begin = state(api), time.time()
    body = {"Image": IMAGE, "Cmd": ["true"], **config, "HostConfig": host}
    answer = api.call("POST", "/containers/create", body, expect=status)
    assert state(api) == before, "a refused create left something"
    # nothing was announced: the past until now has no create
    events = api.get("/events", since=f"{begin:.6f}", until=f"{time.time():.6f}", filters={"event": ["create"]}).json_lines()
    assert events == []
    assert answer.message
    return answer.message


@pytest.mark.gantry_only("20.10 finds many of these out at the start, or never")
@pytest.mark.parametrize("field,config,host,text", CASES, ids=lambda v: str(v)[:60])
def test_bad_value(api, field, config, host, text):
    assert field in config or field in host
    assert text in refuse(api, config, host)


@pytest.mark.gantry_only("20.10 says 500 to some")
@pytest.mark.parametrize("field", sorted(set(CONFIG + HOST)))
def test_wrong_type(api, field):
    value = "yes" if field in BOOLEANS else True
    if field in CONFIG:
        message = refuse(api, {field: value}, {})
    else:
        message = refuse(api, {}, {field: value})
    assert "cannot unmarshal" in message and ("string" if field in BOOLEANS else "bool") in message


@pytest.mark.gantry_only("20.10 takes it")
@pytest.mark.parametrize("field", ["Memory", "CpuQuota", "PidsLimit", "ShmSize", "OomScoreAdj", "StopTimeout"])
@pytest.mark.parametrize("value", [1.5, 10**30])
def test_no_integer(api, field, value):
    place = ({field: value}, {}) if field in CONFIG else ({}, {field: value})
    assert "cannot unmarshal number" in refuse(api, *place)
