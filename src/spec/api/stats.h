#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace gantry::spec {

struct PidsStats {
    uint64_t current = 0;
    uint64_t limit = 0;
};

struct BlkioEntry {
    uint64_t major = 0;
    uint64_t minor = 0;
    std::string op;
    uint64_t value = 0;
};

/// All but the first are null where nobody counts: on cgroup v2, and for a container that does not
/// run.
struct BlkioStats {
    std::vector<BlkioEntry> io_service_bytes;
    std::optional<std::vector<BlkioEntry>> io_serviced;
    std::optional<std::vector<BlkioEntry>> io_queue;
    std::optional<std::vector<BlkioEntry>> io_service_time;
    std::optional<std::vector<BlkioEntry>> io_wait_time;
    std::optional<std::vector<BlkioEntry>> io_merged;
    std::optional<std::vector<BlkioEntry>> io_time;
    std::optional<std::vector<BlkioEntry>> sectors;
};

struct CpuStats {
    struct Usage {
        uint64_t total = 0;
        /// cgroup v1 only.
        std::vector<uint64_t> per_cpu;
        uint64_t in_kernel = 0;
        uint64_t in_user = 0;
    };
    struct Throttling {
        uint64_t periods = 0;
        uint64_t throttled_periods = 0;
        uint64_t throttled_time = 0;
    };

    Usage usage;
    uint64_t system_usage = 0;
    uint32_t online_cpus = 0;
    Throttling throttling;
};

struct MemoryStats {
    uint64_t usage = 0;
    uint64_t max_usage = 0;
    std::map<std::string, uint64_t> stats;
    uint64_t failcnt = 0;
    uint64_t limit = 0;
};

struct NetworkStats {
    uint64_t rx_bytes = 0;
    uint64_t rx_packets = 0;
    uint64_t rx_errors = 0;
    uint64_t rx_dropped = 0;
    uint64_t tx_bytes = 0;
    uint64_t tx_packets = 0;
    uint64_t tx_errors = 0;
    uint64_t tx_dropped = 0;
};

/// Filled on Windows only; always {}.
struct StorageStats {};

/// One object of GET /containers/{id}/stats.
struct ContainerStats {
    std::string id;
    std::string name;
    WallTime read{};
    WallTime preread{};
    PidsStats pids;
    BlkioStats blkio;
    uint64_t num_procs = 0;
    StorageStats storage;
    CpuStats cpu;
    CpuStats precpu;
    MemoryStats memory;
    std::map<std::string, NetworkStats> networks;
};

}  // namespace gantry::spec
