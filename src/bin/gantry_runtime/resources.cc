#include "bin/gantry_runtime/resources.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <optional>

#include "base/text.h"
#include "bin/gantry_runtime/commands.h"
#include "runtime/default_devices.h"
#include "sys/files.h"

namespace gantry::standalone {

namespace {

using sys::DeviceRule;

Result<DeviceRule> convert_rule(const spec::oci::DeviceCgroup& rule) {
    DeviceRule converted;
    converted.action = rule.allow ? DeviceRule::Action::kAllow : DeviceRule::Action::kDeny;
    if (rule.type == "c") {
        converted.type = DeviceRule::Type::kChar;
    } else if (rule.type == "b") {
        converted.type = DeviceRule::Type::kBlock;
    } else if (!rule.type.empty() && rule.type != "a") {
        return fail(Kind::kInvalid, fmt::format("invalid cgroup device type {:?}", rule.type));
    }
    // -1 was "any" before numbers could be absent.
    if (rule.major && *rule.major >= 0) {
        converted.major = static_cast<uint32_t>(*rule.major);
    }
    if (rule.minor && *rule.minor >= 0) {
        converted.minor = static_cast<uint32_t>(*rule.minor);
    }
    if (!rule.access.empty()) {
        const auto access = sys::parse_device_access(rule.access);
        if (!access) {
            return fail(Kind::kInvalid,
                        fmt::format("invalid cgroup device access {:?}", rule.access));
        }
        converted.access = *access;
    }
    return converted;
}

/// COMPAT: runc. dockerd writes 0 for "not given".
template <class T>
std::optional<T> given(const std::optional<T>& value) {
    return value.value_or(0) != 0 ? value : std::nullopt;
}

void add_memory(sys::CgroupLimits& limits, const spec::oci::Memory& memory) {
    limits.memory = given(memory.limit);
    limits.memory_swap = given(memory.swap);
    limits.memory_reservation = given(memory.reservation);
    limits.memory_swappiness = memory.swappiness;
    limits.oom_kill_disable = memory.disable_oom_killer;
}

void add_cpu(sys::CgroupLimits& limits, const spec::oci::Cpu& cpu) {
    limits.cpu_shares = given(cpu.shares);
    limits.cpu_quota = given(cpu.quota);
    limits.cpu_period = given(cpu.period);
    limits.cpu_rt_runtime = given(cpu.realtime_runtime);
    limits.cpu_rt_period = given(cpu.realtime_period);
    limits.cpuset_cpus = cpu.cpus;
    limits.cpuset_mems = cpu.mems;
}

Result<> add_block_io(sys::CgroupLimits& limits, const spec::oci::BlockIo& io) {
    if (io.leaf_weight) {
        return fail(Kind::kInvalid, "blkio leafWeight is not supported by this kernel");
    }
    limits.blkio_weight = given(io.weight);
    for (const spec::oci::WeightDevice& device : io.weight_device) {
        if (device.leaf_weight) {
            return fail(Kind::kInvalid, "blkio leafWeight is not supported by this kernel");
        }
        if (device.weight) {
            limits.blkio_weight_device.push_back({static_cast<uint32_t>(device.major),
                                                  static_cast<uint32_t>(device.minor),
                                                  *device.weight});
        }
    }
    for (const auto& [from, to] : {std::pair(&io.throttle_read_bps_device, &limits.read_bps),
                                   std::pair(&io.throttle_write_bps_device, &limits.write_bps),
                                   std::pair(&io.throttle_read_iops_device, &limits.read_iops),
                                   std::pair(&io.throttle_write_iops_device, &limits.write_iops)}) {
        for (const spec::oci::ThrottleDevice& device : *from) {
            to->push_back({static_cast<uint32_t>(device.major), static_cast<uint32_t>(device.minor),
                           device.rate});
        }
    }
    return {};
}

Result<> check_memory(const spec::oci::Memory& memory) {
    for (const auto& [value, name] :
         {std::pair(memory.kernel, "kernel"), std::pair(memory.kernel_tcp, "kernelTCP")}) {
        if (value && *value > 0) {
            // COMPAT: runc. No kernel has had these since 6.1.
            log_warning(fmt::format("memory.{} is ignored: the kernel has no such limit", name));
        }
    }
    if (memory.swap && memory.limit && *memory.limit > 0 && *memory.swap >= 0 &&
        *memory.swap < *memory.limit) {
        return fail(Kind::kInvalid, "memory+swap limit should be >= memory limit");
    }
    return {};
}

/// Writes one file of CONTROLLER's hierarchy in the group PATH.
Result<> write_file(const sys::Cgroups& cgroups, const std::string& path,
                    std::string_view controller, const std::string& file,
                    const std::string& value) {
    const sys::CgroupLayout& layout = cgroups.layout();
    std::string dir = layout.v2_mount_point;
    if (layout.mode != sys::CgroupMode::kV2) {
        const sys::CgroupHierarchy* hierarchy = layout.find_v1(controller);
        if (hierarchy == nullptr) {
            return fail(Kind::kInvalid,
                        fmt::format("cgroup: {} controller not available", controller));
        }
        dir = hierarchy->mount_point;
    }
    return sys::write_value(fmt::format("{}{}/{}", dir, path, file).c_str(), value);
}

Result<> apply_network(const sys::Cgroups& cgroups, const std::string& path,
                       const spec::oci::NetworkClass& network) {
    if (cgroups.layout().mode == sys::CgroupMode::kV2) {
        return fail(Kind::kInvalid, "cgroup v2 has no network classes and priorities");
    }
    if (network.class_id && *network.class_id != 0) {
        GT_TRY(write_file(cgroups, path, "net_cls", "net_cls.classid",
                          std::to_string(*network.class_id)));
    }
    for (const spec::oci::InterfacePriority& entry : network.priorities) {
        GT_TRY(write_file(cgroups, path, "net_prio", "net_prio.ifpriomap",
                          fmt::format("{} {}", entry.name, entry.priority)));
    }
    return {};
}

}  // namespace

Result<sys::CgroupLimits> cgroup_limits(const spec::oci::Resources& resources,
                                        DefaultDevices devices) {
    sys::CgroupLimits limits;
    if (resources.memory) {
        GT_TRY(check_memory(*resources.memory));
        add_memory(limits, *resources.memory);
    }
    if (resources.cpu) {
        add_cpu(limits, *resources.cpu);
    }
    if (resources.pids && resources.pids->limit != 0) {
        limits.pids = resources.pids->limit;
    }
    if (resources.block_io) {
        GT_TRY(add_block_io(limits, *resources.block_io));
    }
    for (const spec::oci::Hugepage& page : resources.hugepage_limits) {
        limits.hugetlb[page.page_size] = page.limit;
    }
    limits.unified = resources.unified;
    if (devices == DefaultDevices::kYes || !resources.devices.empty()) {
        std::vector<spec::oci::DeviceCgroup> wanted = resources.devices;
        if (devices == DefaultDevices::kYes) {
            const auto more = runtime::default_device_rules();
            wanted.insert(wanted.end(), more.begin(), more.end());
        }
        std::vector<DeviceRule> rules;
        for (const spec::oci::DeviceCgroup& rule : wanted) {
            GT_TRY_VAR(converted, convert_rule(rule));
            rules.push_back(converted);
        }
        limits.devices = std::move(rules);
    }
    return limits;
}

Result<> apply_rest(const sys::Cgroups& cgroups, const std::string& path,
                    const spec::oci::Resources& resources) {
    const bool v2 = cgroups.layout().mode == sys::CgroupMode::kV2;
    if (resources.cpu && resources.cpu->burst) {
        GT_TRY(write_file(cgroups, path, "cpu", v2 ? "cpu.max.burst" : "cpu.cfs_burst_us",
                          std::to_string(*resources.cpu->burst)));
    }
    if (resources.cpu && resources.cpu->idle) {
        GT_TRY(write_file(cgroups, path, "cpu", "cpu.idle", std::to_string(*resources.cpu->idle)));
    }
    for (const auto& [device, limit] : resources.rdma) {
        auto text = [](const std::optional<uint32_t>& value) {
            return value ? std::to_string(*value) : std::string("max");
        };
        GT_TRY(write_file(cgroups, path, "rdma", "rdma.max",
                          fmt::format("{} hca_handle={} hca_object={}", device,
                                      text(limit.hca_handles), text(limit.hca_objects))));
    }
    return resources.network ? apply_network(cgroups, path, *resources.network) : Result<>();
}

}  // namespace gantry::standalone
