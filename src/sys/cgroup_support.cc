#include "sys/cgroup_support.h"

#include <unistd.h>

#include <initializer_list>
#include <string>

#include "sys/cgroup.h"

namespace gantry::sys {
namespace {

/// Whether a group has one of FILES, in a directory that may not be there at all.
bool has_any(const std::string& directory, std::initializer_list<const char*> files) {
    for (const char* file : files) {
        if (!directory.empty() && ::access((directory + "/" + file).c_str(), F_OK) == 0) {
            return true;
        }
    }
    return false;
}

CgroupSupport support_v2(const std::string& group) {
    return {
        .memory = has_any(group, {"memory.max"}),
        .swap = has_any(group, {"memory.swap.max"}),
        .memory_reservation = has_any(group, {"memory.low"}),
        // v2 has no such thing.
        .memory_swappiness = false,
        .oom_kill_disable = false,
        .cpu_shares = has_any(group, {"cpu.weight"}),
        .cpu_quota = has_any(group, {"cpu.max"}),
        .cpu_realtime = false,
        .cpuset = has_any(group, {"cpuset.cpus"}),
        .pids = has_any(group, {"pids.max"}),
        .io_weight = has_any(group, {"io.weight", "io.bfq.weight"}),
        .io_weight_device = has_any(group, {"io.weight", "io.bfq.weight"}),
        .io_throttle = has_any(group, {"io.max"}),
    };
}

CgroupSupport support_v1(const CgroupLayout& layout, const std::string& path) {
    const auto group = [&](const char* controller) {
        const CgroupHierarchy* hierarchy = layout.find_v1(controller);
        return hierarchy == nullptr ? std::string() : hierarchy->mount_point + path;
    };
    const std::string memory = group("memory");
    const std::string cpu = group("cpu");
    const std::string blkio = group("blkio");
    return {
        .memory = has_any(memory, {"memory.limit_in_bytes"}),
        .swap = has_any(memory, {"memory.memsw.limit_in_bytes"}),
        .memory_reservation = has_any(memory, {"memory.soft_limit_in_bytes"}),
        .memory_swappiness = has_any(memory, {"memory.swappiness"}),
        .oom_kill_disable = has_any(memory, {"memory.oom_control"}),
        .cpu_shares = has_any(cpu, {"cpu.shares"}),
        .cpu_quota = has_any(cpu, {"cpu.cfs_quota_us"}),
        .cpu_realtime = has_any(cpu, {"cpu.rt_runtime_us"}),
        .cpuset = has_any(group("cpuset"), {"cpuset.cpus"}),
        .pids = has_any(group("pids"), {"pids.max"}),
        .io_weight = has_any(blkio, {"blkio.weight", "blkio.bfq.weight"}),
        .io_weight_device = has_any(blkio, {"blkio.weight_device", "blkio.bfq.weight_device"}),
        .io_throttle = has_any(blkio, {"blkio.throttle.read_bps_device"}),
    };
}

}  // namespace

CgroupSupport Cgroup::support() const {
    return layout_->mode == CgroupMode::kV2 ? support_v2(layout_->v2_mount_point + path_)
                                            : support_v1(*layout_, path_);
}

}  // namespace gantry::sys
