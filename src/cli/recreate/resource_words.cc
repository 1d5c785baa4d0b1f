#include "cli/recreate/resource_words.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"

namespace gantry::cli {
namespace {

constexpr int64_t kNanosPerCpu = 1'000'000'000;

void add_throttles(FlagList& flags, std::string_view name,
                   const std::vector<spec::ThrottleDevice>& devices) {
    for (const spec::ThrottleDevice& device : devices) {
        flags.add(name, fmt::format("{}:{}", device.path, device.rate));
    }
}

/// The value of --gpus.
std::string gpus_text(const spec::DeviceRequest& request) {
    std::vector<std::string> fields;
    if (!request.driver.empty()) {
        fields.push_back("driver=" + request.driver);
    }
    if (request.count != 0) {
        fields.push_back(request.count == -1 ? "count=all"
                                             : fmt::format("count={}", request.count));
    }
    if (!request.device_ids.empty()) {
        fields.push_back(fmt::format("\"device={}\"", join(request.device_ids, ",")));
    }
    for (const std::vector<std::string>& all : request.capabilities) {
        std::vector<std::string> wanted = all;
        std::erase(wanted, "gpu");
        if (!wanted.empty()) {
            fields.push_back(fmt::format("\"capabilities={}\"", join(wanted, ",")));
        }
    }
    std::vector<std::string> options;
    for (const auto& [name, value] : request.options) {
        options.push_back(fmt::format("{}={}", name, value));
    }
    if (!options.empty()) {
        fields.push_back(fmt::format("\"options={}\"", join(options, ",")));
    }
    return join(fields, ",");
}

void add_devices(FlagList& flags, const spec::Resources& resources) {
    for (const spec::DeviceMapping& device : resources.devices) {
        flags.add("device", device_text(device));
    }
    for (const spec::DeviceRequest& request : resources.device_requests) {
        if (request.driver == "cdi") {
            flags.add_list("device", request.device_ids);
        } else {
            flags.add("gpus", gpus_text(request));
        }
    }
    flags.add_list("device-cgroup-rule", resources.device_cgroup_rules);
}

}  // namespace

std::string cpus_text(int64_t nano_cpus) {
    std::string text = fmt::format("{}.{:09}", nano_cpus / kNanosPerCpu, nano_cpus % kNanosPerCpu);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) {
        text.pop_back();
    }
    return text;
}

std::string device_text(const spec::DeviceMapping& device) {
    return fmt::format("{}:{}:{}", device.path_on_host, device.path_in_container,
                       device.cgroup_permissions);
}

std::string ulimit_text(const spec::Ulimit& limit) {
    return fmt::format("{}={}:{}", limit.name, limit.soft, limit.hard);
}

void add_resources(FlagList& flags, const spec::Resources& resources) {
    flags.add_number("cpu-shares", resources.cpu_shares);
    if (resources.nano_cpus != 0) {
        flags.add("cpus", cpus_text(resources.nano_cpus));
    }
    flags.add_number("cpu-period", resources.cpu_period);
    flags.add_number("cpu-quota", resources.cpu_quota);
    flags.add_number("cpu-rt-period", resources.cpu_realtime_period);
    flags.add_number("cpu-rt-runtime", resources.cpu_realtime_runtime);
    flags.add_text("cpuset-cpus", resources.cpuset_cpus);
    flags.add_text("cpuset-mems", resources.cpuset_mems);
    flags.add_number("memory", resources.memory);
    // Twice the memory is what the daemon makes of none.
    flags.add_number("memory-swap", resources.memory_swap, 2 * resources.memory);
    flags.add_number("memory-reservation", resources.memory_reservation);
    flags.add_number("memory-swappiness", resources.memory_swappiness.value_or(-1), -1);
    flags.add_switch("oom-kill-disable", resources.oom_kill_disable.value_or(false));
    flags.add_number("pids-limit", resources.pids_limit.value_or(0));
    flags.add_text("cgroup-parent", resources.cgroup_parent);
    flags.add_number("blkio-weight", resources.blkio_weight);
    for (const spec::WeightDevice& device : resources.blkio_weight_device) {
        flags.add("blkio-weight-device", fmt::format("{}:{}", device.path, device.weight));
    }
    add_throttles(flags, "device-read-bps", resources.blkio_device_read_bps);
    add_throttles(flags, "device-write-bps", resources.blkio_device_write_bps);
    add_throttles(flags, "device-read-iops", resources.blkio_device_read_iops);
    add_throttles(flags, "device-write-iops", resources.blkio_device_write_iops);
    for (const spec::Ulimit& limit : resources.ulimits) {
        flags.add("ulimit", ulimit_text(limit));
    }
    add_devices(flags, resources);
}

}  // namespace gantry::cli
