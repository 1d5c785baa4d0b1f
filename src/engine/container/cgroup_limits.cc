#include "engine/container/cgroup_limits.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <utility>

#include "engine/container/cdi.h"
#include "engine/container/devices.h"

namespace gantry::engine {

namespace {

/// The period that HostConfig.NanoCpus is expressed in (Docker's choice).
constexpr int64_t kPeriod = 100'000;
constexpr int64_t kNanosPerCpu = 1'000'000'000;
constexpr int64_t kMinShares = 2;
constexpr int64_t kMaxShares = 262'144;

std::vector<sys::DeviceRule> all_devices() {
    return {{.action = sys::DeviceRule::Action::kAllow,
             .type = sys::DeviceRule::Type::kAll,
             .major = {},
             .minor = {},
             .access = sys::DeviceRule::kAnyAccess}};
}

/// The whole device whose node PATH is.
Result<dev_t> block_device(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) < 0) {
        return fail_errno(fmt::format("no such device for block I/O limits: {}", path));
    }
    if (!S_ISBLK(status.st_mode)) {
        return fail(Kind::kInvalid, fmt::format("{}: not a block device", path));
    }
    return status.st_rdev;
}

Result<std::vector<sys::ThrottleLimit>> throttles(
    const std::vector<spec::ThrottleDevice>& devices) {
    std::vector<sys::ThrottleLimit> limits;
    for (const spec::ThrottleDevice& device : devices) {
        GT_TRY_VAR(number, block_device(device.path));
        limits.push_back({major(number), minor(number), device.rate});
    }
    return limits;
}

Result<> add_io(sys::CgroupLimits& limits, const spec::Resources& resources) {
    if (resources.blkio_weight != 0) {
        limits.blkio_weight = resources.blkio_weight;
    }
    for (const spec::WeightDevice& device : resources.blkio_weight_device) {
        GT_TRY_VAR(number, block_device(device.path));
        limits.blkio_weight_device.push_back({major(number), minor(number), device.weight});
    }
    for (const auto& [from, to] :
         {std::pair(&resources.blkio_device_read_bps, &limits.read_bps),
          std::pair(&resources.blkio_device_write_bps, &limits.write_bps),
          std::pair(&resources.blkio_device_read_iops, &limits.read_iops),
          std::pair(&resources.blkio_device_write_iops, &limits.write_iops)}) {
        GT_TRY_VAR(devices, throttles(*from));
        *to = std::move(devices);
    }
    return {};
}

void add_memory(sys::CgroupLimits& limits, const spec::Resources& resources) {
    if (resources.memory > 0) {
        limits.memory = resources.memory;
    }
    if (resources.memory_swap != 0) {
        limits.memory_swap = resources.memory_swap;
    }
    if (resources.memory_reservation > 0) {
        limits.memory_reservation = resources.memory_reservation;
    }
    if (resources.memory_swappiness) {
        limits.memory_swappiness = static_cast<uint64_t>(*resources.memory_swappiness);
    }
    if (resources.oom_kill_disable.value_or(false)) {
        limits.oom_kill_disable = true;
    }
}

void add_cpu(sys::CgroupLimits& limits, const spec::Resources& resources) {
    if (resources.cpu_shares > 0) {
        limits.cpu_shares =
            static_cast<uint64_t>(std::clamp(resources.cpu_shares, kMinShares, kMaxShares));
    }
    if (resources.nano_cpus > 0) {
        limits.cpu_period = kPeriod;
        limits.cpu_quota = resources.nano_cpus * kPeriod / kNanosPerCpu;
    }
    if (resources.cpu_period > 0) {
        limits.cpu_period = static_cast<uint64_t>(resources.cpu_period);
    }
    if (resources.cpu_quota != 0) {
        limits.cpu_quota = resources.cpu_quota;
    }
    if (resources.cpu_realtime_period > 0) {
        limits.cpu_rt_period = static_cast<uint64_t>(resources.cpu_realtime_period);
    }
    if (resources.cpu_realtime_runtime != 0) {
        limits.cpu_rt_runtime = resources.cpu_realtime_runtime;
    }
    limits.cpuset_cpus = resources.cpuset_cpus;
    limits.cpuset_mems = resources.cpuset_mems;
}

/// LIMITS, and no limit where only OLD has one.
sys::CgroupLimits lift_limits(const sys::CgroupLimits& old, sys::CgroupLimits limits) {
    const auto lift = [](const auto& was, auto& now, auto none) {
        if (was && !now) {
            now = none;
        }
    };
    lift(old.memory, limits.memory, -1);
    lift(old.memory_swap, limits.memory_swap, -1);
    lift(old.memory_reservation, limits.memory_reservation, -1);
    lift(old.cpu_period, limits.cpu_period, kPeriod);
    lift(old.cpu_quota, limits.cpu_quota, -1);
    lift(old.pids, limits.pids, 0);
    limits.standard_cpu_shares = old.cpu_shares && !limits.cpu_shares;
    return limits;
}

}  // namespace

sys::CgroupLimits changeable_limits(const spec::Resources& resources) {
    sys::CgroupLimits limits;
    add_memory(limits, resources);
    add_cpu(limits, resources);
    limits.pids = resources.pids_limit;
    if (resources.blkio_weight != 0) {
        limits.blkio_weight = resources.blkio_weight;
    }
    return limits;
}

sys::CgroupLimits limits_between(const spec::Resources& before, const spec::Resources& after) {
    return lift_limits(changeable_limits(before), changeable_limits(after));
}

sys::CgroupLimits limits_from_anything(const spec::Resources& after) {
    sys::CgroupLimits any;
    any.memory = any.memory_swap = any.memory_reservation = 0;
    any.cpu_shares = any.cpu_period = 0;
    any.cpu_quota = any.pids = 0;
    return lift_limits(any, changeable_limits(after));
}

Result<sys::CgroupLimits> cgroup_limits(const spec::HostConfig& host,
                                        const std::vector<std::string>& cdi_spec_dirs) {
    const spec::Resources& resources = host.resources;
    sys::CgroupLimits limits = changeable_limits(resources);
    GT_TRY(add_io(limits, resources));
    limits.devices = host.privileged ? all_devices() : sys::default_device_rules();
    GT_TRY_VAR(granted, grant_devices(resources));
    limits.devices->insert(limits.devices->end(), granted.rules.begin(), granted.rules.end());
    GT_TRY_VAR(requested, find_requested_devices(resources.device_requests, cdi_spec_dirs));
    limits.devices->insert(limits.devices->end(), requested.devices.rules.begin(),
                           requested.devices.rules.end());
    return limits;
}

}  // namespace gantry::engine
