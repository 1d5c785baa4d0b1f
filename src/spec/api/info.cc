#include "spec/api/info.h"

#include "spec/impl/binding.h"

namespace gantry::spec::impl {

GT_JSON(PluginsInfo, "PluginsInfo",
        .field("Volume", &PluginsInfo::volume, Rule::kNull)
            .field("Network", &PluginsInfo::network, Rule::kNull)
            .field("Authorization", &PluginsInfo::authorization, Rule::kNull)
            .field("Log", &PluginsInfo::log, Rule::kNull))

GT_JSON(RegistryIndex, "IndexInfo",
        .field("Mirrors", &RegistryIndex::mirrors)
            .field("Name", &RegistryIndex::name)
            .field("Official", &RegistryIndex::official)
            .field("Secure", &RegistryIndex::secure))

GT_JSON(RegistryConfig, "ServiceConfig",
        .field("IndexConfigs", &RegistryConfig::index_configs)
            .field("InsecureRegistryCIDRs", &RegistryConfig::insecure_registry_cidrs)
            .field("Mirrors", &RegistryConfig::mirrors, Rule::kNull))

GT_JSON(RuntimeInfo, "RuntimeWithStatus",
        .field("path", &RuntimeInfo::path, Rule::kOmit)
            .field("runtimeArgs", &RuntimeInfo::runtime_args, Rule::kOmit)
            .field("status", &RuntimeInfo::status, Rule::kOmit))

GT_JSON(SwarmInfo, "Info",
        .field("NodeID", &SwarmInfo::node_id)
            .field("NodeAddr", &SwarmInfo::node_addr)
            .field("LocalNodeState", &SwarmInfo::local_node_state)
            .field("ControlAvailable", &SwarmInfo::control_available)
            .field("Error", &SwarmInfo::error)
            .field("RemoteManagers", &SwarmInfo::remote_managers, Rule::kNull))

GT_JSON(CommitInfo, "Commit",
        .field("ID", &CommitInfo::id).field("Expected", &CommitInfo::expected, Rule::kOmit))

GT_JSON(AddressPool, "NetworkAddressPool",
        .field("Base", &AddressPool::base).field("Size", &AddressPool::size))

GT_JSON(FirewallInfo, "FirewallInfo",
        .field("Driver", &FirewallInfo::driver).field("Info", &FirewallInfo::info, Rule::kOmit))

GT_JSON(Info, "Info",
        .field("ID", &Info::id)
            .field("Containers", &Info::containers)
            .field("ContainersRunning", &Info::containers_running)
            .field("ContainersPaused", &Info::containers_paused)
            .field("ContainersStopped", &Info::containers_stopped)
            .field("Images", &Info::images)
            .field("Driver", &Info::driver)
            .field("DriverStatus", &Info::driver_status)
            .field("Plugins", &Info::plugins)
            .field("MemoryLimit", &Info::memory_limit)
            .field("SwapLimit", &Info::swap_limit)
            .field("KernelMemoryTCP", &Info::kernel_memory_tcp, Rule::kOmit)
            .field("CpuCfsPeriod", &Info::cpu_cfs_period)
            .field("CpuCfsQuota", &Info::cpu_cfs_quota)
            .field("CPUShares", &Info::cpu_shares)
            .field("CPUSet", &Info::cpu_set)
            .field("PidsLimit", &Info::pids_limit)
            .field("IPv4Forwarding", &Info::ipv4_forwarding)
            .field("Debug", &Info::debug)
            .field("NFd", &Info::n_fd)
            .field("OomKillDisable", &Info::oom_kill_disable)
            .field("NGoroutines", &Info::n_goroutines)
            .field("SystemTime", &Info::system_time)
            .field("LoggingDriver", &Info::logging_driver)
            .field("CgroupDriver", &Info::cgroup_driver)
            .field("CgroupVersion", &Info::cgroup_version, Rule::kOmit)
            .field("NEventsListener", &Info::n_events_listener)
            .field("KernelVersion", &Info::kernel_version)
            .field("OperatingSystem", &Info::operating_system)
            .field("OSVersion", &Info::os_version)
            .field("OSType", &Info::os_type)
            .field("Architecture", &Info::architecture)
            .field("IndexServerAddress", &Info::index_server_address)
            .field("RegistryConfig", &Info::registry_config)
            .field("NCPU", &Info::ncpu)
            .field("MemTotal", &Info::mem_total)
            .field("GenericResources", &Info::generic_resources, Rule::kNull)
            .field("DockerRootDir", &Info::docker_root_dir)
            .field("HttpProxy", &Info::http_proxy)
            .field("HttpsProxy", &Info::https_proxy)
            .field("NoProxy", &Info::no_proxy)
            .field("Name", &Info::name)
            .field("Labels", &Info::labels)
            .field("ExperimentalBuild", &Info::experimental_build)
            .field("ServerVersion", &Info::server_version)
            .field("Runtimes", &Info::runtimes)
            .field("DefaultRuntime", &Info::default_runtime)
            .field("Swarm", &Info::swarm)
            .field("LiveRestoreEnabled", &Info::live_restore_enabled)
            .field("Isolation", &Info::isolation)
            .field("InitBinary", &Info::init_binary)
            .field("ContainerdCommit", &Info::containerd_commit)
            .field("RuncCommit", &Info::runc_commit)
            .field("InitCommit", &Info::init_commit)
            .field("SecurityOptions", &Info::security_options)
            .field("ProductLicense", &Info::product_license, Rule::kOmit)
            .field("DefaultAddressPools", &Info::default_address_pools, Rule::kOmit)
            .field("FirewallBackend", &Info::firewall_backend, Rule::kOmit)
            .field("CDISpecDirs", &Info::cdi_spec_dirs)
            .field("Warnings", &Info::warnings, Rule::kNull))

}  // namespace gantry::spec::impl
