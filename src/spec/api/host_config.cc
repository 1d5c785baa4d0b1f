#include "spec/api/host_config.h"

#include "spec/impl/binding.h"

namespace gantry::spec::impl {

GT_JSON(PortBinding, "PortBinding",
        .field("HostIp", &PortBinding::host_ip).field("HostPort", &PortBinding::host_port))

GT_JSON(LogConfig, "LogConfig",
        .field("Type", &LogConfig::type).field("Config", &LogConfig::config))

GT_JSON(RestartPolicy, "RestartPolicy",
        .field("Name", &RestartPolicy::name)
            .field("MaximumRetryCount", &RestartPolicy::maximum_retry_count)
            .field("OnUnhealthy", &RestartPolicy::on_unhealthy, Rule::kOmit))

GT_JSON(WeightDevice, "WeightDevice",
        .field("Path", &WeightDevice::path).field("Weight", &WeightDevice::weight))

GT_JSON(ThrottleDevice, "ThrottleDevice",
        .field("Path", &ThrottleDevice::path).field("Rate", &ThrottleDevice::rate))

GT_JSON(DeviceMapping, "DeviceMapping",
        .field("PathOnHost", &DeviceMapping::path_on_host)
            .field("PathInContainer", &DeviceMapping::path_in_container)
            .field("CgroupPermissions", &DeviceMapping::cgroup_permissions))

GT_JSON(DeviceRequest, "DeviceRequest",
        .field("Driver", &DeviceRequest::driver)
            .field("Count", &DeviceRequest::count)
            .field("DeviceIDs", &DeviceRequest::device_ids, Rule::kNull)
            .field("Capabilities", &DeviceRequest::capabilities, Rule::kNull)
            .field("Options", &DeviceRequest::options, Rule::kNull))

GT_JSON(Ulimit, "Ulimit",
        .field("Name", &Ulimit::name).field("Hard", &Ulimit::hard).field("Soft", &Ulimit::soft))

GT_JSON(Resources, "Resources",
        .field("CpuShares", &Resources::cpu_shares)
            .field("Memory", &Resources::memory)
            .field("NanoCpus", &Resources::nano_cpus)
            .field("CgroupParent", &Resources::cgroup_parent)
            .field("BlkioWeight", &Resources::blkio_weight)
            .field("BlkioWeightDevice", &Resources::blkio_weight_device, Rule::kNull)
            .field("BlkioDeviceReadBps", &Resources::blkio_device_read_bps, Rule::kNull)
            .field("BlkioDeviceWriteBps", &Resources::blkio_device_write_bps, Rule::kNull)
            .field("BlkioDeviceReadIOps", &Resources::blkio_device_read_iops, Rule::kNull)
            .field("BlkioDeviceWriteIOps", &Resources::blkio_device_write_iops, Rule::kNull)
            .field("CpuPeriod", &Resources::cpu_period)
            .field("CpuQuota", &Resources::cpu_quota)
            .field("CpuRealtimePeriod", &Resources::cpu_realtime_period)
            .field("CpuRealtimeRuntime", &Resources::cpu_realtime_runtime)
            .field("CpusetCpus", &Resources::cpuset_cpus)
            .field("CpusetMems", &Resources::cpuset_mems)
            .field("Devices", &Resources::devices, Rule::kNull)
            .field("DeviceCgroupRules", &Resources::device_cgroup_rules, Rule::kNull)
            .field("DeviceRequests", &Resources::device_requests, Rule::kNull)
            .field("KernelMemory", &Resources::kernel_memory, Rule::kReadOnly)
            .field("KernelMemoryTCP", &Resources::kernel_memory_tcp, Rule::kReadOnly)
            .field("MemoryReservation", &Resources::memory_reservation)
            .field("MemorySwap", &Resources::memory_swap)
            .field("MemorySwappiness", &Resources::memory_swappiness)
            .field("OomKillDisable", &Resources::oom_kill_disable)
            .field("PidsLimit", &Resources::pids_limit)
            .field("Ulimits", &Resources::ulimits, Rule::kNull)
            .field("CpuCount", &Resources::cpu_count)
            .field("CpuPercent", &Resources::cpu_percent)
            .field("IOMaximumIOps", &Resources::io_maximum_iops)
            .field("IOMaximumBandwidth", &Resources::io_maximum_bandwidth))

GT_JSON(HostConfig, "HostConfig",
        .field("Binds", &HostConfig::binds, Rule::kNull)
            .field("ContainerIDFile", &HostConfig::container_id_file)
            .field("LogConfig", &HostConfig::log_config)
            .field("NetworkMode", &HostConfig::network_mode)
            .field("PortBindings", &HostConfig::port_bindings, Rule::kNull)
            .field("RestartPolicy", &HostConfig::restart_policy)
            .field("AutoRemove", &HostConfig::auto_remove)
            .field("VolumeDriver", &HostConfig::volume_driver)
            .field("VolumesFrom", &HostConfig::volumes_from, Rule::kNull)
            .field("ConsoleSize", &HostConfig::console_size)
            .field("Annotations", &HostConfig::annotations, Rule::kOmit)
            .field("CapAdd", &HostConfig::cap_add, Rule::kNull, string_or_list())
            .field("CapDrop", &HostConfig::cap_drop, Rule::kNull, string_or_list())
            .field("CgroupnsMode", &HostConfig::cgroupns_mode)
            .field("Dns", &HostConfig::dns, Rule::kNull)
            .field("DnsOptions", &HostConfig::dns_options, Rule::kNull)
            .field("DnsSearch", &HostConfig::dns_search, Rule::kNull)
            .field("ExtraHosts", &HostConfig::extra_hosts, Rule::kNull)
            .field("GroupAdd", &HostConfig::group_add, Rule::kNull)
            .field("IpcMode", &HostConfig::ipc_mode)
            .field("Cgroup", &HostConfig::cgroup)
            .field("Links", &HostConfig::links, Rule::kNull)
            .field("OomScoreAdj", &HostConfig::oom_score_adj)
            .field("PidMode", &HostConfig::pid_mode)
            .field("Privileged", &HostConfig::privileged)
            .field("PublishAllPorts", &HostConfig::publish_all_ports)
            .field("ReadonlyRootfs", &HostConfig::readonly_rootfs)
            .field("SecurityOpt", &HostConfig::security_opt, Rule::kNull)
            .field("StorageOpt", &HostConfig::storage_opt, Rule::kOmit)
            .field("Tmpfs", &HostConfig::tmpfs, Rule::kOmit)
            .field("UTSMode", &HostConfig::uts_mode)
            .field("UsernsMode", &HostConfig::userns_mode)
            .field("ShmSize", &HostConfig::shm_size)
            .field("Sysctls", &HostConfig::sysctls, Rule::kOmit)
            .field("Runtime", &HostConfig::runtime, Rule::kOmit)
            .field("Isolation", &HostConfig::isolation)
            .inlined(&HostConfig::resources)
            .field("Mounts", &HostConfig::mounts, Rule::kOmit)
            .field("MaskedPaths", &HostConfig::masked_paths)
            .field("ReadonlyPaths", &HostConfig::readonly_paths)
            .field("Init", &HostConfig::init, Rule::kOmit))

}  // namespace gantry::spec::impl
