#include "engine/container/cgroup_limits.h"

#include <algorithm>

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

}  // namespace

Result<sys::CgroupLimits> cgroup_limits(const spec::HostConfig& host,
                                        const std::vector<std::string>& cdi_spec_dirs) {
    const spec::Resources& resources = host.resources;
    sys::CgroupLimits limits;
    if (resources.memory > 0) {
        limits.memory = resources.memory;
    }
    if (resources.memory_swap != 0) {
        limits.memory_swap = resources.memory_swap;
    }
    if (resources.memory_reservation > 0) {
        limits.memory_reservation = resources.memory_reservation;
    }
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
    limits.cpuset_cpus = resources.cpuset_cpus;
    limits.cpuset_mems = resources.cpuset_mems;
    if (resources.pids_limit.value_or(0) > 0) {
        limits.pids = *resources.pids_limit;
    }
    limits.devices = host.privileged ? all_devices() : sys::default_device_rules();
    GT_TRY_VAR(granted, grant_devices(resources));
    limits.devices->insert(limits.devices->end(), granted.rules.begin(), granted.rules.end());
    GT_TRY_VAR(requested, find_requested_devices(resources.device_requests, cdi_spec_dirs));
    limits.devices->insert(limits.devices->end(), requested.devices.rules.begin(),
                           requested.devices.rules.end());
    return limits;
}

}  // namespace gantry::engine
