#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "sys/cgroup_weight.h"
#include "sys/impl/cgroup_limits.h"

namespace gantry::sys {
namespace {

constexpr const char* kStandardWeight = "100";

std::string number_or_max(int64_t value) {
    return value < 0 ? "max" : fmt::format("{}", value);
}

/// One after another into a v2 group. A file that is not there (its controller is off) is a
/// warning.
class V2Writer {
public:
    V2Writer(const CgroupDir& dir, std::vector<std::string>& warnings)
        : dir_(dir), warnings_(warnings) {}

    Result<> write(const char* file, std::string_view value) {
        auto written = dir_.write(file, value);
        if (!written && written.error().sys_errno() == ENOENT) {
            warnings_.push_back(
                fmt::format("This machine's cgroups have no {}. Limitation discarded.", file));
            return {};
        }
        return written;
    }

    Result<> memory(const CgroupLimits& limits) {
        if (limits.memory) {
            GT_TRY(write("memory.max", number_or_max(*limits.memory)));
        }
        if (limits.memory_swap && *limits.memory_swap != 0) {
            // v1 counts memory and swap together, v2 swap alone.
            const bool unlimited = *limits.memory_swap < 0 || limits.memory.value_or(-1) < 0;
            GT_TRY(write("memory.swap.max",
                         number_or_max(unlimited ? -1 : *limits.memory_swap - *limits.memory)));
        }
        if (limits.memory_reservation) {
            // Not what the kernel calls "max": that would protect all of it.
            GT_TRY(write("memory.low",
                         fmt::format("{}", std::max<int64_t>(0, *limits.memory_reservation))));
        }
        return {};
    }

    Result<> cpu(const CgroupLimits& limits) {
        if (limits.cpu_shares && *limits.cpu_shares != 0) {
            GT_TRY(write("cpu.weight", fmt::format("{}", weight_of_shares(*limits.cpu_shares))));
        }
        if (limits.standard_cpu_shares) {
            GT_TRY(write("cpu.weight", kStandardWeight));
        }
        if (limits.cpu_quota || limits.cpu_period) {
            const int64_t quota = limits.cpu_quota.value_or(0);
            GT_TRY(write("cpu.max", fmt::format("{} {}", quota > 0 ? number_or_max(quota) : "max",
                                                limits.cpu_period.value_or(100000))));
        }
        if (!limits.cpuset_cpus.empty()) {
            GT_TRY(write("cpuset.cpus", limits.cpuset_cpus));
        }
        if (!limits.cpuset_mems.empty()) {
            GT_TRY(write("cpuset.mems", limits.cpuset_mems));
        }
        return {};
    }

    Result<> io(const CgroupLimits& limits) {
        if (limits.blkio_weight) {
            const bool bfq = dir_.has("io.bfq.weight");
            GT_TRY(bfq ? write("io.bfq.weight", fmt::format("{}", *limits.blkio_weight))
                       : write("io.weight",
                               fmt::format("default {}", weight_of_blkio(*limits.blkio_weight))));
        }
        for (const WeightLimit& limit : limits.blkio_weight_device) {
            const bool bfq = dir_.has("io.bfq.weight");
            GT_TRY(write(bfq ? "io.bfq.weight" : "io.weight",
                         fmt::format("{}:{} {}", limit.major, limit.minor,
                                     bfq ? limit.weight : weight_of_blkio(limit.weight))));
        }
        GT_TRY(throttle("rbps", limits.read_bps));
        GT_TRY(throttle("wbps", limits.write_bps));
        GT_TRY(throttle("riops", limits.read_iops));
        return throttle("wiops", limits.write_iops);
    }

    Result<> hugetlb(const CgroupLimits& limits) {
        for (const auto& [size, bytes] : limits.hugetlb) {
            const std::string file = fmt::format("hugetlb.{}.max", size);
            GT_TRY(write(file.c_str(), fmt::format("{}", bytes)));
        }
        return {};
    }

private:
    Result<> throttle(const char* key, const std::vector<ThrottleLimit>& limits) {
        for (const ThrottleLimit& limit : limits) {
            // COMPAT: 0 takes a limit away, as in v1.
            const std::string rate = limit.rate == 0 ? "max" : fmt::format("{}", limit.rate);
            GT_TRY(
                write("io.max", fmt::format("{}:{} {}={}", limit.major, limit.minor, key, rate)));
        }
        return {};
    }

    const CgroupDir& dir_;
    std::vector<std::string>& warnings_;
};

}  // namespace

Result<> write_v2_limits(const CgroupDir& dir, const CgroupLimits& limits,
                         std::vector<std::string>& warnings) {
    V2Writer writer(dir, warnings);
    GT_TRY(writer.memory(limits));
    GT_TRY(writer.cpu(limits));
    if (limits.pids) {
        GT_TRY(writer.write("pids.max", number_or_max(*limits.pids > 0 ? *limits.pids : -1)));
    }
    GT_TRY(writer.io(limits));
    GT_TRY(writer.hugetlb(limits));
    for (const auto& [file, value] : limits.unified) {
        // SAFETY: the name comes from a client and is a file of this very directory, not a path.
        if (file.empty() || file.find('/') != file.npos) {
            return fail(Kind::kInvalid, fmt::format("unified: {} is no file name", file));
        }
        GT_TRY(dir.write(file.c_str(), value));
    }
    if (limits.devices) {
        GT_TRY(attach_device_rules(dir.fd(), *limits.devices));
    }
    return {};
}

}  // namespace gantry::sys
