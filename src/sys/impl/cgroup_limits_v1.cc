#include <fmt/core.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/text.h"
#include "sys/impl/cgroup_limits.h"

namespace gantry::sys {
namespace {

constexpr int64_t kStandardShares = 1024;

/// Writes VALUE if it is given; a file that this kernel does not have is a warning.
template <class T>
Result<> write_or_warn(const CgroupDir& dir, const char* file, const std::optional<T>& value,
                       const char* warning, std::vector<std::string>& warnings) {
    if (!value) {
        return {};
    }
    auto written = dir.write(file, static_cast<int64_t>(*value));
    if (!written && written.error().sys_errno() == ENOENT) {
        warnings.emplace_back(warning);
        return {};
    }
    return written;
}

/// Which of two limits that must never cross has to be written first.
enum class SwapOrder { kMemoryFirst, kSwapFirst };

SwapOrder swap_order(const CgroupDir& dir, int64_t memory) {
    const auto text = dir.read("memory.memsw.limit_in_bytes");
    const auto current = text ? parse_uint(trim(*text)) : std::nullopt;
    const bool above = memory < 0 || (current && static_cast<uint64_t>(memory) > *current);
    return above ? SwapOrder::kSwapFirst : SwapOrder::kMemoryFirst;
}

Result<> write_memory(const CgroupDir& dir, const CgroupLimits& limits,
                      std::vector<std::string>& warnings) {
    const auto write_swap = [&]() -> Result<> {
        if (limits.memory_swap == -1 && !dir.has("memory.memsw.limit_in_bytes")) {
            return {};  // without accounting it is unlimited anyway
        }
        return write_or_warn(dir, "memory.memsw.limit_in_bytes", limits.memory_swap,
                             "Your kernel does not support swap limit capabilities or the cgroup "
                             "is not mounted. Memory limited without swap.",
                             warnings);
    };
    // ORDER: the kernel refuses a moment with memory above memory+swap, so the one that makes room
    // goes first.
    if (limits.memory && swap_order(dir, *limits.memory) == SwapOrder::kSwapFirst) {
        GT_TRY(write_swap());
        GT_TRY(dir.write("memory.limit_in_bytes", *limits.memory));
    } else {
        if (limits.memory) {
            GT_TRY(dir.write("memory.limit_in_bytes", *limits.memory));
        }
        GT_TRY(write_swap());
    }
    GT_TRY(write_or_warn(dir, "memory.soft_limit_in_bytes", limits.memory_reservation,
                         "Your kernel does not support memory soft limit capabilities or the "
                         "cgroup is not mounted. Limitation discarded.",
                         warnings));
    GT_TRY(write_or_warn(dir, "memory.swappiness", limits.memory_swappiness,
                         "Your kernel does not support memory swappiness capabilities or the "
                         "cgroup is not mounted. Memory swappiness discarded.",
                         warnings));
    return write_or_warn(dir, "memory.oom_control", limits.oom_kill_disable,
                         "Your kernel does not support OomKillDisable. OomKillDisable discarded.",
                         warnings);
}

Result<> write_cpu(const CgroupDir& dir, const CgroupLimits& limits,
                   std::vector<std::string>& warnings) {
    if (limits.cpu_shares) {
        GT_TRY(dir.write("cpu.shares", static_cast<int64_t>(*limits.cpu_shares)));
    } else if (limits.standard_cpu_shares) {
        GT_TRY(dir.write("cpu.shares", kStandardShares));
    }
    constexpr const char* kNoCfs =
        "Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.";
    auto period = write_or_warn(dir, "cpu.cfs_period_us", limits.cpu_period, kNoCfs, warnings);
    const bool again = !period && limits.cpu_quota && period.error().sys_errno() == EINVAL;
    if (!period && !again) {
        return period;
    }
    GT_TRY(write_or_warn(dir, "cpu.cfs_quota_us", limits.cpu_quota, kNoCfs, warnings));
    if (again) {
        // With the old quota the new period was more than the parent allows.
        GT_TRY(write_or_warn(dir, "cpu.cfs_period_us", limits.cpu_period, kNoCfs, warnings));
    }
    constexpr const char* kNoRt =
        "Your kernel does not support CPU real-time scheduler. CPU real-time limits discarded.";
    GT_TRY(write_or_warn(dir, "cpu.rt_period_us", limits.cpu_rt_period, kNoRt, warnings));
    return write_or_warn(dir, "cpu.rt_runtime_us", limits.cpu_rt_runtime, kNoRt, warnings);
}

Result<> write_cpuset(const CgroupDir& dir, const CgroupLimits& limits) {
    if (!limits.cpuset_cpus.empty()) {
        GT_TRY(dir.write("cpuset.cpus", limits.cpuset_cpus));
    }
    if (!limits.cpuset_mems.empty()) {
        GT_TRY(dir.write("cpuset.mems", limits.cpuset_mems));
    }
    return {};
}

Result<> write_throttle(const CgroupDir& dir, const char* file,
                        const std::vector<ThrottleLimit>& limits) {
    for (const ThrottleLimit& limit : limits) {
        GT_TRY(dir.write(file, fmt::format("{}:{} {}", limit.major, limit.minor, limit.rate)));
    }
    return {};
}

Result<> write_blkio(const CgroupDir& dir, const CgroupLimits& limits,
                     std::vector<std::string>& warnings) {
    const char* weight = dir.has("blkio.weight") ? "blkio.weight" : "blkio.bfq.weight";
    GT_TRY(write_or_warn(dir, weight, limits.blkio_weight,
                         "Your kernel does not support Block I/O weight or the cgroup is not "
                         "mounted. Weight discarded.",
                         warnings));
    const char* device =
        dir.has("blkio.weight_device") ? "blkio.weight_device" : "blkio.bfq.weight_device";
    for (const WeightLimit& limit : limits.blkio_weight_device) {
        GT_TRY(dir.write(device, fmt::format("{}:{} {}", limit.major, limit.minor, limit.weight)));
    }
    GT_TRY(write_throttle(dir, "blkio.throttle.read_bps_device", limits.read_bps));
    GT_TRY(write_throttle(dir, "blkio.throttle.write_bps_device", limits.write_bps));
    GT_TRY(write_throttle(dir, "blkio.throttle.read_iops_device", limits.read_iops));
    return write_throttle(dir, "blkio.throttle.write_iops_device", limits.write_iops);
}

Result<> write_devices(const CgroupDir& dir, const CgroupLimits& limits) {
    if (!limits.devices) {
        return {};
    }
    // One open for a run of rules of the same kind: it costs more than the write.
    const std::vector<DeviceRule>& rules = *limits.devices;
    for (size_t i = 0; i < rules.size();) {
        const DeviceRule::Action action = rules[i].action;
        std::vector<std::string> lines;
        for (; i < rules.size() && rules[i].action == action; ++i) {
            lines.push_back(format_device_rule(rules[i]));
        }
        const bool allow = action == DeviceRule::Action::kAllow;
        GT_TRY(dir.write_each(allow ? "devices.allow" : "devices.deny", lines));
    }
    return {};
}

Result<> write_hugetlb(const CgroupDir& dir, const CgroupLimits& limits) {
    for (const auto& [size, bytes] : limits.hugetlb) {
        const std::string file = fmt::format("hugetlb.{}.limit_in_bytes", size);
        GT_TRY(dir.write(file.c_str(), fmt::format("{}", bytes)));
    }
    return {};
}

}  // namespace

Result<> write_v1_limits(std::string_view controller, const CgroupDir& dir,
                         const CgroupLimits& limits, std::vector<std::string>& warnings) {
    if (controller == "memory") {
        return write_memory(dir, limits, warnings);
    }
    if (controller == "cpu") {
        return write_cpu(dir, limits, warnings);
    }
    if (controller == "cpuset") {
        return write_cpuset(dir, limits);
    }
    if (controller == "pids" && limits.pids) {
        return *limits.pids > 0 ? dir.write("pids.max", *limits.pids)
                                : dir.write("pids.max", "max");
    }
    if (controller == "blkio") {
        return write_blkio(dir, limits, warnings);
    }
    if (controller == "hugetlb") {
        return write_hugetlb(dir, limits);
    }
    if (controller == "devices") {
        return write_devices(dir, limits);
    }
    return {};
}

void warn_of_missing_v1(const CgroupLayout& layout, const CgroupLimits& limits,
                        std::vector<std::string>& warnings) {
    const bool memory = limits.memory || limits.memory_swap || limits.memory_reservation ||
                        limits.memory_swappiness || limits.oom_kill_disable;
    const bool cpu = limits.cpu_shares || limits.standard_cpu_shares || limits.cpu_quota ||
                     limits.cpu_period || limits.cpu_rt_period || limits.cpu_rt_runtime;
    const bool cpuset = !limits.cpuset_cpus.empty() || !limits.cpuset_mems.empty();
    const bool blkio = limits.blkio_weight || !limits.blkio_weight_device.empty() ||
                       !limits.read_bps.empty() || !limits.write_bps.empty() ||
                       !limits.read_iops.empty() || !limits.write_iops.empty();
    const std::array<std::pair<const char*, bool>, 7> wanted{{
        {"memory", memory},
        {"cpu", cpu},
        {"cpuset", cpuset},
        {"pids", limits.pids && *limits.pids > 0},
        {"blkio", blkio},
        {"hugetlb", !limits.hugetlb.empty()},
        {"devices", limits.devices.has_value()},
    }};
    for (const auto& [controller, used] : wanted) {
        if (used && layout.find_v1(controller) == nullptr) {
            warnings.push_back(
                fmt::format("The {} cgroup is not mounted. Its limits are discarded.", controller));
        }
    }
    if (!limits.unified.empty()) {
        warnings.emplace_back("Unified cgroup settings need cgroup v2. Settings discarded.");
    }
}

}  // namespace gantry::sys
