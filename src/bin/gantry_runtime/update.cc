#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <cstdio>

#include "base/text.h"
#include "bin/gantry_runtime/commands.h"
#include "bin/gantry_runtime/resources.h"
#include "runtime/systemd.h"
#include "spec/json.h"
#include "spec/value.h"
#include "sys/cgroup_stats.h"
#include "sys/files.h"
#include "sys/process.h"

namespace gantry::standalone {

namespace {

using spec::oci::Resources;

constexpr size_t kMaxFile = size_t{1} << 20;

/// "512m", "1073741824", "-1".
Result<int64_t> parse_bytes(const std::string& text) {
    if (const auto number = parse_int(text)) {
        return *number;
    }
    constexpr std::string_view kUnits = "bkmgt";
    const size_t unit = kUnits.find(to_lower(text.substr(text.empty() ? 0 : text.size() - 1)));
    const auto number =
        parse_uint(std::string_view(text).substr(0, text.size() - (text.empty() ? 0 : 1)));
    if (text.empty() || unit == std::string_view::npos || !number ||
        *number > (uint64_t{INT64_MAX} >> 10 * unit)) {
        return fail(Kind::kInvalid, fmt::format("invalid size: {:?}", text));
    }
    return static_cast<int64_t>(*number << 10 * unit);
}

Result<> set_memory(Resources& resources, const CommandLine& line) {
    for (const char* name : {"memory", "memory-swap", "memory-reservation"}) {
        if (!line.has(name)) {
            continue;
        }
        GT_TRY_VAR(bytes, parse_bytes(line.get(name)));
        if (!resources.memory) {
            resources.memory.emplace();
        }
        const std::string_view flag = name;
        auto& member = flag == "memory"        ? resources.memory->limit
                       : flag == "memory-swap" ? resources.memory->swap
                                               : resources.memory->reservation;
        member = bytes;
    }
    return {};
}

/// VALUE of flag NAME as a number of type T, into MEMBER of the CPU limits.
template <class T>
Result<> set_cpu(Resources& resources, const CommandLine& line, const char* name,
                 std::optional<T> spec::oci::Cpu::* member) {
    if (!line.has(name)) {
        return {};
    }
    const auto number = parse_int(line.get(name));
    if (!number) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid value for {}: {:?}", name, line.get(name)));
    }
    if (!resources.cpu) {
        resources.cpu.emplace();
    }
    (*resources.cpu).*member = static_cast<T>(*number);
    return {};
}

Result<> set_cpus(Resources& resources, const CommandLine& line) {
    using spec::oci::Cpu;
    GT_TRY(set_cpu(resources, line, "cpu-period", &Cpu::period));
    GT_TRY(set_cpu(resources, line, "cpu-quota", &Cpu::quota));
    GT_TRY(set_cpu(resources, line, "cpu-burst", &Cpu::burst));
    GT_TRY(set_cpu(resources, line, "cpu-share", &Cpu::shares));
    GT_TRY(set_cpu(resources, line, "cpu-rt-period", &Cpu::realtime_period));
    GT_TRY(set_cpu(resources, line, "cpu-rt-runtime", &Cpu::realtime_runtime));
    GT_TRY(set_cpu(resources, line, "cpu-idle", &Cpu::idle));
    if ((line.has("cpuset-cpus") || line.has("cpuset-mems")) && !resources.cpu) {
        resources.cpu.emplace();
    }
    if (line.has("cpuset-cpus")) {
        resources.cpu->cpus = line.get("cpuset-cpus");
    }
    if (line.has("cpuset-mems")) {
        resources.cpu->mems = line.get("cpuset-mems");
    }
    return {};
}

Result<> set_others(Resources& resources, const CommandLine& line) {
    if (line.has("pids-limit")) {
        const auto limit = parse_int(line.get("pids-limit"));
        if (!limit) {
            return fail(Kind::kInvalid, "invalid value for pids-limit");
        }
        resources.pids = spec::oci::Pids{*limit};
    }
    if (line.has("blkio-weight")) {
        const auto weight = parse_uint(line.get("blkio-weight"));
        if (!weight || *weight > UINT16_MAX) {
            return fail(Kind::kInvalid, "invalid value for blkio-weight");
        }
        resources.block_io.emplace();
        resources.block_io->weight = static_cast<uint16_t>(*weight);
    }
    return {};
}

Result<Resources> wanted_resources(const CommandLine& line) {
    if (!line.has("resources")) {
        Resources resources;
        GT_TRY(set_memory(resources, line));
        GT_TRY(set_cpus(resources, line));
        GT_TRY(set_others(resources, line));
        return resources;
    }
    const std::string path = line.get("resources");
    GT_TRY_VAR(text, path == "-" ? sys::read_all(STDIN_FILENO, kMaxFile)
                                 : sys::read_file(path.c_str(), kMaxFile));
    return spec::parse_json<Resources>(text);
}

/// memory.checkBeforeUpdate: a limit below what is in use would kill.
Result<> check_usage(const sys::Cgroup& cgroup, const Resources& resources) {
    if (!resources.memory || !resources.memory->check_before_update.value_or(false) ||
        resources.memory->limit.value_or(-1) <= 0) {
        return {};
    }
    GT_TRY_VAR(stats, sys::read_cgroup_stats(cgroup));
    if (stats.memory.usage > static_cast<uint64_t>(*resources.memory->limit)) {
        return fail(Kind::kInvalid, "rejecting memory limit below the current usage");
    }
    return {};
}

Result<int> update(const Globals& globals, const CommandLine& line) {
    GT_TRY_VAR(id, container_operand(line, "update"));
    GT_TRY(Containers::check_id(id));
    GT_TRY_VAR(lock, globals.containers.lock(id));
    (void)lock;
    GT_TRY_VAR(record, globals.containers.load(id));
    GT_TRY_VAR(status, globals.containers.status(record));
    if (status == Status::kStopped || status == Status::kCreating) {
        return fail(Kind::kConflict, "container not running");
    }
    if (line.has("l3-cache-schema") || line.has("mem-bw-schema")) {
        return fail(Kind::kNotImplemented, "intelRdt is not supported");
    }
    GT_TRY_VAR(resources, wanted_resources(line));
    GT_TRY_VAR(cgroup, cgroup_of(record));
    if (!cgroup) {
        return fail(Kind::kNotImplemented, "the container has no cgroup");
    }
    GT_TRY(check_usage(*cgroup, resources));
    GT_TRY_VAR(limits, cgroup_limits(resources, DefaultDevices::kNo));
    if (!record.scope.empty()) {
        GT_TRY_VAR(systemd, runtime::Systemd::connect());
        GT_TRY(systemd.set_properties(record.scope, runtime::limit_properties(limits)));
    }
    std::vector<std::string> warnings;
    GT_TRY(cgroup->apply(limits, warnings));
    for (const std::string& warning : warnings) {
        log_warning(warning);
    }
    GT_TRY_VAR(cgroups, sys::Cgroups::probe());
    GT_TRY(apply_rest(cgroups, record.cgroup, resources));
    return 0;
}

spec::Value number(uint64_t value) {
    return {value};
}

spec::Value memory_entry(uint64_t limit, uint64_t usage, uint64_t max, uint64_t failcnt) {
    spec::Value entry;
    entry.set("limit", number(limit));
    entry.set("usage", number(usage));
    entry.set("max", number(max));
    entry.set("failcnt", number(failcnt));
    return entry;
}

spec::Value io_entries(const std::vector<sys::CgroupStats::IoEntry>& entries) {
    spec::Value::Array list;
    for (const auto& entry : entries) {
        spec::Value item;
        item.set("major", number(entry.major));
        item.set("minor", number(entry.minor));
        item.set("op", entry.operation);
        item.set("value", number(entry.value));
        list.push_back(std::move(item));
    }
    return {std::move(list)};
}

spec::Value cpu_value(const sys::CgroupStats::Cpu& cpu) {
    spec::Value usage;
    usage.set("total", number(cpu.total_ns));
    spec::Value::Array per_cpu;
    for (const uint64_t value : cpu.per_cpu_ns) {
        per_cpu.push_back(number(value));
    }
    usage.set("percpu", std::move(per_cpu));
    usage.set("kernel", number(cpu.kernel_ns));
    usage.set("user", number(cpu.user_ns));
    spec::Value throttling;
    throttling.set("periods", number(cpu.periods));
    throttling.set("throttledPeriods", number(cpu.throttled_periods));
    throttling.set("throttledTime", number(cpu.throttled_ns));
    spec::Value value;
    value.set("usage", std::move(usage));
    value.set("throttling", std::move(throttling));
    return value;
}

Result<spec::Value> stats_event(const Record& record, const sys::Cgroup& cgroup) {
    GT_TRY_VAR(stats, sys::read_cgroup_stats(cgroup));
    spec::Value data;
    data.set("cpu", cpu_value(stats.cpu));
    spec::Value memory;
    const auto cache = stats.memory.stat.find("cache");
    memory.set("cache", number(cache != stats.memory.stat.end() ? cache->second : 0));
    memory.set("usage", memory_entry(stats.memory.limit, stats.memory.usage, stats.memory.peak,
                                     stats.memory.failures));
    spec::Value raw;
    for (const auto& [key, value] : stats.memory.stat) {
        raw.set(key, number(value));
    }
    memory.set("raw", std::move(raw));
    data.set("memory", std::move(memory));
    spec::Value pids;
    pids.set("current", number(stats.pids.current));
    pids.set("limit", number(stats.pids.limit));
    data.set("pids", std::move(pids));
    spec::Value io;
    io.set("ioServiceBytesRecursive", io_entries(stats.io.service_bytes));
    io.set("ioServicedRecursive", io_entries(stats.io.serviced));
    data.set("blkio", std::move(io));
    spec::Value event;
    event.set("type", "stats");
    event.set("id", record.id);
    event.set("data", std::move(data));
    return event;
}

void print_line(const spec::Value& value) {
    const std::string text = value.serialize() + "\n";
    (void)std::fwrite(text.data(), 1, text.size(), stdout);
    (void)std::fflush(stdout);
}

/// "5s", "500ms", "2m".
Result<int> parse_interval(const std::string& text) {
    for (const auto& [suffix, factor] :
         {std::pair<std::string_view, uint64_t>{"ms", 1}, {"s", 1000}, {"m", 60000}}) {
        if (text.ends_with(suffix)) {
            const auto count =
                parse_uint(std::string_view(text).substr(0, text.size() - suffix.size()));
            if (count && *count > 0 && *count * factor <= INT32_MAX) {
                return static_cast<int>(*count * factor);
            }
        }
    }
    return fail(Kind::kInvalid, "duration interval must be greater than 0");
}

Result<int> events(const Globals& globals, const CommandLine& line) {
    GT_TRY_VAR(id, container_operand(line, "events"));
    GT_TRY_VAR(interval, parse_interval(line.get("interval", "5s")));
    GT_TRY_VAR(record, globals.containers.load(id));
    GT_TRY_VAR(status, globals.containers.status(record));
    if (status == Status::kStopped) {
        return fail(Kind::kConflict, fmt::format("container with id {} is not running", id));
    }
    GT_TRY_VAR(cgroup, cgroup_of(record));
    if (!cgroup) {
        return fail(Kind::kNotImplemented, "the container has no cgroup");
    }
    GT_TRY_VAR(first, stats_event(record, *cgroup));
    print_line(first);
    if (line.has("stats")) {
        return 0;
    }
    GT_TRY_VAR(oom, cgroup->watch_oom());
    GT_TRY_VAR(init, sys::open_pidfd(record.pid));
    GT_TRY_VAR(killed, cgroup->oom_kill_count());
    pollfd watched[2] = {{init.get(), POLLIN, 0}, {oom.get(), POLLIN, 0}};
    while (watched[0].revents == 0) {
        const int ready = poll(watched, 2, interval);
        if (watched[1].revents != 0) {
            char drop[4096];
            (void)!read(oom.get(), drop, sizeof drop);
            const auto now = cgroup->oom_kill_count();
            if (now && *now > killed) {
                killed = *now;
                spec::Value event;
                event.set("type", "oom");
                event.set("id", id);
                print_line(event);
            }
        } else if (ready == 0) {
            const auto event = stats_event(record, *cgroup);
            if (!event) {
                return 0;  // it is being removed
            }
            print_line(*event);
        }
    }
    return 0;
}

}  // namespace

void add_update_commands(std::vector<Command>& commands) {
    commands.push_back({"events",
                        "<container-id>",
                        "display stats and out-of-memory events of a container",
                        {{"interval", Takes::kValue, "time between statistics (default: 5s)"},
                         {"stats", Takes::kNothing, "display the container's stats, then exit"}},
                        Flags::kAnywhere,
                        &events});
    commands.push_back({"update",
                        "<container-id>",
                        "update a container's resource limits",
                        {{"resources,r", Takes::kValue, "file with a JSON object; - for stdin"},
                         {"blkio-weight", Takes::kValue, "weight of block IO, 10 to 1000"},
                         {"cpu-period", Takes::kValue, "CPU period in microseconds"},
                         {"cpu-quota", Takes::kValue, "CPU time in a period, in microseconds"},
                         {"cpu-burst", Takes::kValue, "CPU burst in microseconds"},
                         {"cpu-share", Takes::kValue, "CPU shares, relative to other containers"},
                         {"cpu-rt-period", Takes::kValue, "realtime period in microseconds"},
                         {"cpu-rt-runtime", Takes::kValue, "realtime runtime in microseconds"},
                         {"cpu-idle", Takes::kValue, "1: SCHED_IDLE for the whole group"},
                         {"cpuset-cpus", Takes::kValue, "CPUs to use"},
                         {"cpuset-mems", Takes::kValue, "memory nodes to use"},
                         {"memory", Takes::kValue, "memory limit in bytes"},
                         {"memory-reservation", Takes::kValue, "soft memory limit in bytes"},
                         {"memory-swap", Takes::kValue, "memory and swap together, -1: unlimited"},
                         {"pids-limit", Takes::kValue, "most processes, -1: unlimited"},
                         {"l3-cache-schema", Takes::kValue, "not supported"},
                         {"mem-bw-schema", Takes::kValue, "not supported"}},
                        Flags::kAnywhere,
                        &update});
}

}  // namespace gantry::standalone
