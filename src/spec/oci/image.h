#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/id.h"
#include "spec/api/container_config.h"
#include "spec/oci/descriptor.h"

namespace gantry::spec::oci {

namespace media_type {
inline constexpr std::string_view kIndex = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kConfig = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view kLayer = "application/vnd.oci.image.layer.v1.tar";
inline constexpr std::string_view kLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip";
inline constexpr std::string_view kLayerZstd = "application/vnd.oci.image.layer.v1.tar+zstd";
inline constexpr std::string_view kDockerList =
    "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view kDockerManifest =
    "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view kDockerConfig = "application/vnd.docker.container.image.v1+json";
inline constexpr std::string_view kDockerLayer = "application/vnd.docker.image.rootfs.diff.tar";
inline constexpr std::string_view kDockerLayerGzip =
    "application/vnd.docker.image.rootfs.diff.tar.gzip";
}  // namespace media_type

using Annotations = std::map<std::string, std::string>;

struct Manifest {
    int64_t schema_version = 2;
    std::string media_type;
    std::string artifact_type;
    Descriptor config;
    std::vector<Descriptor> layers;
    std::optional<Descriptor> subject;
    Annotations annotations;
};

struct Index {
    int64_t schema_version = 2;
    std::string media_type;
    std::string artifact_type;
    std::vector<Descriptor> manifests;
    std::optional<Descriptor> subject;
    Annotations annotations;
};

/// Reads one of the two, and refuses a document that could be read as the other one as well
/// (CVE-2021-41190): `layers` or `config` beside `manifests`, a schema version other than 2, or a
/// mediaType of the other family.
Result<Manifest> parse_manifest(std::string_view text);
Result<Index> parse_index(std::string_view text);

enum class DocumentKind { kManifest, kIndex };
/// Which of the two TEXT is, by its members and its mediaType; kInvalid when it is neither or both.
Result<DocumentKind> document_kind(std::string_view text);

/// The file "oci-layout".
struct Layout {
    std::string image_layout_version;
};

struct RootFs {
    /// "layers".
    std::string type;
    std::vector<Digest> diff_ids;
};

struct History {
    std::optional<WallTime> created;
    std::string created_by;
    std::string author;
    std::string comment;
    bool empty_layer = false;
};

/// image-spec config.md with Docker's extensions (docker_version, container, container_config,
/// Healthcheck, OnBuild, Shell inside config).
struct ImageConfig {
    std::optional<WallTime> created;
    std::string author;
    std::string architecture;
    std::string variant;
    std::string os;
    std::string os_version;
    std::vector<std::string> os_features;
    ContainerConfig config;
    RootFs rootfs;
    std::vector<History> history;
    std::string comment;
    std::string docker_version;
    std::string container;
    std::optional<ContainerConfig> container_config;
};

/// As parse_json<ImageConfig>(), and a rootfs of another type than "layers" is refused, as are more
/// than kMaxLayers layers or history entries that do not match them.
Result<ImageConfig> parse_image_config(std::string_view text);

/// COMPAT: Docker's limit is 127 layers.
inline constexpr size_t kMaxLayers = 127;

}  // namespace gantry::spec::oci
