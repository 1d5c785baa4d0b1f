#pragma once

#include <array>

#include "cli/flags/flag.h"
#include "cli/flags/flag_types.h"

namespace gantry::cli {

/// The flags that create and run share. What each becomes in the request is in run/.
inline constexpr auto kCreateFlags = std::to_array<Flag>({
    {"add-host", 0, &flag_type::kExtraHost, "", "Add a line to the container's hosts file (name:address)"},
    {"annotation", 0, &flag_type::kMap, "", "Attach an annotation that the OCI runtime gets to see"},
    {"attach", 'a', &flag_type::kAttach, "", "Connect to STDIN, STDOUT or STDERR"},
    {"blkio-weight", 0, &flag_type::kUint16, "", "Share of block I/O, from 10 to 1000; 0 for none given"},
    {"blkio-weight-device", 0, &flag_type::kWeightDevice, "", "Share of block I/O on one device (path:weight)"},
    {"cap-add", 0, &flag_type::kList, "", "Give Linux capabilities"},
    {"cap-drop", 0, &flag_type::kList, "", "Take Linux capabilities away"},
    {"cgroup-parent", 0, &flag_type::kString, "", "Cgroup under which the container's is made"},
    {"cgroupns", 0, &flag_type::kString, "", "Cgroup namespace (host|private)\n'host':    the one of the host\n'private': one of its own\n'':        as the daemon is configured (default)"},
    {"cidfile", 0, &flag_type::kString, "", "Write the container's id to this file"},
    {"cpu-count", 0, &flag_type::kInt64, "", "Number of CPUs (Windows only)"},
    {"cpu-percent", 0, &flag_type::kInt64, "", "Percentage of CPU (Windows only)"},
    {"cpu-period", 0, &flag_type::kInt64, "", "Period of the CPU quota in microseconds"},
    {"cpu-quota", 0, &flag_type::kInt64, "", "CPU time in each period in microseconds"},
    {"cpu-rt-period", 0, &flag_type::kInt64, "", "Period of the real-time quota in microseconds"},
    {"cpu-rt-runtime", 0, &flag_type::kInt64, "", "Real-time CPU time in each period in microseconds"},
    {"cpu-shares", 'c', &flag_type::kInt64, "", "Share of CPU time relative to others"},
    {"cpus", 0, &flag_type::kDecimal, "", "How many CPUs' worth of time it may use"},
    {"cpuset-cpus", 0, &flag_type::kString, "", "CPUs it may run on (0-3, 0,1)"},
    {"cpuset-mems", 0, &flag_type::kString, "", "Memory nodes it may use (0-3, 0,1)"},
    {"device", 0, &flag_type::kList, "", "Make a device of the host available"},
    {"device-cgroup-rule", 0, &flag_type::kDeviceRule, "", "Allow devices by a cgroup rule"},
    {"device-read-bps", 0, &flag_type::kThrottleBytes, "", "Bound the bytes read from a device each second"},
    {"device-read-iops", 0, &flag_type::kThrottleOperations, "", "Bound the reads from a device each second"},
    {"device-write-bps", 0, &flag_type::kThrottleBytes, "", "Bound the bytes written to a device each second"},
    {"device-write-iops", 0, &flag_type::kThrottleOperations, "", "Bound the writes to a device each second"},
    {"disable-content-trust", 0, &flag_type::kBool, "true", "Has no effect", Flag::Visibility::kHidden},
    {"dns", 0, &flag_type::kAddress, "", "Use this DNS server"},
    {"dns-opt", 0, &flag_type::kList, "", "See --dns-option", Flag::Visibility::kHidden, "dns-option"},
    {"dns-option", 0, &flag_type::kList, "", "Set an option of the resolver"},
    {"dns-search", 0, &flag_type::kDnsSearch, "", "Look names up in this domain too"},
    {"domainname", 0, &flag_type::kString, "", "The container's NIS domain name"},
    {"entrypoint", 0, &flag_type::kString, "", "Run this in place of the image's entrypoint"},
    {"env", 'e', &flag_type::kEnv, "", "Set an environment variable"},
    {"env-file", 0, &flag_type::kList, "", "Set the environment variables listed in a file"},
    {"expose", 0, &flag_type::kList, "", "Declare a port or a range of ports"},
    {"gpus", 0, &flag_type::kGpus, "", "GPUs to make available ('all' for each)"},
    {"group-add", 0, &flag_type::kList, "", "Run with this group as well"},
    {"health-cmd", 0, &flag_type::kString, "", "Command that tells whether the container is healthy"},
    {"health-interval", 0, &flag_type::kDuration, "", "Time from one health check to the next (ms|s|m|h)"},
    {"health-retries", 0, &flag_type::kInt, "", "Failures in a row that make it unhealthy"},
    {"health-start-interval", 0, &flag_type::kDuration, "", "Time between checks while it starts (ms|s|m|h)"},
    {"health-start-period", 0, &flag_type::kDuration, "", "Time to start in, during which failures do not count (ms|s|m|h)"},
    {"health-timeout", 0, &flag_type::kDuration, "", "How long one check may take (ms|s|m|h)"},
    {"hostname", 'h', &flag_type::kString, "", "The container's host name"},
    {"init", 0, &flag_type::kBool, "", "Run an init process that passes signals on and reaps children"},
    {"interactive", 'i', &flag_type::kBool, "", "Keep STDIN open even when nobody is attached"},
    {"io-maxbandwidth", 0, &flag_type::kBytes, "", "Bound the I/O bandwidth of the system drive (Windows only)"},
    {"io-maxiops", 0, &flag_type::kUint, "", "Bound the I/O rate of the system drive (Windows only)"},
    {"ip", 0, &flag_type::kString, "", "The container's IPv4 address (172.30.100.104)"},
    {"ip6", 0, &flag_type::kString, "", "The container's IPv6 address (2001:db8::33)"},
    {"ipc", 0, &flag_type::kString, "", "IPC namespace to use"},
    {"isolation", 0, &flag_type::kString, "", "Technology that isolates the container"},
    {"kernel-memory", 0, &flag_type::kBytes, "", "Has no effect", Flag::Visibility::kHidden},
    {"label", 'l', &flag_type::kLabel, "", "Put a label on the container"},
    {"label-file", 0, &flag_type::kList, "", "Put the labels listed in a file on the container"},
    {"link", 0, &flag_type::kLink, "", "Make another container known by a name"},
    {"link-local-ip", 0, &flag_type::kAddress, "", "Link-local address of the container"},
    {"log-driver", 0, &flag_type::kString, "", "Driver that stores the container's output"},
    {"log-opt", 0, &flag_type::kList, "", "Set an option of the log driver"},
    {"mac-address", 0, &flag_type::kString, "", "The container's MAC address (92:d0:c6:0a:29:33)"},
    {"memory", 'm', &flag_type::kBytes, "", "Bound its memory"},
    {"memory-reservation", 0, &flag_type::kBytes, "", "Memory it is pushed back to when memory is short"},
    {"memory-swap", 0, &flag_type::kSwapBytes, "", "Bound memory and swap together: '-1' for no bound on swap"},
    {"memory-swappiness", 0, &flag_type::kInt64, "-1", "How readily its memory is swapped out (0 to 100)"},
    {"mount", 0, &flag_type::kMount, "", "Mount a file system"},
    {"name", 0, &flag_type::kString, "", "Give the container a name"},
    {"net", 0, &flag_type::kNetwork, "", "See --network", Flag::Visibility::kHidden, "network"},
    {"net-alias", 0, &flag_type::kList, "", "See --network-alias", Flag::Visibility::kHidden, "network-alias"},
    {"network", 0, &flag_type::kNetwork, "", "Join a network"},
    {"network-alias", 0, &flag_type::kList, "", "Another name for the container in its network"},
    {"no-healthcheck", 0, &flag_type::kBool, "", "Ignore the image's HEALTHCHECK"},
    {"oom-kill-disable", 0, &flag_type::kBool, "", "Do not kill it when memory runs out"},
    {"oom-score-adj", 0, &flag_type::kInt, "", "How likely it is killed when memory runs out (-1000 to 1000)"},
    {"pid", 0, &flag_type::kString, "", "PID namespace to use"},
    {"pids-limit", 0, &flag_type::kInt64, "", "Bound the number of its processes (-1 for no bound)"},
    {"platform", 0, &flag_type::kString, "", "Platform to use if the image has several"},
    {"privileged", 0, &flag_type::kBool, "", "Give it the rights that root has on the host"},
    {"publish", 'p', &flag_type::kList, "", "Make a container's port reachable on the host"},
    {"publish-all", 'P', &flag_type::kBool, "", "Make all exposed ports reachable on free ports of the host"},
    {"pull", 0, &flag_type::kString, "missing", "When to pull the image (\"always\", \"missing\", \"never\")"},
    {"quiet", 'q', &flag_type::kBool, "", "Do not print the progress of a pull"},
    {"read-only", 0, &flag_type::kBool, "", "Mount the root file system read-only"},
    {"restart", 0, &flag_type::kString, "no", "Whether to restart the container when it exits"},
    {"rm", 0, &flag_type::kBool, "", "Remove the container and its anonymous volumes when it exits"},
    {"runtime", 0, &flag_type::kString, "", "Runtime to use for this container"},
    {"security-opt", 0, &flag_type::kList, "", "Set a security option"},
    {"shm-size", 0, &flag_type::kBytes, "", "Size of /dev/shm"},
    {"stop-signal", 0, &flag_type::kString, "", "Signal that stops the container"},
    {"stop-timeout", 0, &flag_type::kInt, "", "Seconds to wait for it to stop"},
    {"storage-opt", 0, &flag_type::kList, "", "Set an option of the storage driver"},
    {"sysctl", 0, &flag_type::kSysctl, "", "Set a kernel parameter of its namespaces"},
    {"tmpfs", 0, &flag_type::kList, "", "Mount a tmpfs directory"},
    {"tty", 't', &flag_type::kBool, "", "Give it a terminal"},
    {"ulimit", 0, &flag_type::kUlimit, "", "Set a resource limit of its processes"},
    {"use-api-socket", 0, &flag_type::kBool, "", "Make the daemon's API socket available in it"},
    {"user", 'u', &flag_type::kString, "", "User to run as (<name|uid>[:<group|gid>])"},
    {"userns", 0, &flag_type::kString, "", "User namespace to use"},
    {"uts", 0, &flag_type::kString, "", "UTS namespace to use"},
    {"volume", 'v', &flag_type::kList, "", "Mount a volume or a directory of the host"},
    {"volume-driver", 0, &flag_type::kString, "", "Driver of the volumes it makes"},
    {"volumes-from", 0, &flag_type::kList, "", "Mount the volumes of another container"},
    {"workdir", 'w', &flag_type::kString, "", "Directory in the container to work in"},
});

inline constexpr auto kRunOnlyFlags = std::to_array<Flag>({
    {"detach", 'd', &flag_type::kBool, "", "Leave the container in the background and print its id"},
    {"detach-keys", 0, &flag_type::kString, "", "Keys that detach from the container"},
    {"sig-proxy", 0, &flag_type::kBool, "true", "Pass signals on to the container's process"},
});

template <size_t N, size_t M>
constexpr std::array<Flag, N + M> concatenate(const std::array<Flag, N>& a,
                                              const std::array<Flag, M>& b) {
    std::array<Flag, N + M> all = {};
    for (size_t i = 0; i < N; ++i) {
        all[i] = a[i];
    }
    for (size_t i = 0; i < M; ++i) {
        all[N + i] = b[i];
    }
    return all;
}

inline constexpr auto kRunFlags = concatenate(kCreateFlags, kRunOnlyFlags);

}  // namespace gantry::cli
