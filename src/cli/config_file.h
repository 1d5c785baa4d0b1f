#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gantry::cli {

/// The part of docker's config.json that this client uses.
struct ConfigFile {
    /// Templates for lists without --format.
    std::string ps_format;
    std::string images_format;
    std::string stats_format;
    std::string volumes_format;
    std::string detach_keys;
    /// "key=value" filters that every prune adds to its own.
    std::vector<std::string> prune_filters;
};

/// Reads DIRECTORY/config.json. No file is no error. kInvalid if it is no JSON.
Result<ConfigFile> load_config_file(const std::string& directory);

/// DOCKER_CONFIG, else ~/.docker.
std::string default_config_dir();

}  // namespace gantry::cli
