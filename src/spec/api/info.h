#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "spec/api/container_config.h"

namespace gantry::spec {

using StringPairs = std::vector<std::array<std::string, 2>>;

struct PluginsInfo {
    std::vector<std::string> volume;
    std::vector<std::string> network;
    std::vector<std::string> authorization;
    std::vector<std::string> log;
};

struct RegistryIndex {
    std::vector<std::string> mirrors;
    std::string name;
    bool official = false;
    bool secure = false;
};

struct RegistryConfig {
    std::map<std::string, RegistryIndex> index_configs;
    std::vector<std::string> insecure_registry_cidrs;
    std::vector<std::string> mirrors;
};

struct RuntimeInfo {
    std::string path;
    std::vector<std::string> runtime_args;
    StringMap status;
};

struct SwarmInfo {
    std::string node_id;
    std::string node_addr;
    /// "inactive" without a cluster.
    std::string local_node_state = "inactive";
    bool control_available = false;
    std::string error;
    /// Always empty without a cluster: printed as null.
    std::vector<std::string> remote_managers;
};

struct CommitInfo {
    std::string id;
    /// Before API 1.49.
    std::optional<std::string> expected;
};

struct AddressPool {
    std::string base;
    int64_t size = 0;
};

struct FirewallInfo {
    std::string driver;
    StringPairs info;
};

/// GET /info.
struct Info {
    std::string id;
    int64_t containers = 0;
    int64_t containers_running = 0;
    int64_t containers_paused = 0;
    int64_t containers_stopped = 0;
    int64_t images = 0;
    std::string driver;
    StringPairs driver_status;
    PluginsInfo plugins;
    bool memory_limit = false;
    bool swap_limit = false;
    /// Up to API 1.51; left out when false.
    bool kernel_memory_tcp = false;
    bool cpu_cfs_period = false;
    bool cpu_cfs_quota = false;
    bool cpu_shares = false;
    bool cpu_set = false;
    bool pids_limit = false;
    bool ipv4_forwarding = false;
    bool debug = false;
    int64_t n_fd = 0;
    bool oom_kill_disable = false;
    int64_t n_goroutines = 0;
    WallTime system_time{};
    std::string logging_driver;
    std::string cgroup_driver;
    std::string cgroup_version;
    int64_t n_events_listener = 0;
    std::string kernel_version;
    std::string operating_system;
    std::string os_version;
    std::string os_type = "linux";
    std::string architecture;
    std::string index_server_address;
    RegistryConfig registry_config;
    int64_t ncpu = 0;
    int64_t mem_total = 0;
    /// Always empty without a cluster: printed as null.
    std::vector<std::string> generic_resources;
    std::string docker_root_dir;
    std::string http_proxy;
    std::string https_proxy;
    std::string no_proxy;
    std::string name;
    std::vector<std::string> labels;
    bool experimental_build = false;
    std::string server_version;
    std::map<std::string, RuntimeInfo> runtimes;
    std::string default_runtime;
    SwarmInfo swarm;
    bool live_restore_enabled = false;
    std::string isolation;
    std::string init_binary;
    CommitInfo containerd_commit;
    CommitInfo runc_commit;
    CommitInfo init_commit;
    std::vector<std::string> security_options;
    std::string product_license;
    std::vector<AddressPool> default_address_pools;
    /// API 1.49.
    std::optional<FirewallInfo> firewall_backend;
    std::vector<std::string> cdi_spec_dirs;
    /// Printed as null when empty.
    std::vector<std::string> warnings;
};

}  // namespace gantry::spec
