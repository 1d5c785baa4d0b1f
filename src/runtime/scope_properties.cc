// Names and properties of scopes (runtime/systemd.h).

#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "runtime/systemd.h"
#include "sys/cgroup_weight.h"

namespace gantry::runtime {

namespace {

constexpr uint64_t kInfinity = std::numeric_limits<uint64_t>::max();
constexpr size_t kMostUnitName = 255;

uint64_t or_infinity(int64_t value) {
    return value < 0 ? kInfinity : static_cast<uint64_t>(value);
}

bool is_unit_name(std::string_view name) {
    return !name.empty() && name.size() <= kMostUnitName &&
           std::ranges::all_of(name, [](unsigned char letter) {
               return std::isalnum(letter) != 0 ||
                      std::string_view(":-_.\\@").find(static_cast<char>(letter)) !=
                          std::string_view::npos;
           });
}

/// "a-b.slice" is below "a.slice": no part may be empty. "-.slice" is the root.
bool is_slice(std::string_view name) {
    if (name == "-.slice") {
        return true;
    }
    if (!is_unit_name(name) || !name.ends_with(".slice")) {
        return false;
    }
    name.remove_suffix(std::string_view(".slice").size());
    return !name.empty() && !name.starts_with('-') && !name.ends_with('-') &&
           name.find("--") == std::string_view::npos;
}

}  // namespace

Result<ScopeName> parse_scope_name(std::string_view text, const std::string& id, bool root) {
    const std::string_view usual = root ? "system.slice" : "user.slice";
    ScopeName name{.slice = std::string(usual), .unit = id + ".scope"};
    if (!text.empty()) {
        const auto parts = split(text, ':');
        if (parts.size() != 3 || parts[2].empty()) {
            return fail(Kind::kInvalid, fmt::format("expected cgroupsPath to be of format "
                                                    "\"slice:prefix:name\" for systemd cgroups, "
                                                    "got {:?} instead",
                                                    text));
        }
        name.slice = parts[0].empty() ? usual : parts[0];
        name.unit = fmt::format("{}{}{}.scope", parts[1], parts[1].empty() ? "" : "-", parts[2]);
    }
    if (!is_slice(name.slice)) {
        return fail(Kind::kInvalid, fmt::format("invalid slice name: {}", name.slice));
    }
    if (!is_unit_name(name.unit)) {
        return fail(Kind::kInvalid, fmt::format("invalid unit name: {}", name.unit));
    }
    return name;
}

Result<std::vector<uint8_t>> cpu_mask(std::string_view list) {
    constexpr uint64_t kMostCpus = 8192;
    std::vector<uint8_t> mask;
    for (const std::string_view range : split(list, ',')) {
        const Cut ends = cut(trim(range), '-');
        const auto first = parse_uint(ends.before);
        const auto last = ends.found ? parse_uint(ends.after) : first;
        if (!first || !last || *first > *last || *last >= kMostCpus) {
            return fail(Kind::kInvalid, fmt::format("invalid list of CPUs: {:?}", list));
        }
        mask.resize(std::max<size_t>(mask.size(), *last / 8 + 1));
        for (uint64_t bit = *first; bit <= *last; ++bit) {
            mask[bit / 8] = static_cast<uint8_t>(mask[bit / 8] | 1U << bit % 8);
        }
    }
    return mask;
}

std::vector<UnitProperty> limit_properties(const sys::CgroupLimits& limits) {
    std::vector<UnitProperty> list;
    auto add = [&](const char* name, uint64_t value) { list.push_back({name, value}); };
    if (limits.memory) {
        add("MemoryMax", or_infinity(*limits.memory));
    }
    if (limits.memory_reservation) {
        add("MemoryLow", or_infinity(*limits.memory_reservation));
    }
    if (limits.memory_swap && *limits.memory_swap != 0) {
        const bool unlimited = *limits.memory_swap < 0 || limits.memory.value_or(-1) < 0;
        add("MemorySwapMax",
            unlimited ? kInfinity : or_infinity(*limits.memory_swap - *limits.memory));
    }
    if (limits.cpu_shares && *limits.cpu_shares != 0) {
        add("CPUWeight", sys::weight_of_shares(*limits.cpu_shares));
    }
    if (limits.cpu_quota && *limits.cpu_quota != 0) {
        constexpr uint64_t kUsualPeriod = 100000;
        constexpr uint64_t kSecond = 1000000;
        const uint64_t period =
            limits.cpu_period.value_or(0) != 0 ? *limits.cpu_period : kUsualPeriod;
        add("CPUQuotaPerSecUSec",
            *limits.cpu_quota < 0 ? kInfinity
                                  : static_cast<uint64_t>(*limits.cpu_quota) * kSecond / period);
        add("CPUQuotaPeriodUSec", period);
    }
    for (const auto& [name, cpus] : {std::pair("AllowedCPUs", &limits.cpuset_cpus),
                                     std::pair("AllowedMemoryNodes", &limits.cpuset_mems)}) {
        // What is no list is refused when the file is written, in the kernel's words.
        if (auto mask = cpu_mask(*cpus)) {
            list.push_back({name, std::move(*mask)});
        }
    }
    if (limits.pids) {
        add("TasksMax", *limits.pids <= 0 ? kInfinity : static_cast<uint64_t>(*limits.pids));
    }
    if (limits.blkio_weight && *limits.blkio_weight != 0) {
        add("IOWeight", sys::weight_of_blkio(*limits.blkio_weight));
    }
    return list;
}

}  // namespace gantry::runtime
