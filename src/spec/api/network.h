#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "spec/api/container_config.h"

namespace gantry::spec {

struct EndpointIpamConfig {
    std::string ipv4_address;
    std::string ipv6_address;
    std::vector<std::string> link_local_ips;
};

/// A container's place in one network: the wish in requests, the fact in answers. Addresses that
/// are not there are empty strings.
struct EndpointSettings {
    std::optional<EndpointIpamConfig> ipam_config;
    std::vector<std::string> links;
    std::vector<std::string> aliases;
    std::string mac_address;
    StringMap driver_opts;
    /// API 1.48; always printed.
    int64_t gw_priority = 0;
    std::string network_id;
    std::string endpoint_id;
    std::string gateway;
    std::string ip_address;
    int64_t ip_prefix_len = 0;
    std::string ipv6_gateway;
    std::string global_ipv6_address;
    int64_t global_ipv6_prefix_len = 0;
    std::vector<std::string> dns_names;
};

/// By network name or id.
using EndpointMap = std::map<std::string, EndpointSettings>;

struct NetworkingConfig {
    EndpointMap endpoints_config;
};

struct IpamPool {
    std::string subnet;
    std::string ip_range;
    std::string gateway;
    StringMap auxiliary_addresses;
};

struct Ipam {
    std::string driver;
    StringMap options;
    std::vector<IpamPool> config;
};

struct ConfigReference {
    std::string network;
};

/// A container's entry in a network's inspect; the addresses carry their prefix length.
struct EndpointResource {
    std::string name;
    std::string endpoint_id;
    std::string mac_address;
    std::string ipv4_address;
    std::string ipv6_address;
};

/// GET /networks and /networks/{id}.
struct NetworkResource {
    std::string name;
    std::string id;
    WallTime created{};
    std::string scope;
    std::string driver;
    bool enable_ipv4 = true;
    bool enable_ipv6 = false;
    Ipam ipam;
    bool internal = false;
    bool attachable = false;
    bool ingress = false;
    ConfigReference config_from;
    bool config_only = false;
    /// By container id.
    std::map<std::string, EndpointResource> containers;
    StringMap options;
    StringMap labels;
};

struct NetworkCreateRequest {
    std::string name;
    std::string driver;
    std::string scope;
    std::optional<bool> enable_ipv4;
    std::optional<bool> enable_ipv6;
    std::optional<Ipam> ipam;
    bool internal = false;
    bool attachable = false;
    bool ingress = false;
    bool config_only = false;
    std::optional<ConfigReference> config_from;
    StringMap options;
    StringMap labels;
};

struct NetworkCreateResponse {
    std::string id;
    std::string warning;
};

struct NetworkConnectRequest {
    std::string container;
    std::optional<EndpointSettings> endpoint_config;
};

struct NetworkDisconnectRequest {
    std::string container;
    bool force = false;
};

struct NetworksPruneReport {
    std::vector<std::string> networks_deleted;
};

/// Answer of POST /build/prune.
struct BuildPruneReport {
    std::vector<std::string> caches_deleted;
    int64_t space_reclaimed = 0;
};

}  // namespace gantry::spec
