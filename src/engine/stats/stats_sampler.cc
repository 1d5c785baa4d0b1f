#include "engine/stats/stats_sampler.h"

#include <linux/netlink.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/text.h"
#include "sys/cgroup_stats.h"
#include "sys/files.h"
#include "sys/rtnetlink.h"

namespace gantry::engine {

namespace {

/// What Docker shows of memory.stat.
constexpr auto kMemoryKeysV1 = std::to_array<std::string_view>({
    "active_anon",
    "active_file",
    "cache",
    "dirty",
    "hierarchical_memory_limit",
    "hierarchical_memsw_limit",
    "inactive_anon",
    "inactive_file",
    "mapped_file",
    "pgfault",
    "pgmajfault",
    "pgpgin",
    "pgpgout",
    "rss",
    "rss_huge",
    "total_active_anon",
    "total_active_file",
    "total_cache",
    "total_dirty",
    "total_inactive_anon",
    "total_inactive_file",
    "total_mapped_file",
    "total_pgfault",
    "total_pgmajfault",
    "total_pgpgin",
    "total_pgpgout",
    "total_rss",
    "total_rss_huge",
    "total_unevictable",
    "total_writeback",
    "unevictable",
    "writeback",
});
constexpr auto kMemoryKeysV2 = std::to_array<std::string_view>({
    "active_anon",
    "active_file",
    "anon",
    "anon_thp",
    "file",
    "file_dirty",
    "file_mapped",
    "file_writeback",
    "inactive_anon",
    "inactive_file",
    "kernel_stack",
    "pgactivate",
    "pgdeactivate",
    "pgfault",
    "pglazyfree",
    "pglazyfreed",
    "pgmajfault",
    "pgrefill",
    "pgscan",
    "pgsteal",
    "shmem",
    "slab",
    "slab_reclaimable",
    "slab_unreclaimable",
    "sock",
    "thp_collapse_alloc",
    "thp_fault_alloc",
    "unevictable",
    "workingset_activate",
    "workingset_nodereclaim",
    "workingset_refault",
});

/// The time that all processors together have spent, and how many there are, by /proc/stat.
std::pair<uint64_t, uint32_t> read_processors() {
    constexpr size_t kLimit = 4 << 20;
    constexpr size_t kCounted = 7;  // user to softirq; guest time is in user already
    const auto text = sys::read_file("/proc/stat", kLimit);
    uint64_t ticks = 0;
    uint32_t online = 0;
    for (const std::string_view line : split(text ? *text : "", '\n')) {
        if (!line.starts_with("cpu")) {
            break;  // the processors come first
        }
        if (!line.starts_with("cpu ")) {
            ++online;
            continue;
        }
        size_t counted = 0;
        for (const std::string_view word : split(line, ' ')) {
            if (const auto value = parse_uint(word); value && counted < kCounted) {
                ticks += *value;
                ++counted;
            }
        }
    }
    static const uint64_t tick_ns = 1'000'000'000 / static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
    return {ticks * tick_ns, online};
}

uint64_t machine_memory() {
    struct sysinfo info{};
    return ::sysinfo(&info) == 0 ? uint64_t{info.totalram} * info.mem_unit : 0;
}

std::vector<spec::BlkioEntry> entries_of(const std::vector<sys::CgroupStats::IoEntry>& entries) {
    std::vector<spec::BlkioEntry> shown;
    for (const auto& entry : entries) {
        shown.push_back({.major = entry.major,
                         .minor = entry.minor,
                         .op = entry.operation,
                         .value = entry.value});
    }
    return shown;
}

spec::BlkioStats blkio_of(const sys::CgroupStats::Io& io, sys::CgroupMode mode) {
    spec::BlkioStats stats;
    stats.io_service_bytes = entries_of(io.service_bytes);
    if (mode != sys::CgroupMode::kV2) {
        stats.io_serviced = entries_of(io.serviced);
        stats.io_queue = entries_of(io.queued);
        stats.io_service_time = entries_of(io.service_time);
        stats.io_wait_time = entries_of(io.wait_time);
        stats.io_merged = entries_of(io.merged);
        stats.io_time = entries_of(io.time);
        stats.sectors = entries_of(io.sectors);
    }
    return stats;
}

spec::MemoryStats memory_of(const sys::CgroupStats::Memory& memory, sys::CgroupMode mode,
                            uint64_t machine) {
    spec::MemoryStats stats;
    stats.usage = memory.usage;
    stats.max_usage = mode == sys::CgroupMode::kV2 ? 0 : memory.peak;
    stats.failcnt = memory.failures;
    // COMPAT: no limit is the machine's memory.
    stats.limit = std::min(memory.limit, machine);
    const std::span<const std::string_view> keys =
        mode == sys::CgroupMode::kV2 ? std::span<const std::string_view>(kMemoryKeysV2)
                                     : std::span<const std::string_view>(kMemoryKeysV1);
    for (const std::string_view key : keys) {
        if (const auto found = memory.stat.find(key); found != memory.stat.end()) {
            stats.stats.emplace(key, found->second);
        }
    }
    return stats;
}

spec::CpuStats cpu_of(const sys::CgroupStats::Cpu& cpu) {
    spec::CpuStats stats;
    stats.usage.total = cpu.total_ns;
    stats.usage.per_cpu = cpu.per_cpu_ns;
    stats.usage.in_kernel = cpu.kernel_ns;
    stats.usage.in_user = cpu.user_ns;
    stats.throttling.periods = cpu.periods;
    stats.throttling.throttled_periods = cpu.throttled_periods;
    stats.throttling.throttled_time = cpu.throttled_ns;
    return stats;
}

/// The container's end of a veth pair, from ours: what we have sent it has received.
spec::NetworkStats seen_from_inside(const sys::LinkCounters& ours) {
    return {.rx_bytes = ours.tx_bytes,
            .rx_packets = ours.tx_packets,
            .rx_errors = ours.tx_errors,
            .rx_dropped = ours.tx_dropped,
            .tx_bytes = ours.rx_bytes,
            .tx_packets = ours.rx_packets,
            .tx_errors = ours.rx_errors,
            .tx_dropped = ours.rx_dropped};
}

}  // namespace

StatsSampler::StatsSampler(const ContainerCore& core) : core_(core), now_(wall_now()) {
    const auto [system, online] = read_processors();
    system_ns_ = system;
    online_cpus_ = online;
    memory_bytes_ = machine_memory();
    if (auto socket = sys::NetlinkSocket::open(NETLINK_ROUTE)) {
        netlink_ = std::move(*socket);
    }
}

void StatsSampler::add_network(const Lifecycle& life, spec::ContainerStats& stats) {
    if (!life.endpoint || !netlink_) {
        return;
    }
    const auto counters = sys::link_counters(*netlink_, life.endpoint->host_interface);
    if (counters && *counters) {
        stats.networks[life.endpoint->interface] = seen_from_inside(**counters);
    }
}

spec::ContainerStats StatsSampler::sample(const ContainerEntry& entry) {
    const SnapshotPtr snapshot = entry.snapshot();
    spec::ContainerStats stats;
    stats.id = entry.id().str();
    stats.name = "/" + snapshot->name;
    const auto run = entry.run();
    if (!snapshot->life.alive() || run == nullptr) {
        return stats;
    }
    const auto usage = sys::read_cgroup_stats(run->cgroup);
    if (!usage) {
        return stats;  // it ended just now
    }
    const sys::CgroupMode mode = core_.cgroups.layout().mode;
    stats.read = now_;
    stats.pids.current = usage->pids.current;
    stats.pids.limit = usage->pids.limit;
    stats.blkio = blkio_of(usage->io, mode);
    stats.cpu = cpu_of(usage->cpu);
    stats.cpu.system_usage = system_ns_;
    stats.cpu.online_cpus = online_cpus_;
    stats.memory = memory_of(usage->memory, mode, memory_bytes_);
    add_network(snapshot->life, stats);
    return stats;
}

spec::ContainerStats with_previous(const spec::ContainerStats& now,
                                   const spec::ContainerStats* before) {
    spec::ContainerStats stats = now;
    if (before != nullptr) {
        stats.precpu = before->cpu;
        stats.preread = before->read;
    }
    return stats;
}

}  // namespace gantry::engine
