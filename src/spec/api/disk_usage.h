#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "spec/api/container.h"
#include "spec/api/image.h"
#include "spec/api/volume.h"

namespace gantry::spec {

/// A record of the build cache.
struct BuildCacheItem {
    std::string id;
    std::string type;
    std::string description;
    bool in_use = false;
    bool shared = false;
    int64_t size = 0;
};

/// GET /system/df up to API 1.51. A list that was asked for is an array even when empty, one that
/// was not is null.
struct DiskUsage {
    int64_t layers_size = 0;
    std::optional<std::vector<ImageSummary>> images;
    std::optional<std::vector<ContainerSummary>> containers;
    std::optional<std::vector<Volume>> volumes;
    std::optional<std::vector<BuildCacheItem>> build_cache;
};

}  // namespace gantry::spec
