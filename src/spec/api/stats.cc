#include "spec/api/stats.h"

#include "spec/impl/binding.h"

namespace gantry::spec::impl {

GT_JSON(PidsStats, "PidsStats",
        .field("current", &PidsStats::current, Rule::kOmit)
            .field("limit", &PidsStats::limit, Rule::kOmit))

GT_JSON(BlkioEntry, "BlkioStatEntry",
        .field("major", &BlkioEntry::major)
            .field("minor", &BlkioEntry::minor)
            .field("op", &BlkioEntry::op)
            .field("value", &BlkioEntry::value))

GT_JSON(BlkioStats, "BlkioStats",
        .field("io_service_bytes_recursive", &BlkioStats::io_service_bytes)
            .field("io_serviced_recursive", &BlkioStats::io_serviced)
            .field("io_queue_recursive", &BlkioStats::io_queue)
            .field("io_service_time_recursive", &BlkioStats::io_service_time)
            .field("io_wait_time_recursive", &BlkioStats::io_wait_time)
            .field("io_merged_recursive", &BlkioStats::io_merged)
            .field("io_time_recursive", &BlkioStats::io_time)
            .field("sectors_recursive", &BlkioStats::sectors))

GT_JSON(CpuStats::Usage, "CPUUsage",
        .field("total_usage", &CpuStats::Usage::total)
            .field("percpu_usage", &CpuStats::Usage::per_cpu, Rule::kOmit)
            .field("usage_in_kernelmode", &CpuStats::Usage::in_kernel)
            .field("usage_in_usermode", &CpuStats::Usage::in_user))

GT_JSON(CpuStats::Throttling, "ThrottlingData",
        .field("periods", &CpuStats::Throttling::periods)
            .field("throttled_periods", &CpuStats::Throttling::throttled_periods)
            .field("throttled_time", &CpuStats::Throttling::throttled_time))

GT_JSON(CpuStats, "CPUStats",
        .field("cpu_usage", &CpuStats::usage)
            .field("system_cpu_usage", &CpuStats::system_usage, Rule::kOmit)
            .field("online_cpus", &CpuStats::online_cpus, Rule::kOmit)
            .field("throttling_data", &CpuStats::throttling))

GT_JSON(MemoryStats, "MemoryStats",
        .field("usage", &MemoryStats::usage, Rule::kOmit)
            .field("max_usage", &MemoryStats::max_usage, Rule::kOmit)
            .field("stats", &MemoryStats::stats, Rule::kOmit)
            .field("failcnt", &MemoryStats::failcnt, Rule::kOmit)
            .field("limit", &MemoryStats::limit, Rule::kOmit))

GT_JSON(NetworkStats, "NetworkStats",
        .field("rx_bytes", &NetworkStats::rx_bytes)
            .field("rx_packets", &NetworkStats::rx_packets)
            .field("rx_errors", &NetworkStats::rx_errors)
            .field("rx_dropped", &NetworkStats::rx_dropped)
            .field("tx_bytes", &NetworkStats::tx_bytes)
            .field("tx_packets", &NetworkStats::tx_packets)
            .field("tx_errors", &NetworkStats::tx_errors)
            .field("tx_dropped", &NetworkStats::tx_dropped))

GT_JSON(StorageStats, "StorageStats", )

GT_JSON(ContainerStats, "StatsResponse",
        .field("id", &ContainerStats::id, Rule::kOmit)
            .field("name", &ContainerStats::name, Rule::kOmit)
            .field("read", &ContainerStats::read)
            .field("preread", &ContainerStats::preread)
            .field("pids_stats", &ContainerStats::pids)
            .field("blkio_stats", &ContainerStats::blkio)
            .field("num_procs", &ContainerStats::num_procs)
            .field("storage_stats", &ContainerStats::storage)
            .field("cpu_stats", &ContainerStats::cpu)
            .field("precpu_stats", &ContainerStats::precpu)
            .field("memory_stats", &ContainerStats::memory)
            .field("networks", &ContainerStats::networks, Rule::kOmit))

GT_JSON_DOCUMENT(std::vector<ContainerStats>)

}  // namespace gantry::spec::impl
