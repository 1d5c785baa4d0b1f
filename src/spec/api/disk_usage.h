#pragma once

#include <cstdint>
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

/// GET /system/df up to API 1.51. The four lists are arrays even when empty.
struct DiskUsage {
    int64_t layers_size = 0;
    std::vector<ImageSummary> images;
    std::vector<ContainerSummary> containers;
    std::vector<Volume> volumes;
    std::vector<BuildCacheItem> build_cache;
};

}  // namespace gantry::spec
