#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "sys/cgroup.h"

namespace gantry::sys {

/// What a group has used up to now. Numbers are the kernel's, in one unit for v1 and v2; what a
/// version does not count is zero or empty.
struct CgroupStats {
    struct Cpu {
        uint64_t total_ns = 0;
        uint64_t kernel_ns = 0;
        uint64_t user_ns = 0;
        std::vector<uint64_t> per_cpu_ns;  // v1
        uint64_t periods = 0;
        uint64_t throttled_periods = 0;
        uint64_t throttled_ns = 0;
    };
    struct Memory {
        uint64_t usage = 0;
        uint64_t peak = 0;
        uint64_t limit = 0;  // the kernel's largest number where there is none
        uint64_t failures = 0;
        std::map<std::string, uint64_t, std::less<>> stat;  // memory.stat as it is
    };
    /// One line of a v1 blkio file, or one number of v2's io.stat.
    struct IoEntry {
        uint32_t major = 0;
        uint32_t minor = 0;
        std::string operation;
        uint64_t value = 0;
    };
    struct Io {
        std::vector<IoEntry> service_bytes;
        // v1 with a scheduler that counts them, service_bytes and serviced with any
        std::vector<IoEntry> serviced, queued, service_time, wait_time, merged, time, sectors;
    };
    struct Pids {
        uint64_t current = 0;
        uint64_t limit = 0;  // 0 on v1 and UINT64_MAX on v2: none
    };

    Cpu cpu;
    Memory memory;
    Io io;
    Pids pids;
};

/// Reads all counters of GROUP, one after the other. A controller that this machine does not have
/// is left at zero; kNotFound when the group is gone.
Result<CgroupStats> read_cgroup_stats(const Cgroup& group);

}  // namespace gantry::sys
