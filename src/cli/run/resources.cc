#include <fmt/core.h>

#include "base/text.h"
#include "cli/flags/flag_types.h"
#include "cli/flags/network_flag.h"
#include "cli/run/create_request.h"
#include "spec/units.h"

namespace gantry::cli {
namespace {

/// Flags of a byte type were checked while they were read; "" means not given.
int64_t bytes_of(const FlagValues& flags, std::string_view name) {
    const std::string text = flags.text(name);
    if (text == "-1") {
        return -1;
    }
    auto bytes = spec::parse_ram(text);
    return bytes ? *bytes : 0;
}

std::vector<spec::ThrottleDevice> throttles(const FlagValues& flags, std::string_view name) {
    std::vector<spec::ThrottleDevice> devices;
    for (const std::string& text : flags.list(name)) {
        const auto [path, rate, found] = cut(text, ':');
        auto bytes = spec::parse_ram(rate);
        devices.push_back({std::string(path), bytes ? static_cast<uint64_t>(*bytes) : 0});
    }
    return devices;
}

bool is_device_mode(std::string_view text) {
    return !text.empty() && text.size() <= 3 &&
           text.find_first_not_of("rwm") == std::string_view::npos;
}

/// "vendor.com/class=name": a device of the Container Device Interface.
bool is_cdi_name(std::string_view text) {
    const auto [kind, name, assigned] = cut(text, '=');
    return assigned && !name.empty() && !kind.starts_with('/') &&
           kind.find('/') != std::string_view::npos;
}

Result<spec::DeviceMapping> parse_device(std::string_view text) {
    const auto parts = split(text, ':');
    spec::DeviceMapping device{std::string(parts[0]), "", "rwm"};
    if (parts.size() > 3) {
        return fail(Kind::kInvalid, fmt::format("invalid device specification: {}", text));
    }
    if (parts.size() == 2 && is_device_mode(parts[1])) {
        device.cgroup_permissions = parts[1];
    } else if (parts.size() >= 2) {
        device.path_in_container = parts[1];
    }
    if (parts.size() == 3) {
        if (!is_device_mode(parts[2])) {
            return fail(Kind::kInvalid, fmt::format("bad mode specified: {}", parts[2]));
        }
        device.cgroup_permissions = parts[2];
    }
    if (device.path_in_container.empty()) {
        device.path_in_container = device.path_on_host;
    }
    return device;
}

Result<> fill_devices(const FlagValues& flags, spec::Resources& resources) {
    std::vector<std::string> cdi;
    for (const std::string& text : flags.list("device")) {
        if (is_cdi_name(text)) {
            cdi.push_back(text);
            continue;
        }
        GT_TRY_VAR(device, parse_device(text));
        resources.devices.push_back(std::move(device));
    }
    for (const std::string& text : flags.list("gpus")) {
        GT_TRY_VAR(request, parse_gpus_flag(text));
        resources.device_requests.push_back(std::move(request));
    }
    if (!cdi.empty()) {
        spec::DeviceRequest request;
        request.driver = "cdi";
        request.device_ids = std::move(cdi);
        resources.device_requests.push_back(std::move(request));
    }
    resources.device_cgroup_rules = flags.list("device-cgroup-rule");
    return {};
}

std::vector<spec::Ulimit> ulimits(const FlagValues& flags) {
    std::vector<spec::Ulimit> limits;
    for (const std::string& text : flags.list("ulimit")) {
        const auto [name, values, assigned] = cut(text, '=');
        const auto [soft, hard, has_hard] = cut(values, ':');
        const int64_t soft_limit = parse_int(soft).value_or(0);
        limits.push_back(
            {std::string(name), soft_limit, has_hard ? parse_int(hard).value_or(0) : soft_limit});
    }
    return limits;
}

}  // namespace

void fill_limits(const FlagValues& flags, spec::Resources& resources) {
    resources.cpu_shares = flags.integer("cpu-shares");
    resources.cpu_period = flags.integer("cpu-period");
    resources.cpu_quota = flags.integer("cpu-quota");
    resources.cpu_realtime_period = flags.integer("cpu-rt-period");
    resources.cpu_realtime_runtime = flags.integer("cpu-rt-runtime");
    resources.cpuset_cpus = flags.text("cpuset-cpus");
    resources.cpuset_mems = flags.text("cpuset-mems");
    resources.nano_cpus = parse_nano_cpus(flags.text("cpus")).value_or(0);
    resources.memory = bytes_of(flags, "memory");
    resources.memory_reservation = bytes_of(flags, "memory-reservation");
    resources.memory_swap = bytes_of(flags, "memory-swap");
    if (flags.changed("pids-limit")) {
        resources.pids_limit = flags.integer("pids-limit");
    }
    resources.blkio_weight = static_cast<uint16_t>(flags.integer("blkio-weight"));
}

Result<> fill_resources(const FlagValues& flags, spec::Resources& resources) {
    fill_limits(flags, resources);
    resources.cpu_count = flags.integer("cpu-count");
    resources.cpu_percent = flags.integer("cpu-percent");
    resources.cgroup_parent = flags.text("cgroup-parent");
    const int64_t swappiness = flags.integer("memory-swappiness");
    if (swappiness < -1 || swappiness > 100) {
        return fail(
            Kind::kInvalid,
            fmt::format("invalid value: {}. Valid memory swappiness range is 0-100", swappiness));
    }
    if (flags.changed("memory-swappiness")) {
        resources.memory_swappiness = swappiness;
    }
    if (flags.changed("oom-kill-disable")) {
        resources.oom_kill_disable = flags.on("oom-kill-disable");
    }
    resources.ulimits = ulimits(flags);
    for (const std::string& text : flags.list("blkio-weight-device")) {
        const auto [path, weight, found] = cut(text, ':');
        resources.blkio_weight_device.push_back(
            {std::string(path), static_cast<uint16_t>(parse_uint(weight).value_or(0))});
    }
    resources.blkio_device_read_bps = throttles(flags, "device-read-bps");
    resources.blkio_device_write_bps = throttles(flags, "device-write-bps");
    resources.blkio_device_read_iops = throttles(flags, "device-read-iops");
    resources.blkio_device_write_iops = throttles(flags, "device-write-iops");
    resources.io_maximum_iops = static_cast<uint64_t>(flags.integer("io-maxiops"));
    resources.io_maximum_bandwidth = static_cast<uint64_t>(bytes_of(flags, "io-maxbandwidth"));
    return fill_devices(flags, resources);
}

}  // namespace gantry::cli
