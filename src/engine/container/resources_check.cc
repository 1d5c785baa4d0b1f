#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "engine/container/devices.h"
#include "engine/container/host_check.h"

namespace gantry::engine {

namespace {

constexpr int64_t kMinMemory = int64_t{6} << 20;
constexpr int64_t kMinPeriod = 1000;
constexpr int64_t kMaxPeriod = 1'000'000;
constexpr int64_t kMinQuota = 1000;
constexpr double kNanosPerCpu = 1e9;

Failure invalid(std::string text) {
    return fail(Kind::kInvalid, std::move(text));
}

Result<> check_memory(const spec::Resources& resources) {
    if (resources.memory != 0 && resources.memory < kMinMemory) {
        return invalid("Minimum memory limit allowed is 6MB");
    }
    if (resources.memory > 0 && resources.memory_swap > 0 &&
        resources.memory_swap < resources.memory) {
        return invalid("Minimum memoryswap limit should be larger than memory limit, see usage");
    }
    if (resources.memory == 0 && resources.memory_swap > 0) {
        return invalid(
            "You should always set the Memory limit when using Memoryswap limit, see "
            "usage");
    }
    if (resources.memory_swap < -1) {
        return invalid("Minimum memoryswap limit should be larger than memory limit, see usage");
    }
    if (resources.memory_reservation != 0 && resources.memory_reservation < kMinMemory) {
        return invalid("Minimum memory reservation allowed is 6MB");
    }
    if (resources.memory > 0 && resources.memory_reservation > resources.memory) {
        return invalid(
            "Minimum memory limit can not be less than memory reservation limit, see "
            "usage");
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
                fmt::format("Requested {} are not available - requested {}, available: "
                            "0-{}",
                            what == "cpus" ? "CPUs" : "memory nodes", set, limit - 1));
        }
    }
    return {};
}

Result<> check_cpu(const spec::Resources& resources, const HostFacts& facts) {
    if (resources.nano_cpus != 0) {
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
    if (resources.cpu_shares < 0) {
        return invalid(fmt::format("invalid CPU shares ({}): value must be a positive integer",
                                   resources.cpu_shares));
    }
    GT_TRY(check_set(resources.cpuset_cpus, "cpus", static_cast<uint64_t>(facts.processors)));
    // Which memory nodes there are is the kernel's to say: it refuses the others at start.
    return check_set(resources.cpuset_mems, "mems", 1024);
}

Result<> check_ulimits(const spec::Resources& resources) {
    constexpr std::array<std::string_view, 16> kNames = {
        "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue", "nice",
        "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack",    "as"};
    for (const spec::Ulimit& limit : resources.ulimits) {
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

}  // namespace

Result<> check_resources(const spec::Resources& resources, const HostFacts& facts) {
    GT_TRY(check_memory(resources));
    GT_TRY(check_cpu(resources, facts));
    GT_TRY(check_devices(resources));
    return check_ulimits(resources);
}

}  // namespace gantry::engine
