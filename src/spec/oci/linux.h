#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "spec/oci/seccomp.h"

namespace gantry::spec::oci {

struct Namespace {
    /// "pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time".
    std::string type;
    /// Joined instead of made when not empty.
    std::string path;
};

struct IdMapping {
    uint32_t container_id = 0;
    uint32_t host_id = 0;
    uint32_t size = 0;
};

struct Device {
    std::string path;
    /// "c", "b", "u" or "p".
    std::string type;
    int64_t major = 0;
    int64_t minor = 0;
    std::optional<uint32_t> file_mode;
    std::optional<uint32_t> uid;
    std::optional<uint32_t> gid;
};

struct DeviceCgroup {
    bool allow = false;
    /// "a", "c", "b"; "" means all.
    std::string type;
    /// Absent: every number.
    std::optional<int64_t> major;
    std::optional<int64_t> minor;
    /// Of "rwm".
    std::string access;
};

struct Memory {
    std::optional<int64_t> limit;
    std::optional<int64_t> reservation;
    std::optional<int64_t> swap;
    std::optional<uint64_t> swappiness;
    std::optional<bool> disable_oom_killer;
    std::optional<bool> use_hierarchy;
    std::optional<bool> check_before_update;
    /// Gone from Linux since 6.1.
    std::optional<int64_t> kernel;
    std::optional<int64_t> kernel_tcp;
};

struct Cpu {
    std::optional<uint64_t> shares;
    std::optional<int64_t> quota;
    std::optional<uint64_t> burst;
    std::optional<uint64_t> period;
    std::optional<int64_t> realtime_runtime;
    std::optional<uint64_t> realtime_period;
    std::string cpus;
    std::string mems;
    std::optional<int64_t> idle;
};

struct Pids {
    int64_t limit = 0;
};

struct WeightDevice {
    int64_t major = 0;
    int64_t minor = 0;
    std::optional<uint16_t> weight;
    std::optional<uint16_t> leaf_weight;
};

struct ThrottleDevice {
    int64_t major = 0;
    int64_t minor = 0;
    uint64_t rate = 0;
};

struct BlockIo {
    std::optional<uint16_t> weight;
    std::optional<uint16_t> leaf_weight;
    std::vector<WeightDevice> weight_device;
    std::vector<ThrottleDevice> throttle_read_bps_device;
    std::vector<ThrottleDevice> throttle_write_bps_device;
    std::vector<ThrottleDevice> throttle_read_iops_device;
    std::vector<ThrottleDevice> throttle_write_iops_device;
};

struct Hugepage {
    std::string page_size;
    uint64_t limit = 0;
};

struct Rdma {
    std::optional<uint32_t> hca_handles;
    std::optional<uint32_t> hca_objects;
};

struct InterfacePriority {
    std::string name;
    uint32_t priority = 0;
};

struct NetworkClass {
    std::optional<uint32_t> class_id;
    std::vector<InterfacePriority> priorities;
};

struct Resources {
    std::vector<DeviceCgroup> devices;
    std::optional<Memory> memory;
    std::optional<Cpu> cpu;
    std::optional<Pids> pids;
    std::optional<BlockIo> block_io;
    std::vector<Hugepage> hugepage_limits;
    std::map<std::string, std::string> unified;
    /// By device.
    std::map<std::string, Rdma> rdma;
    std::optional<NetworkClass> network;
};

struct TimeOffset {
    int64_t secs = 0;
    uint32_t nanosecs = 0;
};

struct IntelRdt {
    std::string clos_id;
    std::string l3_cache_schema;
    std::string mem_bw_schema;
};

struct Personality {
    /// "LINUX" or "LINUX32".
    std::string domain;
    std::vector<std::string> flags;
};

/// runtime-spec 1.2, config-linux.md.
struct Linux {
    std::vector<IdMapping> uid_mappings;
    std::vector<IdMapping> gid_mappings;
    std::map<std::string, std::string> sysctl;
    Resources resources;
    std::string cgroups_path;
    std::vector<Namespace> namespaces;
    std::vector<Device> devices;
    std::optional<Seccomp> seccomp;
    std::string rootfs_propagation;
    std::vector<std::string> masked_paths;
    std::vector<std::string> readonly_paths;
    std::string mount_label;
    /// By clock: "monotonic", "boottime".
    std::map<std::string, TimeOffset> time_offsets;
    std::optional<IntelRdt> intel_rdt;
    std::optional<Personality> personality;
};

}  // namespace gantry::spec::oci
