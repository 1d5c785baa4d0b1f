#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "spec/api/change.h"
#include "spec/api/container_config.h"
#include "spec/api/container_state.h"
#include "spec/api/host_config.h"
#include "spec/api/network.h"
#include "spec/api/prune.h"
#include "spec/oci/descriptor.h"

namespace gantry::spec {

/// Body of POST /containers/create: the members of `config` stand at the top level.
struct ContainerCreateRequest {
    ContainerConfig config;
    std::optional<HostConfig> host_config;
    std::optional<NetworkingConfig> networking_config;
};

struct ContainerCreateResponse {
    std::string id;
    std::vector<std::string> warnings;
};

/// Body of POST /containers/{id}/update: the members of `resources` stand at the top level.
struct ContainerUpdateRequest {
    Resources resources;
    std::optional<RestartPolicy> restart_policy;
    /// Gantry's own.
    std::optional<ContainerChange> change;
};

struct ContainerUpdateResponse {
    std::vector<std::string> warnings;
    /// Inline; of requests with a change only.
    std::optional<ChangeOutcome> outcome;
};

struct GraphDriver {
    StringMap data;
    std::string name;
};

struct MountPoint {
    std::string type;
    std::string name;
    std::string source;
    std::string destination;
    std::string driver;
    std::string mode;
    bool rw = false;
    std::string propagation;
};

struct NetworkAddress {
    std::string addr;
    int64_t prefix_len = 0;
};

/// What NetworkSettings held up to API 1.51. The endpoint part is a copy of the network "bridge",
/// or empty strings.
struct LegacyNetworkSettings {
    std::string bridge;
    bool hairpin_mode = false;
    std::string link_local_ipv6_address;
    int64_t link_local_ipv6_prefix_len = 0;
    std::vector<NetworkAddress> secondary_ip_addresses;
    std::vector<NetworkAddress> secondary_ipv6_addresses;
    std::string endpoint_id;
    std::string gateway;
    std::string global_ipv6_address;
    int64_t global_ipv6_prefix_len = 0;
    std::string ip_address;
    int64_t ip_prefix_len = 0;
    std::string ipv6_gateway;
    std::string mac_address;
};

/// NetworkSettings of inspect; the members of `legacy` stand inline.
struct NetworkSettings {
    std::string sandbox_id;
    std::string sandbox_key;
    PortMap ports;
    std::optional<LegacyNetworkSettings> legacy = LegacyNetworkSettings{};
    EndpointMap networks;
};

/// GET /containers/{id}/json.
struct ContainerInspect {
    std::string id;
    WallTime created{};
    std::string path;
    std::vector<std::string> args;
    ContainerState state;
    std::string image;
    std::string resolv_conf_path;
    std::string hostname_path;
    std::string hosts_path;
    std::string log_path;
    /// With a leading slash.
    std::string name;
    int64_t restart_count = 0;
    std::string driver;
    std::string platform;
    std::string mount_label;
    std::string process_label;
    std::string app_armor_profile;
    /// Printed as null when empty.
    std::vector<std::string> exec_ids;
    HostConfig host_config;
    /// Dropped in API 1.52.
    std::optional<GraphDriver> graph_driver;
    /// With ?size=1.
    std::optional<int64_t> size_rw;
    std::optional<int64_t> size_root_fs;
    std::vector<MountPoint> mounts;
    ContainerConfig config;
    NetworkSettings network_settings;
    /// API 1.48.
    std::optional<oci::Descriptor> image_manifest_descriptor;
    /// Gantry's own, once the container was changed: which revision it is, and what of it waits for
    /// the next start (ChangeOutcome).
    int64_t revision = 0;
    std::vector<std::string> next_start;
};

/// One published or exposed port in a list.
struct PortSummary {
    std::string ip;
    uint16_t private_port = 0;
    uint16_t public_port = 0;
    std::string type;
};

/// One line of GET /containers/json.
struct ContainerSummary {
    struct Host {
        std::string network_mode;
        StringMap annotations;
    };
    struct Networks {
        EndpointMap networks;
    };

    std::string id;
    std::vector<std::string> names;
    std::string image;
    std::string image_id;
    std::string command;
    /// Seconds since 1970.
    int64_t created = 0;
    std::vector<PortSummary> ports;
    int64_t size_rw = 0;
    int64_t size_root_fs = 0;
    StringMap labels;
    std::string state;
    std::string status;
    Host host_config;
    Networks network_settings;
    std::vector<MountPoint> mounts;
    std::optional<oci::Descriptor> image_manifest_descriptor;
};

struct WaitResponse {
    struct Error {
        std::string message;
    };
    int64_t status_code = 0;
    std::optional<Error> error;
};

struct TopResponse {
    std::vector<std::string> titles;
    std::vector<std::vector<std::string>> processes;
};

struct FilesystemChange {
    std::string path;
    /// 0 modified, 1 added, 2 deleted.
    int64_t kind = 0;
};

/// The header X-Docker-Container-Path-Stat. MODE is Go's os.FileMode.
struct PathStat {
    std::string name;
    int64_t size = 0;
    uint32_t mode = 0;
    WallTime mtime{};
    std::string link_target;
};

struct ContainersPruneReport {
    std::vector<std::string> containers_deleted;
    int64_t space_reclaimed = 0;
    /// Of a dry run only.
    std::vector<PruneObject> objects;
};

}  // namespace gantry::spec
