#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "spec/api/container_config.h"
#include "spec/api/mount.h"

namespace gantry::spec {

struct PortBinding {
    std::string host_ip;
    std::string host_port;
};

/// By container port ("80/tcp"); null stands for exposed but not published.
using PortMap = std::map<std::string, std::optional<std::vector<PortBinding>>>;

struct LogConfig {
    std::string type;
    StringMap config;
};

struct RestartPolicy {
    /// "" and "no", "always", "unless-stopped", "on-failure".
    std::string name;
    int64_t maximum_retry_count = 0;
    /// Gantry's own: what is done with a container that becomes unhealthy. "" and "none",
    /// "restart" (with the policies' back-off), "stop", "kill".
    std::string on_unhealthy;
};

struct WeightDevice {
    std::string path;
    uint16_t weight = 0;
};

struct ThrottleDevice {
    std::string path;
    uint64_t rate = 0;
};

struct DeviceMapping {
    std::string path_on_host;
    std::string path_in_container;
    std::string cgroup_permissions;
};

struct DeviceRequest {
    std::string driver;
    /// -1: all.
    int64_t count = 0;
    std::vector<std::string> device_ids;
    std::vector<std::vector<std::string>> capabilities;
    StringMap options;
};

struct Ulimit {
    std::string name;
    int64_t soft = 0;
    int64_t hard = 0;
};

/// What a container may use. Zero and absent mean "no limit given".
struct Resources {
    int64_t cpu_shares = 0;
    int64_t memory = 0;
    /// 1e9 is one CPU.
    int64_t nano_cpus = 0;
    std::string cgroup_parent;
    uint16_t blkio_weight = 0;
    std::vector<WeightDevice> blkio_weight_device;
    std::vector<ThrottleDevice> blkio_device_read_bps;
    std::vector<ThrottleDevice> blkio_device_write_bps;
    std::vector<ThrottleDevice> blkio_device_read_iops;
    std::vector<ThrottleDevice> blkio_device_write_iops;
    int64_t cpu_period = 0;
    int64_t cpu_quota = 0;
    int64_t cpu_realtime_period = 0;
    int64_t cpu_realtime_runtime = 0;
    std::string cpuset_cpus;
    std::string cpuset_mems;
    std::vector<DeviceMapping> devices;
    std::vector<std::string> device_cgroup_rules;
    std::vector<DeviceRequest> device_requests;
    /// COMPAT: accepted and ignored, as Docker does since 1.42.
    int64_t kernel_memory = 0;
    int64_t kernel_memory_tcp = 0;
    int64_t memory_reservation = 0;
    /// -1: unlimited; 0: twice the memory.
    int64_t memory_swap = 0;
    std::optional<int64_t> memory_swappiness;
    std::optional<bool> oom_kill_disable;
    /// Zero and less: unlimited.
    std::optional<int64_t> pids_limit;
    std::vector<Ulimit> ulimits;
    // Windows only; printed as zero.
    int64_t cpu_count = 0;
    int64_t cpu_percent = 0;
    uint64_t io_maximum_iops = 0;
    uint64_t io_maximum_bandwidth = 0;
};

/// How a container is joined to its host. Its JSON holds the members of `resources` inline.
struct HostConfig {
    std::vector<std::string> binds;
    std::string container_id_file;
    LogConfig log_config;
    std::string network_mode;
    PortMap port_bindings;
    RestartPolicy restart_policy;
    bool auto_remove = false;
    std::string volume_driver;
    std::vector<std::string> volumes_from;
    /// Height, width.
    std::array<uint32_t, 2> console_size{};
    StringMap annotations;
    std::vector<std::string> cap_add;
    std::vector<std::string> cap_drop;
    std::string cgroupns_mode;
    std::vector<std::string> dns;
    std::vector<std::string> dns_options;
    std::vector<std::string> dns_search;
    std::vector<std::string> extra_hosts;
    std::vector<std::string> group_add;
    std::string ipc_mode;
    std::string cgroup;
    std::vector<std::string> links;
    int64_t oom_score_adj = 0;
    std::string pid_mode;
    bool privileged = false;
    bool publish_all_ports = false;
    bool readonly_rootfs = false;
    std::vector<std::string> security_opt;
    StringMap storage_opt;
    StringMap tmpfs;
    std::string uts_mode;
    std::string userns_mode;
    int64_t shm_size = 0;
    StringMap sysctls;
    std::string runtime;
    std::string isolation;
    Resources resources;
    std::vector<Mount> mounts;
    /// Absent: the defaults; empty: none.
    std::optional<std::vector<std::string>> masked_paths;
    std::optional<std::vector<std::string>> readonly_paths;
    std::optional<bool> init;
};

}  // namespace gantry::spec
