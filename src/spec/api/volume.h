#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "spec/api/container_config.h"

namespace gantry::spec {

struct VolumeUsage {
    int64_t ref_count = -1;
    int64_t size = -1;
};

struct Volume {
    std::string name;
    std::string driver;
    std::string mountpoint;
    std::optional<WallTime> created_at;
    /// Printed as null when absent.
    std::optional<StringMap> labels;
    std::string scope;
    std::optional<StringMap> options;
    /// Only in GET /system/df.
    std::optional<VolumeUsage> usage_data;
};

struct VolumeList {
    std::vector<Volume> volumes;
    /// Printed as null when empty.
    std::vector<std::string> warnings;
};

struct VolumeCreateRequest {
    std::string name;
    std::string driver;
    StringMap driver_opts;
    StringMap labels;
};

struct VolumesPruneReport {
    std::vector<std::string> volumes_deleted;
    int64_t space_reclaimed = 0;
};

}  // namespace gantry::spec
