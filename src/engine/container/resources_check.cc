#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "engine/container/host_check.h"

namespace gantry::engine {

namespace {

constexpr int64_t kMinMemory = int64_t{6} << 20;
constexpr int64_t kMinPeriod = 1000;
constexpr int64_t kMaxPeriod = 1'000'000;
constexpr int64_t kMinQuota = 1000;
constexpr double kNanosPerCpu = 1e9;
constexpr uint16_t kMinWeight = 10;
constexpr uint16_t kMaxWeight = 1000;

Failure invalid(std::string text) {
    return fail(Kind::kInvalid, std::move(text));
}

/// Takes away what the kernel cannot do, with a word about it.
class Dropping {
public:
    explicit Dropping(std::vector<std::string>& warnings) : warnings_(warnings) {}

    /// True, and WHAT in the warnings, if something is asked for that is not there.
    bool lacks(bool asked, bool there, std::string_view what) {
        if (!asked || there) {
            return false;
        }
        warnings_.emplace_back(what);
        return true;
    }

private:
    std::vector<std::string>& warnings_;
};

void drop_memory(spec::Resources& resources, const sys::CgroupSupport& can, Dropping drop) {
    if (drop.lacks(resources.memory > 0, can.memory,
                   "Your kernel does not support memory limit capabilities or the cgroup is not "
                   "mounted. Limitation discarded.")) {
        resources.memory = 0;
        resources.memory_swap = -1;
    }
    if (drop.lacks(resources.memory > 0 && resources.memory_swap != -1, can.swap,
                   "Your kernel does not support swap limit capabilities or the cgroup is not "
                   "mounted. Memory limited without swap.")) {
        resources.memory_swap = -1;
    }
    if (resources.memory_swappiness == -1) {
        resources.memory_swappiness.reset();
    }
    if (drop.lacks(resources.memory_swappiness.has_value(), can.memory_swappiness,
                   "Your kernel does not support memory swappiness capabilities or the cgroup is "
                   "not mounted. Memory swappiness discarded.")) {
        resources.memory_swappiness.reset();
    }
    if (drop.lacks(resources.memory_reservation > 0, can.memory_reservation,
                   "Your kernel does not support memory soft limit capabilities or the cgroup is "
                   "not mounted. Limitation discarded.")) {
        resources.memory_reservation = 0;
    }
    if (drop.lacks(resources.oom_kill_disable.value_or(false), can.oom_kill_disable,
                   "Your kernel does not support OomKillDisable. OomKillDisable discarded.")) {
        resources.oom_kill_disable.reset();
    }
    drop.lacks(resources.oom_kill_disable.value_or(false) && resources.memory == 0, false,
               "OOM killer is disabled for the container, but no memory limit is set, this can "
               "result in the system running out of resources.");
    if (drop.lacks(resources.pids_limit.value_or(0) > 0, can.pids,
                   "Your kernel does not support PIDs limit capabilities or the cgroup is not "
                   "mounted. PIDs limit discarded.")) {
        resources.pids_limit.reset();
    }
}

void drop_cpu(spec::Resources& resources, const sys::CgroupSupport& can, Dropping drop) {
    if (drop.lacks(resources.cpu_shares > 0, can.cpu_shares,
                   "Your kernel does not support CPU shares or the cgroup is not mounted. Shares "
                   "discarded.")) {
        resources.cpu_shares = 0;
    }
    if (drop.lacks(resources.cpu_period != 0 || resources.cpu_quota != 0, can.cpu_quota,
                   "Your kernel does not support CPU CFS scheduler. CPU period/quota "
                   "discarded.")) {
        resources.cpu_period = resources.cpu_quota = 0;
    }
    if (drop.lacks(resources.cpu_realtime_period != 0 || resources.cpu_realtime_runtime != 0,
                   can.cpu_realtime,
                   "Your kernel does not support CPU real-time scheduler. CPU real-time limits "
                   "discarded.")) {
        resources.cpu_realtime_period = resources.cpu_realtime_runtime = 0;
    }
    if (drop.lacks(resources.cpu_percent > 0, false,
                   "linux does not support CPU percent. Percent discarded.")) {
        resources.cpu_percent = 0;
    }
    if (drop.lacks(resources.cpu_count > 0, false,
                   "linux does not support CPU count. Count discarded.")) {
        resources.cpu_count = 0;
    }
    if (drop.lacks(!resources.cpuset_cpus.empty() || !resources.cpuset_mems.empty(), can.cpuset,
                   "Your kernel does not support cpuset or the cgroup is not mounted. Cpuset "
                   "discarded.")) {
        resources.cpuset_cpus.clear();
        resources.cpuset_mems.clear();
    }
}

void drop_io(spec::Resources& resources, const sys::CgroupSupport& can, Dropping drop) {
    if (drop.lacks(resources.blkio_weight > 0, can.io_weight,
                   "Your kernel does not support Block I/O weight or the cgroup is not mounted. "
                   "Weight discarded.")) {
        resources.blkio_weight = 0;
    }
    if (drop.lacks(!resources.blkio_weight_device.empty(), can.io_weight_device,
                   "Your kernel does not support Block I/O weight_device or the cgroup is not "
                   "mounted. Weight-device discarded.")) {
        resources.blkio_weight_device.clear();
    }
    for (const auto& [limits, what] :
         {std::pair(&resources.blkio_device_read_bps,
                    "BPS Block I/O read limit or the cgroup is not mounted. Block I/O BPS read"),
          std::pair(&resources.blkio_device_write_bps,
                    "BPS Block I/O write limit or the cgroup is not mounted. Block I/O BPS write"),
          std::pair(&resources.blkio_device_read_iops,
                    "IOPS Block read limit or the cgroup is not mounted. Block I/O IOPS read"),
          std::pair(&resources.blkio_device_write_iops,
                    "IOPS Block write limit or the cgroup is not mounted. Block I/O IOPS "
                    "write")}) {
        if (drop.lacks(!limits->empty(), can.io_throttle,
                       fmt::format("Your kernel does not support {} limit discarded.", what))) {
            limits->clear();
        }
    }
}

Result<> check_memory(const spec::Resources& resources, ResourceUse use) {
    if (resources.memory != 0 && resources.memory < kMinMemory) {
        return invalid("Minimum memory limit allowed is 6MB");
    }
    if ((resources.memory > 0 && resources.memory_swap > 0 &&
         resources.memory_swap < resources.memory) ||
        resources.memory_swap < -1) {
        return invalid("Minimum memoryswap limit should be larger than memory limit, see usage");
    }
    if (use == ResourceUse::kCreate && resources.memory == 0 && resources.memory_swap > 0) {
        return invalid(
            "You should always set the Memory limit when using Memoryswap limit, see usage");
    }
    // COMPAT: -1 is how old clients say that none is given.
    const int64_t swappiness = resources.memory_swappiness.value_or(-1);
    if (swappiness < -1 || swappiness > 100) {
        return invalid(
            fmt::format("Invalid value: {}, valid memory swappiness range is 0-100", swappiness));
    }
    if (resources.memory_reservation != 0 && resources.memory_reservation < kMinMemory) {
        return invalid("Minimum memory reservation allowed is 6MB");
    }
    if (resources.memory > 0 && resources.memory_reservation > resources.memory) {
        return invalid(
            "Minimum memory limit can not be less than memory reservation limit, see usage");
    }
    return {};
}

Result<> check_io(const spec::Resources& resources) {
    const auto good = [](uint16_t weight) { return weight >= kMinWeight && weight <= kMaxWeight; };
    if (resources.blkio_weight != 0 && !good(resources.blkio_weight)) {
        return invalid("Range of blkio weight is from 10 to 1000");
    }
    for (const spec::WeightDevice& device : resources.blkio_weight_device) {
        if (!device.path.starts_with('/') || !good(device.weight)) {
            return invalid(fmt::format("invalid weight for device: {}:{}",
                                       device.path.substr(0, 256), device.weight));
        }
    }
    for (const auto* limits :
         {&resources.blkio_device_read_bps, &resources.blkio_device_write_bps,
          &resources.blkio_device_read_iops, &resources.blkio_device_write_iops}) {
        for (const spec::ThrottleDevice& device : *limits) {
            if (!device.path.starts_with('/')) {
                return invalid(
                    fmt::format("bad format for device path: {}", device.path.substr(0, 256)));
            }
        }
    }
    if (resources.io_maximum_bandwidth != 0 || resources.io_maximum_iops != 0) {
        return invalid(
            "Invalid QoS settings: linux does not support Maximum IO Bandwidth or Maximum IO IOps");
    }
    return {};
}

/// "0-3,7" of cpus or memory nodes below LIMIT.
Result<> check_set(std::string_view set, std::string_view what, uint64_t limit) {
    if (set.empty()) {
        return {};
    }
    for (const std::string_view part : split(set, ',')) {
        const auto [first, last, range] = cut(trim(part), '-');
        const auto low = parse_uint(first);
        const auto high = range ? parse_uint(last) : low;
        if (!low || !high || *high < *low) {
            return invalid(fmt::format("Invalid value {} for cpuset {}", set, what));
        }
        if (*high >= limit) {
            return invalid(
                fmt::format("Requested {} are not available - requested {}, available: {}",
                            what == "cpus" ? "CPUs" : "memory nodes", set,
                            limit == 1 ? "0" : fmt::format("0-{}", limit - 1)));
        }
    }
    return {};
}

Result<> check_cpu(const spec::Resources& resources, const HostFacts& facts) {
    if (resources.nano_cpus != 0) {
        if (!facts.cgroups.cpu_quota) {
            return invalid(
                "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the "
                "cgroup is not mounted");
        }
        const double cpus = static_cast<double>(resources.nano_cpus) / kNanosPerCpu;
        if (resources.cpu_period != 0) {
            return invalid("Conflicting options: Nano CPUs and CPU Period cannot both be set");
        }
        if (resources.cpu_quota != 0) {
            return invalid("Conflicting options: Nano CPUs and CPU Quota cannot both be set");
        }
        if (cpus < 0.01 || cpus > facts.processors) {
            return invalid(
                fmt::format("range of CPUs is from 0.01 to {}.00, as there are only {} "
                            "CPUs available",
                            facts.processors, facts.processors));
        }
    }
    if (resources.cpu_period != 0 &&
        (resources.cpu_period < kMinPeriod || resources.cpu_period > kMaxPeriod)) {
        return invalid(
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s "
            "(i.e. 1000000)");
    }
    if (resources.cpu_quota > 0 && resources.cpu_quota < kMinQuota) {
        return invalid("CPU cfs quota can not be less than 1ms (i.e. 1000)");
    }
    if (resources.cpu_realtime_period != 0 &&
        resources.cpu_realtime_runtime > resources.cpu_realtime_period) {
        return invalid("cpu real-time runtime cannot be higher than cpu real-time period");
    }
    if (resources.cpu_shares < 0) {
        return invalid(fmt::format("invalid CPU shares ({}): value must be a positive integer",
                                   resources.cpu_shares));
    }
    GT_TRY(check_set(resources.cpuset_cpus, "cpus", static_cast<uint64_t>(facts.processors)));
    return check_set(resources.cpuset_mems, "mems", static_cast<uint64_t>(facts.memory_nodes));
}

}  // namespace

Result<> check_ulimits(const std::vector<spec::Ulimit>& limits) {
    constexpr std::array<std::string_view, 16> kNames = {
        "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue", "nice",
        "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack",    "as"};
    for (const spec::Ulimit& limit : limits) {
        if (std::find(kNames.begin(), kNames.end(), limit.name) == kNames.end()) {
            return invalid(fmt::format("invalid ulimit type: {}", limit.name.substr(0, 64)));
        }
        const bool unlimited_soft = limit.soft == -1 && limit.hard != -1;
        if (limit.soft < -1 || limit.hard < -1 || unlimited_soft ||
            (limit.hard != -1 && limit.soft > limit.hard)) {
            return invalid(
                fmt::format("ulimit soft limit must be less than or equal to hard limit: "
                            "{} > {}",
                            limit.soft, limit.hard));
        }
    }
    return {};
}

Result<> adjust_resources(spec::Resources& resources, const HostFacts& facts, ResourceUse use,
                          std::vector<std::string>& warnings) {
    GT_TRY(check_memory(resources, use));
    GT_TRY(check_cpu(resources, facts));
    GT_TRY(check_io(resources));
    GT_TRY(check_ulimits(resources.ulimits));
    drop_memory(resources, facts.cgroups, Dropping(warnings));
    drop_cpu(resources, facts.cgroups, Dropping(warnings));
    drop_io(resources, facts.cgroups, Dropping(warnings));
    return {};
}

}  // namespace gantry::engine
