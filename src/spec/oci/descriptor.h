#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/id.h"

namespace gantry::spec::oci {

/// image-spec descriptor.md, "platform".
struct Platform {
    std::string architecture;
    std::string os;
    std::string os_version;
    std::vector<std::string> os_features;
    std::string variant;
};

/// image-spec descriptor.md. Parsing refuses a digest that is not one (parse_digest()) and a size
/// below zero.
struct Descriptor {
    std::string media_type;
    Digest digest;
    int64_t size = 0;
    std::vector<std::string> urls;
    std::map<std::string, std::string> annotations;
    std::optional<Platform> platform;
    std::string artifact_type;
};

}  // namespace gantry::spec::oci
