#include "spec/oci/linux.h"

#include "spec/impl/binding.h"

namespace gantry::spec::impl {

GT_JSON(oci::Namespace, "LinuxNamespace",
        .field("type", &oci::Namespace::type).field("path", &oci::Namespace::path, Rule::kOmit))

GT_JSON(oci::IdMapping, "LinuxIDMapping",
        .field("containerID", &oci::IdMapping::container_id)
            .field("hostID", &oci::IdMapping::host_id)
            .field("size", &oci::IdMapping::size))

GT_JSON(oci::Device, "LinuxDevice",
        .field("path", &oci::Device::path)
            .field("type", &oci::Device::type)
            .field("major", &oci::Device::major)
            .field("minor", &oci::Device::minor)
            .field("fileMode", &oci::Device::file_mode, Rule::kOmit)
            .field("uid", &oci::Device::uid, Rule::kOmit)
            .field("gid", &oci::Device::gid, Rule::kOmit))

GT_JSON(oci::DeviceCgroup, "LinuxDeviceCgroup",
        .field("allow", &oci::DeviceCgroup::allow)
            .field("type", &oci::DeviceCgroup::type, Rule::kOmit)
            .field("major", &oci::DeviceCgroup::major, Rule::kOmit)
            .field("minor", &oci::DeviceCgroup::minor, Rule::kOmit)
            .field("access", &oci::DeviceCgroup::access, Rule::kOmit))

GT_JSON(oci::Memory, "LinuxMemory",
        .field("limit", &oci::Memory::limit, Rule::kOmit)
            .field("reservation", &oci::Memory::reservation, Rule::kOmit)
            .field("swap", &oci::Memory::swap, Rule::kOmit)
            .field("swappiness", &oci::Memory::swappiness, Rule::kOmit)
            .field("disableOOMKiller", &oci::Memory::disable_oom_killer, Rule::kOmit)
            .field("useHierarchy", &oci::Memory::use_hierarchy, Rule::kOmit)
            .field("checkBeforeUpdate", &oci::Memory::check_before_update, Rule::kOmit)
            .field("kernel", &oci::Memory::kernel, Rule::kOmit)
            .field("kernelTCP", &oci::Memory::kernel_tcp, Rule::kOmit))

GT_JSON(oci::Cpu, "LinuxCPU",
        .field("shares", &oci::Cpu::shares, Rule::kOmit)
            .field("quota", &oci::Cpu::quota, Rule::kOmit)
            .field("burst", &oci::Cpu::burst, Rule::kOmit)
            .field("period", &oci::Cpu::period, Rule::kOmit)
            .field("realtimeRuntime", &oci::Cpu::realtime_runtime, Rule::kOmit)
            .field("realtimePeriod", &oci::Cpu::realtime_period, Rule::kOmit)
            .field("cpus", &oci::Cpu::cpus, Rule::kOmit)
            .field("mems", &oci::Cpu::mems, Rule::kOmit)
            .field("idle", &oci::Cpu::idle, Rule::kOmit))

GT_JSON(oci::Pids, "LinuxPids", .field("limit", &oci::Pids::limit))

GT_JSON(oci::WeightDevice, "LinuxWeightDevice",
        .field("major", &oci::WeightDevice::major)
            .field("minor", &oci::WeightDevice::minor)
            .field("weight", &oci::WeightDevice::weight, Rule::kOmit)
            .field("leafWeight", &oci::WeightDevice::leaf_weight, Rule::kOmit))

GT_JSON(oci::ThrottleDevice, "LinuxThrottleDevice",
        .field("major", &oci::ThrottleDevice::major)
            .field("minor", &oci::ThrottleDevice::minor)
            .field("rate", &oci::ThrottleDevice::rate))

GT_JSON(oci::BlockIo, "LinuxBlockIO",
        .field("weight", &oci::BlockIo::weight, Rule::kOmit)
            .field("leafWeight", &oci::BlockIo::leaf_weight, Rule::kOmit)
            .field("weightDevice", &oci::BlockIo::weight_device, Rule::kOmit)
            .field("throttleReadBpsDevice", &oci::BlockIo::throttle_read_bps_device, Rule::kOmit)
            .field("throttleWriteBpsDevice", &oci::BlockIo::throttle_write_bps_device, Rule::kOmit)
            .field("throttleReadIOPSDevice", &oci::BlockIo::throttle_read_iops_device, Rule::kOmit)
            .field("throttleWriteIOPSDevice", &oci::BlockIo::throttle_write_iops_device,
                   Rule::kOmit))

GT_JSON(oci::Hugepage, "LinuxHugepageLimit",
        .field("pageSize", &oci::Hugepage::page_size).field("limit", &oci::Hugepage::limit))

GT_JSON(oci::Rdma, "LinuxRdma",
        .field("hcaHandles", &oci::Rdma::hca_handles, Rule::kOmit)
            .field("hcaObjects", &oci::Rdma::hca_objects, Rule::kOmit))

GT_JSON(oci::InterfacePriority, "LinuxInterfacePriority",
        .field("name", &oci::InterfacePriority::name)
            .field("priority", &oci::InterfacePriority::priority))

GT_JSON(oci::NetworkClass, "LinuxNetwork",
        .field("classID", &oci::NetworkClass::class_id, Rule::kOmit)
            .field("priorities", &oci::NetworkClass::priorities, Rule::kOmit))

GT_JSON(oci::TimeOffset, "LinuxTimeOffset",
        .field("secs", &oci::TimeOffset::secs, Rule::kOmit)
            .field("nanosecs", &oci::TimeOffset::nanosecs, Rule::kOmit))

GT_JSON(oci::IntelRdt, "LinuxIntelRdt",
        .field("closID", &oci::IntelRdt::clos_id, Rule::kOmit)
            .field("l3CacheSchema", &oci::IntelRdt::l3_cache_schema, Rule::kOmit)
            .field("memBwSchema", &oci::IntelRdt::mem_bw_schema, Rule::kOmit))

GT_JSON(oci::Personality, "LinuxPersonality",
        .field("domain", &oci::Personality::domain)
            .field("flags", &oci::Personality::flags, Rule::kOmit))

GT_JSON(oci::Resources, "LinuxResources",
        .field("devices", &oci::Resources::devices, Rule::kOmit)
            .field("memory", &oci::Resources::memory, Rule::kOmit)
            .field("cpu", &oci::Resources::cpu, Rule::kOmit)
            .field("pids", &oci::Resources::pids, Rule::kOmit)
            .field("blockIO", &oci::Resources::block_io, Rule::kOmit)
            .field("hugepageLimits", &oci::Resources::hugepage_limits, Rule::kOmit)
            .field("unified", &oci::Resources::unified, Rule::kOmit)
            .field("rdma", &oci::Resources::rdma, Rule::kOmit)
            .field("network", &oci::Resources::network, Rule::kOmit))

GT_JSON(oci::Linux, "Linux",
        .field("uidMappings", &oci::Linux::uid_mappings, Rule::kOmit)
            .field("gidMappings", &oci::Linux::gid_mappings, Rule::kOmit)
            .field("sysctl", &oci::Linux::sysctl, Rule::kOmit)
            .field("resources", &oci::Linux::resources)
            .field("cgroupsPath", &oci::Linux::cgroups_path, Rule::kOmit)
            .field("namespaces", &oci::Linux::namespaces, Rule::kOmit)
            .field("devices", &oci::Linux::devices, Rule::kOmit)
            .field("seccomp", &oci::Linux::seccomp, Rule::kOmit)
            .field("rootfsPropagation", &oci::Linux::rootfs_propagation, Rule::kOmit)
            .field("maskedPaths", &oci::Linux::masked_paths, Rule::kOmit)
            .field("readonlyPaths", &oci::Linux::readonly_paths, Rule::kOmit)
            .field("mountLabel", &oci::Linux::mount_label, Rule::kOmit)
            .field("timeOffsets", &oci::Linux::time_offsets, Rule::kOmit)
            .field("intelRdt", &oci::Linux::intel_rdt, Rule::kOmit)
            .field("personality", &oci::Linux::personality, Rule::kOmit))

}  // namespace gantry::spec::impl
