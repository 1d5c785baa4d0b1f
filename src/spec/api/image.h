#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "spec/api/container.h"
#include "spec/api/container_config.h"
#include "spec/api/prune.h"
#include "spec/oci/descriptor.h"

namespace gantry::spec {

struct RootFsInspect {
    std::string type;
    std::vector<std::string> layers;
};

struct ImageMetadata {
    WallTime last_tag_time{};
};

/// What the Config of ImageInspect held below API 1.50, all zero.
struct LegacyImageConfig {
    std::string hostname;
    std::string domainname;
    bool attach_stdin = false;
    bool attach_stdout = false;
    bool attach_stderr = false;
    bool tty = false;
    bool open_stdin = false;
    bool stdin_once = false;
    std::string image;
};

/// Config of ImageInspect: what an image can say of ContainerConfig. The members of
/// `legacy` stand inline.
struct ImageRunConfig {
    std::optional<LegacyImageConfig> legacy;
    std::vector<std::string> cmd;
    std::optional<std::vector<std::string>> entrypoint;
    std::vector<std::string> env;
    StringMap labels;
    std::vector<std::string> on_build;
    std::string user;
    StringSet volumes;
    std::string working_dir;
    StringSet exposed_ports;
    std::string stop_signal;
    std::optional<HealthConfig> healthcheck;
    std::vector<std::string> shell;
    bool args_escaped = false;
};

/// GET /images/{name}/json.
struct ImageInspect {
    std::string id;
    std::vector<std::string> repo_tags;
    std::vector<std::string> repo_digests;
    std::string parent;
    std::string comment;
    std::optional<WallTime> created;
    /// Before API 1.45: "" and the empty config.
    std::optional<std::string> container;
    std::optional<ContainerConfig> container_config;
    std::string docker_version;
    std::string author;
    ImageRunConfig config;
    std::string architecture;
    std::string variant;
    std::string os;
    std::string os_version;
    int64_t size = 0;
    /// Before API 1.44.
    std::optional<int64_t> virtual_size;
    /// Before API 1.52.
    std::optional<GraphDriver> graph_driver;
    RootFsInspect root_fs;
    ImageMetadata metadata;
    std::optional<oci::Descriptor> descriptor;
};

/// One line of GET /images/json.
struct ImageSummary {
    std::string id;
    std::string parent_id;
    std::vector<std::string> repo_tags;
    std::vector<std::string> repo_digests;
    /// Seconds since 1970.
    int64_t created = 0;
    int64_t size = 0;
    /// -1: not computed.
    int64_t shared_size = -1;
    std::optional<int64_t> virtual_size;
    /// Printed as null when absent, {} when there and empty.
    std::optional<StringMap> labels;
    int64_t containers = -1;
    std::optional<oci::Descriptor> descriptor;
};

struct HistoryItem {
    /// "<missing>" where the layer's image is not here.
    std::string id;
    int64_t created = 0;
    std::string created_by;
    /// Printed as null when empty.
    std::vector<std::string> tags;
    int64_t size = 0;
    std::string comment;
};

/// Exactly one of the two is set.
struct ImageDeleteItem {
    std::string untagged;
    std::string deleted;
};

struct ImagesPruneReport {
    std::vector<ImageDeleteItem> images_deleted;
    int64_t space_reclaimed = 0;
    /// Of a dry run only.
    std::vector<PruneObject> objects;
};

/// {"Id": ...} of commit.
struct IdResponse {
    std::string id;
};

}  // namespace gantry::spec
