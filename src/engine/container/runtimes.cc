#include "engine/container/runtimes.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "engine/container/cgroup_limits.h"
#include "engine/container/oci_config.h"
#include "sys/cgroup.h"
#include "sys/device_rule.h"

namespace gantry::engine {

namespace {

bool is_program(const std::string& path) {
    struct stat status = {};
    return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
           access(path.c_str(), X_OK) == 0;
}

/// Those that somebody who writes `--runtime crun` means, where they are installed.
std::string find_known(std::string_view name) {
    constexpr std::array<std::string_view, 6> kKnown = {"runc",  "crun",         "youki",
                                                        "runsc", "kata-runtime", "gantry-runtime"};
    if (std::ranges::find(kKnown, name) == kKnown.end()) {
        return {};
    }
    for (const char* dir :
         {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}) {
        std::string path = fmt::format("{}/{}", dir, name);
        if (is_program(path)) {
            return path;
        }
    }
    return {};
}

spec::oci::DeviceCgroup device_rule(const sys::DeviceRule& rule) {
    std::string access;
    for (const auto& [bit, letter] : {std::pair(sys::DeviceRule::kRead, 'r'),
                                      {sys::DeviceRule::kWrite, 'w'},
                                      {sys::DeviceRule::kMknod, 'm'}}) {
        if ((rule.access & bit) != 0) {
            access += letter;
        }
    }
    return {.allow = rule.action == sys::DeviceRule::Action::kAllow,
            .type = std::string(1, static_cast<char>(rule.type)),
            .major = rule.major,
            .minor = rule.minor,
            .access = access};
}

std::vector<spec::oci::ThrottleDevice> throttles(const std::vector<sys::ThrottleLimit>& limits) {
    std::vector<spec::oci::ThrottleDevice> list;
    for (const sys::ThrottleLimit& limit : limits) {
        list.push_back({.major = limit.major, .minor = limit.minor, .rate = limit.rate});
    }
    return list;
}

spec::oci::BlockIo block_io(const sys::CgroupLimits& limits) {
    spec::oci::BlockIo io;
    io.weight = limits.blkio_weight;
    for (const sys::WeightLimit& limit : limits.blkio_weight_device) {
        io.weight_device.push_back({.major = limit.major,
                                    .minor = limit.minor,
                                    .weight = limit.weight,
                                    .leaf_weight = {}});
    }
    io.throttle_read_bps_device = throttles(limits.read_bps);
    io.throttle_write_bps_device = throttles(limits.write_bps);
    io.throttle_read_iops_device = throttles(limits.read_iops);
    io.throttle_write_iops_device = throttles(limits.write_iops);
    return io;
}

/// The limits that the container's cgroup has already, in the words of a config: what a runtime
/// writes there must be the same.
spec::oci::Resources resources_of(const sys::CgroupLimits& limits) {
    spec::oci::Resources resources;
    spec::oci::Memory& memory = resources.memory.emplace();
    memory.limit = limits.memory;
    memory.swap = limits.memory_swap;
    memory.reservation = limits.memory_reservation;
    memory.swappiness = limits.memory_swappiness;
    memory.disable_oom_killer = limits.oom_kill_disable;
    spec::oci::Cpu& cpu = resources.cpu.emplace();
    cpu.shares = limits.cpu_shares;
    cpu.quota = limits.cpu_quota;
    cpu.period = limits.cpu_period;
    cpu.realtime_runtime = limits.cpu_rt_runtime;
    cpu.realtime_period = limits.cpu_rt_period;
    cpu.cpus = limits.cpuset_cpus;
    cpu.mems = limits.cpuset_mems;
    if (limits.pids) {
        resources.pids = spec::oci::Pids{*limits.pids};
    }
    resources.block_io = block_io(limits);
    for (const auto& [size, limit] : limits.hugetlb) {
        resources.hugepage_limits.push_back({.page_size = size, .limit = limit});
    }
    resources.unified = limits.unified;
    for (const sys::DeviceRule& rule : limits.devices.value_or(std::vector<sys::DeviceRule>())) {
        resources.devices.push_back(device_rule(rule));
    }
    return resources;
}

/// Our own mounts of the cgroup hierarchies become the one that a runtime expands.
void set_cgroup_mount(spec::oci::Config& config, const spec::HostConfig& host) {
    constexpr std::string_view kTop = "/sys/fs/cgroup";
    std::erase_if(config.mounts, [&](const spec::oci::Mount& mount) {
        return mount.destination == kTop || mount.destination.starts_with("/sys/fs/cgroup/");
    });
    const auto sysfs = std::ranges::find(config.mounts, "/sys", &spec::oci::Mount::destination);
    if (sysfs == config.mounts.end()) {
        return;
    }
    config.mounts.insert(sysfs + 1,
                         {.destination = std::string(kTop),
                          .type = "cgroup",
                          .source = "cgroup",
                          .options = {"nosuid", "noexec", "nodev", host.privileged ? "rw" : "ro"}});
}

}  // namespace

Result<std::optional<runtime::ForeignRuntime>> find_runtime(const ContainerSettings& settings,
                                                            std::string_view name) {
    if (name.empty() || name == kOwnRuntime) {
        return std::optional<runtime::ForeignRuntime>();
    }
    const std::string text(name);
    if (const auto added = settings.runtimes.find(text); added != settings.runtimes.end()) {
        return std::optional(added->second);
    }
    const std::string path = text.starts_with('/') ? text : find_known(text);
    if (path.empty() || !is_program(path)) {
        return fail(Kind::kInvalid,
                    fmt::format("unknown or invalid runtime name: {}", text.substr(0, 256)));
    }
    return std::optional(runtime::ForeignRuntime{.path = path, .arguments = {}});
}

Result<std::optional<runtime::ForeignContainer>> foreign_container(const ContainerCore& core,
                                                                   const ContainerRecord& record) {
    GT_TRY_VAR(found, find_runtime(core.settings, record.host.runtime));
    if (!found) {
        return std::optional<runtime::ForeignContainer>();
    }
    return std::optional(runtime::ForeignContainer{
        .runtime = std::move(*found), .id = record.id.str(), .shim_dir = core.shim_dir(record.id)});
}

Result<> check_runtime(const ContainerSettings& settings, const ContainerRecord& record) {
    GT_TRY_VAR(foreign, find_runtime(settings, record.host.runtime));
    const bool shares = std::ranges::any_of(record.mounts, [](const PlannedMount& plan) {
        return plan.propagation.ends_with("shared");
    });
    if (foreign && settings.id_map.user_namespace != nullptr && record.host.userns_mode != "host") {
        return fail(Kind::kNotImplemented,
                    fmt::format("userns-remap is not supported with runtime {}; --userns=host is",
                                record.host.runtime));
    }
    if (foreign && shares) {
        // What the runtime mounts it mounts where the host does not see it.
        return fail(Kind::kNotImplemented,
                    fmt::format("shared mount propagation is not supported with runtime {}",
                                record.host.runtime));
    }
    return {};
}

Result<> complete_for_foreign(spec::oci::Config& config, const ContainerCore& core,
                              const ContainerRecord& record) {
    GT_TRY_VAR(limits, cgroup_limits(record.host, core.settings.cdi_spec_dirs));
    config.linux.resources = resources_of(limits);
    config.linux.cgroups_path = core.cgroup_of(record).path();
    set_cgroup_mount(config, record.host);
    for (spec::oci::Mount& mount : config.mounts) {
        if (mount.type == "bind" && mount.options.empty()) {
            mount.options = {"rbind"};
        }
    }
    return {};
}

}  // namespace gantry::engine
