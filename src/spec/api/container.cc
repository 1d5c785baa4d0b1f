#include "spec/api/container.h"

#include "spec/impl/binding.h"

namespace gantry::spec::impl {

GT_JSON(ContainerCreateRequest, "CreateRequest",
        .inlined(&ContainerCreateRequest::config)
            .field("HostConfig", &ContainerCreateRequest::host_config, Rule::kOmit)
            .field("NetworkingConfig", &ContainerCreateRequest::networking_config, Rule::kOmit))

GT_JSON(ContainerCreateResponse, "CreateResponse",
        .field("Id", &ContainerCreateResponse::id)
            .field("Warnings", &ContainerCreateResponse::warnings))

GT_JSON(ContainerUpdateRequest, "UpdateConfig",
        .inlined(&ContainerUpdateRequest::resources)
            .field("RestartPolicy", &ContainerUpdateRequest::restart_policy, Rule::kOmit)
            .field("Change", &ContainerUpdateRequest::change, Rule::kOmit))

GT_JSON(ContainerUpdateResponse, "UpdateResponse",
        .field("Warnings", &ContainerUpdateResponse::warnings, Rule::kNull)
            .inlined(&ContainerUpdateResponse::outcome))

GT_JSON(GraphDriver, "DriverData",
        .field("Data", &GraphDriver::data, Rule::kNull).field("Name", &GraphDriver::name))

GT_JSON(MountPoint, "MountPoint",
        .field("Type", &MountPoint::type, Rule::kOmit)
            .field("Name", &MountPoint::name, Rule::kOmit)
            .field("Source", &MountPoint::source)
            .field("Destination", &MountPoint::destination)
            .field("Driver", &MountPoint::driver, Rule::kOmit)
            .field("Mode", &MountPoint::mode)
            .field("RW", &MountPoint::rw)
            .field("Propagation", &MountPoint::propagation))

GT_JSON(NetworkAddress, "Address",
        .field("Addr", &NetworkAddress::addr).field("PrefixLen", &NetworkAddress::prefix_len))

GT_JSON(LegacyNetworkSettings, "NetworkSettings",
        .field("Bridge", &LegacyNetworkSettings::bridge)
            .field("HairpinMode", &LegacyNetworkSettings::hairpin_mode)
            .field("LinkLocalIPv6Address", &LegacyNetworkSettings::link_local_ipv6_address)
            .field("LinkLocalIPv6PrefixLen", &LegacyNetworkSettings::link_local_ipv6_prefix_len)
            .field("SecondaryIPAddresses", &LegacyNetworkSettings::secondary_ip_addresses,
                   Rule::kNull)
            .field("SecondaryIPv6Addresses", &LegacyNetworkSettings::secondary_ipv6_addresses,
                   Rule::kNull)
            .field("EndpointID", &LegacyNetworkSettings::endpoint_id)
            .field("Gateway", &LegacyNetworkSettings::gateway)
            .field("GlobalIPv6Address", &LegacyNetworkSettings::global_ipv6_address)
            .field("GlobalIPv6PrefixLen", &LegacyNetworkSettings::global_ipv6_prefix_len)
            .field("IPAddress", &LegacyNetworkSettings::ip_address)
            .field("IPPrefixLen", &LegacyNetworkSettings::ip_prefix_len)
            .field("IPv6Gateway", &LegacyNetworkSettings::ipv6_gateway)
            .field("MacAddress", &LegacyNetworkSettings::mac_address))

GT_JSON(NetworkSettings, "NetworkSettings",
        .field("SandboxID", &NetworkSettings::sandbox_id)
            .field("SandboxKey", &NetworkSettings::sandbox_key)
            .field("Ports", &NetworkSettings::ports)
            .inlined(&NetworkSettings::legacy)
            .field("Networks", &NetworkSettings::networks))

GT_JSON(ContainerInspect, "InspectResponse",
        .field("Id", &ContainerInspect::id)
            .field("Created", &ContainerInspect::created)
            .field("Path", &ContainerInspect::path)
            .field("Args", &ContainerInspect::args)
            .field("State", &ContainerInspect::state)
            .field("Image", &ContainerInspect::image)
            .field("ResolvConfPath", &ContainerInspect::resolv_conf_path)
            .field("HostnamePath", &ContainerInspect::hostname_path)
            .field("HostsPath", &ContainerInspect::hosts_path)
            .field("LogPath", &ContainerInspect::log_path)
            .field("Name", &ContainerInspect::name)
            .field("RestartCount", &ContainerInspect::restart_count)
            .field("Driver", &ContainerInspect::driver)
            .field("Platform", &ContainerInspect::platform)
            .field("MountLabel", &ContainerInspect::mount_label)
            .field("ProcessLabel", &ContainerInspect::process_label)
            .field("AppArmorProfile", &ContainerInspect::app_armor_profile)
            .field("ExecIDs", &ContainerInspect::exec_ids, Rule::kNull)
            .field("HostConfig", &ContainerInspect::host_config)
            .field("GraphDriver", &ContainerInspect::graph_driver, Rule::kOmit)
            .field("SizeRw", &ContainerInspect::size_rw, Rule::kOmit)
            .field("SizeRootFs", &ContainerInspect::size_root_fs, Rule::kOmit)
            .field("Mounts", &ContainerInspect::mounts)
            .field("Config", &ContainerInspect::config)
            .field("NetworkSettings", &ContainerInspect::network_settings)
            .field("ImageManifestDescriptor", &ContainerInspect::image_manifest_descriptor,
                   Rule::kOmit)
            .field("Revision", &ContainerInspect::revision, Rule::kOmit)
            .field("NextStart", &ContainerInspect::next_start, Rule::kOmit))

GT_JSON(PortSummary, "PortSummary",
        .field("IP", &PortSummary::ip, Rule::kOmit)
            .field("PrivatePort", &PortSummary::private_port)
            .field("PublicPort", &PortSummary::public_port, Rule::kOmit)
            .field("Type", &PortSummary::type))

GT_JSON(ContainerSummary::Host, "HostConfig",
        .field("NetworkMode", &ContainerSummary::Host::network_mode, Rule::kOmit)
            .field("Annotations", &ContainerSummary::Host::annotations, Rule::kOmit))

GT_JSON(ContainerSummary::Networks, "NetworkSettingsSummary",
        .field("Networks", &ContainerSummary::Networks::networks))

GT_JSON(ContainerSummary, "Summary",
        .field("Id", &ContainerSummary::id)
            .field("Names", &ContainerSummary::names)
            .field("Image", &ContainerSummary::image)
            .field("ImageID", &ContainerSummary::image_id)
            .field("ImageManifestDescriptor", &ContainerSummary::image_manifest_descriptor,
                   Rule::kOmit)
            .field("Command", &ContainerSummary::command)
            .field("Created", &ContainerSummary::created)
            .field("Ports", &ContainerSummary::ports)
            .field("SizeRw", &ContainerSummary::size_rw, Rule::kOmit)
            .field("SizeRootFs", &ContainerSummary::size_root_fs, Rule::kOmit)
            .field("Labels", &ContainerSummary::labels)
            .field("State", &ContainerSummary::state)
            .field("Status", &ContainerSummary::status)
            .field("HostConfig", &ContainerSummary::host_config)
            .field("NetworkSettings", &ContainerSummary::network_settings)
            .field("Mounts", &ContainerSummary::mounts))

GT_JSON(WaitResponse::Error, "WaitExitError", .field("Message", &WaitResponse::Error::message))

GT_JSON(WaitResponse, "WaitResponse",
        .field("StatusCode", &WaitResponse::status_code)
            .field("Error", &WaitResponse::error, Rule::kOmit))

GT_JSON(TopResponse, "TopResponse",
        .field("Titles", &TopResponse::titles).field("Processes", &TopResponse::processes))

GT_JSON(FilesystemChange, "FilesystemChange",
        .field("Kind", &FilesystemChange::kind).field("Path", &FilesystemChange::path))

GT_JSON(PathStat, "PathStat",
        .field("name", &PathStat::name)
            .field("size", &PathStat::size)
            .field("mode", &PathStat::mode)
            .field("mtime", &PathStat::mtime)
            .field("linkTarget", &PathStat::link_target))

GT_JSON(ContainersPruneReport, "PruneReport",
        .field("ContainersDeleted", &ContainersPruneReport::containers_deleted)
            .field("SpaceReclaimed", &ContainersPruneReport::space_reclaimed)
            .field("Objects", &ContainersPruneReport::objects, Rule::kOmit))

GT_JSON_DOCUMENT(std::vector<ContainerSummary>)
GT_JSON_DOCUMENT(std::vector<FilesystemChange>)

}  // namespace gantry::spec::impl
