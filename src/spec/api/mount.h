#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "spec/api/container_config.h"

namespace gantry::spec {

struct BindOptions {
    std::string propagation;
    bool non_recursive = false;
    bool create_mountpoint = false;
    bool read_only_non_recursive = false;
    bool read_only_force_recursive = false;
};

struct VolumeDriver {
    std::string name;
    StringMap options;
};

struct VolumeOptions {
    bool no_copy = false;
    StringMap labels;
    std::string subpath;
    std::optional<VolumeDriver> driver_config;
};

struct ImageOptions {
    std::string subpath;
};

struct TmpfsOptions {
    int64_t size_bytes = 0;
    /// Octal value written as a decimal number.
    uint32_t mode = 0;
    /// Each ["key"] or ["key", "value"].
    std::vector<std::vector<std::string>> options;
};

/// An entry of HostConfig.Mounts (--mount).
struct Mount {
    /// "bind", "volume", "tmpfs", "npipe", "cluster", "image".
    std::string type;
    std::string source;
    std::string target;
    bool read_only = false;
    std::string consistency;
    std::optional<BindOptions> bind_options;
    std::optional<VolumeOptions> volume_options;
    std::optional<ImageOptions> image_options;
    std::optional<TmpfsOptions> tmpfs_options;
};

}  // namespace gantry::spec
