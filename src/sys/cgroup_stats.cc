#include "sys/cgroup_stats.h"

#include <unistd.h>

#include <limits>
#include <utility>

#include "base/text.h"
#include "sys/impl/cgroup_dir.h"

namespace gantry::sys {
namespace {

using IoEntries = std::vector<CgroupStats::IoEntry>;

/// "max" is the largest number.
uint64_t number(std::string_view text) {
    const std::string_view trimmed = trim(text);
    return trimmed == "max" ? std::numeric_limits<uint64_t>::max()
                            : parse_uint(trimmed).value_or(0);
}

/// A file that this kernel does not have counts nothing.
std::string text_of(const CgroupDir& dir, const char* file) {
    auto text = dir.read(file);
    return text ? std::move(*text) : std::string();
}

uint64_t number_of(const CgroupDir& dir, const char* file) {
    return number(text_of(dir, file));
}

std::map<std::string, uint64_t, std::less<>> keyed_numbers(const CgroupDir& dir, const char* file) {
    std::map<std::string, uint64_t, std::less<>> numbers;
    const std::string text = text_of(dir, file);
    for (const std::string_view line : split(text, '\n')) {
        const Cut parts = cut(line, ' ');
        if (parts.found) {
            numbers.emplace(parts.before, number(parts.after));
        }
    }
    return numbers;
}

uint64_t find_number(const std::map<std::string, uint64_t, std::less<>>& numbers,
                     std::string_view key) {
    const auto found = numbers.find(key);
    return found == numbers.end() ? 0 : found->second;
}

bool read_device(std::string_view text, CgroupStats::IoEntry& entry) {
    const Cut parts = cut(text, ':');
    const auto major = parse_uint(parts.before);
    const auto minor = parse_uint(parts.after);
    if (!major || !minor) {
        return false;
    }
    entry.major = static_cast<uint32_t>(*major);
    entry.minor = static_cast<uint32_t>(*minor);
    return true;
}

/// v1: "8:0 Read 4096", "8:0 7" in files without operations; the line "Total" is the sum of all.
IoEntries io_entries(const CgroupDir& dir, const char* file) {
    IoEntries entries;
    const std::string text = text_of(dir, file);
    for (const std::string_view line : split(text, '\n')) {
        const auto words = split(line, ' ');
        CgroupStats::IoEntry entry;
        if (words.size() < 2 || !read_device(words[0], entry)) {
            continue;
        }
        entry.operation = words.size() > 2 ? words[1] : "";
        entry.value = number(words.back());
        entries.push_back(std::move(entry));
    }
    return entries;
}

CgroupStats::Io read_io_v1(const CgroupDir& dir) {
    CgroupStats::Io io;
    if (dir.has("blkio.io_serviced_recursive")) {
        io.sectors = io_entries(dir, "blkio.sectors_recursive");
        io.service_bytes = io_entries(dir, "blkio.io_service_bytes_recursive");
        io.serviced = io_entries(dir, "blkio.io_serviced_recursive");
        io.queued = io_entries(dir, "blkio.io_queued_recursive");
        io.service_time = io_entries(dir, "blkio.io_service_time_recursive");
        io.wait_time = io_entries(dir, "blkio.io_wait_time_recursive");
        io.merged = io_entries(dir, "blkio.io_merged_recursive");
        io.time = io_entries(dir, "blkio.time_recursive");
    }
    if (io.service_bytes.empty() && io.serviced.empty()) {
        // The scheduler of these devices counts nothing; the throttling layer always does.
        io.service_bytes = io_entries(dir, "blkio.throttle.io_service_bytes");
        io.serviced = io_entries(dir, "blkio.throttle.io_serviced");
    }
    return io;
}

void read_cpuacct_v1(const CgroupDir& dir, CgroupStats::Cpu& cpu) {
    static const uint64_t tick_ns = 1'000'000'000 / static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
    cpu.total_ns = number_of(dir, "cpuacct.usage");
    const std::string per_cpu = text_of(dir, "cpuacct.usage_percpu");
    for (const std::string_view word : split(trim(per_cpu), ' ')) {
        if (!word.empty()) {
            cpu.per_cpu_ns.push_back(number(word));
        }
    }
    const auto stat = keyed_numbers(dir, "cpuacct.stat");
    cpu.user_ns = find_number(stat, "user") * tick_ns;
    cpu.kernel_ns = find_number(stat, "system") * tick_ns;
}

void read_controller_v1(std::string_view controller, const CgroupDir& dir, CgroupStats& stats) {
    if (controller == "cpuacct") {
        read_cpuacct_v1(dir, stats.cpu);
    } else if (controller == "cpu") {
        const auto stat = keyed_numbers(dir, "cpu.stat");
        stats.cpu.periods = find_number(stat, "nr_periods");
        stats.cpu.throttled_periods = find_number(stat, "nr_throttled");
        stats.cpu.throttled_ns = find_number(stat, "throttled_time");
    } else if (controller == "memory") {
        stats.memory.usage = number_of(dir, "memory.usage_in_bytes");
        stats.memory.peak = number_of(dir, "memory.max_usage_in_bytes");
        stats.memory.limit = number_of(dir, "memory.limit_in_bytes");
        stats.memory.failures = number_of(dir, "memory.failcnt");
        stats.memory.stat = keyed_numbers(dir, "memory.stat");
    } else if (controller == "blkio") {
        stats.io = read_io_v1(dir);
    } else if (controller == "pids") {
        stats.pids.current = number_of(dir, "pids.current");
        const uint64_t limit = number_of(dir, "pids.max");
        stats.pids.limit = limit == std::numeric_limits<uint64_t>::max() ? 0 : limit;
    }
}

/// v2: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 ...".
CgroupStats::Io read_io_v2(const CgroupDir& dir) {
    CgroupStats::Io io;
    const std::string text = text_of(dir, "io.stat");
    for (const std::string_view line : split(text, '\n')) {
        const auto words = split(line, ' ');
        CgroupStats::IoEntry entry;
        if (!read_device(words[0], entry)) {
            continue;
        }
        for (const std::string_view word : words) {
            const Cut parts = cut(word, '=');
            if (parts.before == "rbytes" || parts.before == "wbytes") {
                entry.operation = parts.before == "rbytes" ? "read" : "write";
                entry.value = number(parts.after);
                io.service_bytes.push_back(entry);
            }
        }
    }
    return io;
}

CgroupStats read_v2(const CgroupDir& dir) {
    CgroupStats stats;
    const auto cpu = keyed_numbers(dir, "cpu.stat");
    stats.cpu.total_ns = find_number(cpu, "usage_usec") * 1000;
    stats.cpu.kernel_ns = find_number(cpu, "system_usec") * 1000;
    stats.cpu.user_ns = find_number(cpu, "user_usec") * 1000;
    stats.cpu.periods = find_number(cpu, "nr_periods");
    stats.cpu.throttled_periods = find_number(cpu, "nr_throttled");
    stats.cpu.throttled_ns = find_number(cpu, "throttled_usec") * 1000;
    stats.memory.usage = number_of(dir, "memory.current");
    stats.memory.peak = number_of(dir, "memory.peak");
    stats.memory.limit = number_of(dir, "memory.max");
    stats.memory.failures = find_number(keyed_numbers(dir, "memory.events"), "oom");
    stats.memory.stat = keyed_numbers(dir, "memory.stat");
    stats.io = read_io_v2(dir);
    stats.pids.current = number_of(dir, "pids.current");
    stats.pids.limit = number_of(dir, "pids.max");
    return stats;
}

}  // namespace

Result<CgroupStats> read_cgroup_stats(const Cgroup& group) {
    const CgroupLayout& layout = group.layout();
    if (layout.mode == CgroupMode::kV2) {
        GT_TRY_VAR(dir, CgroupDir::open(layout.v2_mount_point, group.path()));
        return read_v2(dir);
    }
    CgroupStats stats;
    for (const CgroupHierarchy& hierarchy : layout.v1) {
        GT_TRY_VAR(dir, CgroupDir::open(hierarchy.mount_point, group.path()));
        for (const std::string& controller : hierarchy.controllers) {
            read_controller_v1(controller, dir, stats);
        }
    }
    return stats;
}

}  // namespace gantry::sys
