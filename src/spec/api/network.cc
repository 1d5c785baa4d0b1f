#include "spec/api/network.h"

#include "spec/impl/binding.h"

namespace gantry::spec::impl {

GT_JSON(EndpointIpamConfig, "EndpointIPAMConfig",
        .field("IPv4Address", &EndpointIpamConfig::ipv4_address, Rule::kOmit)
            .field("IPv6Address", &EndpointIpamConfig::ipv6_address, Rule::kOmit)
            .field("LinkLocalIPs", &EndpointIpamConfig::link_local_ips, Rule::kOmit))

GT_JSON(EndpointSettings, "EndpointSettings",
        .field("IPAMConfig", &EndpointSettings::ipam_config)
            .field("Links", &EndpointSettings::links, Rule::kNull)
            .field("Aliases", &EndpointSettings::aliases, Rule::kNull)
            .field("MacAddress", &EndpointSettings::mac_address)
            .field("DriverOpts", &EndpointSettings::driver_opts, Rule::kNull)
            .field("GwPriority", &EndpointSettings::gw_priority)
            .field("NetworkID", &EndpointSettings::network_id)
            .field("EndpointID", &EndpointSettings::endpoint_id)
            .field("Gateway", &EndpointSettings::gateway)
            .field("IPAddress", &EndpointSettings::ip_address)
            .field("IPPrefixLen", &EndpointSettings::ip_prefix_len)
            .field("IPv6Gateway", &EndpointSettings::ipv6_gateway)
            .field("GlobalIPv6Address", &EndpointSettings::global_ipv6_address)
            .field("GlobalIPv6PrefixLen", &EndpointSettings::global_ipv6_prefix_len)
            .field("DNSNames", &EndpointSettings::dns_names, Rule::kNull))

GT_JSON(NetworkingConfig, "NetworkingConfig",
        .field("EndpointsConfig", &NetworkingConfig::endpoints_config))

GT_JSON(IpamPool, "IPAMConfig",
        .field("Subnet", &IpamPool::subnet, Rule::kOmit)
            .field("IPRange", &IpamPool::ip_range, Rule::kOmit)
            .field("Gateway", &IpamPool::gateway, Rule::kOmit)
            .field("AuxiliaryAddresses", &IpamPool::auxiliary_addresses, Rule::kOmit))

GT_JSON(Ipam, "IPAM",
        .field("Driver", &Ipam::driver)
            .field("Options", &Ipam::options, Rule::kNull)
            .field("Config", &Ipam::config))

GT_JSON(ConfigReference, "ConfigReference", .field("Network", &ConfigReference::network))

GT_JSON(EndpointResource, "EndpointResource",
        .field("Name", &EndpointResource::name)
            .field("EndpointID", &EndpointResource::endpoint_id)
            .field("MacAddress", &EndpointResource::mac_address)
            .field("IPv4Address", &EndpointResource::ipv4_address)
            .field("IPv6Address", &EndpointResource::ipv6_address))

GT_JSON(NetworkResource, "Inspect",
        .field("Name", &NetworkResource::name)
            .field("Id", &NetworkResource::id)
            .field("Created", &NetworkResource::created)
            .field("Scope", &NetworkResource::scope)
            .field("Driver", &NetworkResource::driver)
            .field("EnableIPv4", &NetworkResource::enable_ipv4)
            .field("EnableIPv6", &NetworkResource::enable_ipv6)
            .field("IPAM", &NetworkResource::ipam)
            .field("Internal", &NetworkResource::internal)
            .field("Attachable", &NetworkResource::attachable)
            .field("Ingress", &NetworkResource::ingress)
            .field("ConfigFrom", &NetworkResource::config_from)
            .field("ConfigOnly", &NetworkResource::config_only)
            .field("Containers", &NetworkResource::containers)
            .field("Options", &NetworkResource::options)
            .field("Labels", &NetworkResource::labels))

GT_JSON(NetworkCreateRequest, "CreateRequest",
        .field("Name", &NetworkCreateRequest::name)
            .field("Driver", &NetworkCreateRequest::driver)
            .field("Scope", &NetworkCreateRequest::scope)
            .field("EnableIPv4", &NetworkCreateRequest::enable_ipv4, Rule::kOmit)
            .field("EnableIPv6", &NetworkCreateRequest::enable_ipv6, Rule::kOmit)
            .field("IPAM", &NetworkCreateRequest::ipam)
            .field("Internal", &NetworkCreateRequest::internal)
            .field("Attachable", &NetworkCreateRequest::attachable)
            .field("Ingress", &NetworkCreateRequest::ingress)
            .field("ConfigOnly", &NetworkCreateRequest::config_only)
            .field("ConfigFrom", &NetworkCreateRequest::config_from)
            .field("Options", &NetworkCreateRequest::options)
            .field("Labels", &NetworkCreateRequest::labels))

GT_JSON(NetworkCreateResponse, "CreateResponse",
        .field("Id", &NetworkCreateResponse::id).field("Warning", &NetworkCreateResponse::warning))

GT_JSON(NetworkConnectRequest, "ConnectOptions",
        .field("Container", &NetworkConnectRequest::container)
            .field("EndpointConfig", &NetworkConnectRequest::endpoint_config, Rule::kOmit))

GT_JSON(NetworkDisconnectRequest, "DisconnectOptions",
        .field("Container", &NetworkDisconnectRequest::container)
            .field("Force", &NetworkDisconnectRequest::force))

GT_JSON(NetworksPruneReport, "PruneReport",
        .field("NetworksDeleted", &NetworksPruneReport::networks_deleted))

GT_JSON(BuildPruneReport, "PruneReport",
        .field("CachesDeleted", &BuildPruneReport::caches_deleted)
            .field("SpaceReclaimed", &BuildPruneReport::space_reclaimed))

GT_JSON_DOCUMENT(std::vector<NetworkResource>)

}  // namespace gantry::spec::impl
