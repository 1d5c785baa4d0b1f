#include <fmt/core.h>

#include <array>
#include <string_view>
#include <utility>

#include "engine/container/host_check.h"

namespace gantry::engine {

namespace {

Failure not_yet(std::string_view field) {
    return fail(Kind::kNotImplemented, fmt::format("HostConfig.{} is not supported yet", field));
}

Result<> check_supported_resources(const spec::Resources& resources) {
    const std::array<std::pair<bool, std::string_view>, 12> fields = {{
        {!resources.cgroup_parent.empty(), "CgroupParent"},
        {resources.blkio_weight != 0, "BlkioWeight"},
        {!resources.blkio_weight_device.empty(), "BlkioWeightDevice"},
        {!resources.blkio_device_read_bps.empty(), "BlkioDeviceReadBps"},
        {!resources.blkio_device_write_bps.empty(), "BlkioDeviceWriteBps"},
        {!resources.blkio_device_read_iops.empty(), "BlkioDeviceReadIOps"},
        {!resources.blkio_device_write_iops.empty(), "BlkioDeviceWriteIOps"},
        {resources.cpu_realtime_period != 0, "CpuRealtimePeriod"},
        {resources.cpu_realtime_runtime != 0, "CpuRealtimeRuntime"},
        {resources.memory_swappiness.value_or(-1) != -1, "MemorySwappiness"},
        {resources.oom_kill_disable.value_or(false), "OomKillDisable"},
        {resources.cpu_count != 0 || resources.cpu_percent != 0 || resources.io_maximum_iops != 0 ||
             resources.io_maximum_bandwidth != 0,
         "CpuCount, CpuPercent, IOMaximumIOps or IOMaximumBandwidth (Windows)"},
    }};
    for (const auto& [used, name] : fields) {
        if (used) {
            return not_yet(name);
        }
    }
    return {};
}

}  // namespace

Result<> check_supported(const spec::HostConfig& host) {
    const std::array<std::pair<bool, std::string_view>, 5> fields = {{
        {!host.volume_driver.empty() && host.volume_driver != "local", "VolumeDriver"},
        {!host.volumes_from.empty(), "VolumesFrom"},
        {!host.cgroup.empty(), "Cgroup"},
        {!host.links.empty(), "Links"},
        {!host.storage_opt.empty(), "StorageOpt"},
    }};
    for (const auto& [used, name] : fields) {
        if (used) {
            return not_yet(name);
        }
    }
    return check_supported_resources(host.resources);
}

}  // namespace gantry::engine
