#pragma once

#include <cstdint>
#include <string>

namespace gantry::spec {

/// What a dry run of a prune would remove. Gantry's own: Docker has no dry run.
struct PruneObject {
    std::string id;
    std::string name;
    int64_t size = 0;
};

}  // namespace gantry::spec
