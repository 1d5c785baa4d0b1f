#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "engine/image/image_service.h"
#include "store/images.h"

namespace gantry::engine {

/// What a removal does: names to take away, and whether the image goes, too.
struct RemovalPlan {
    /// Normalized, in the order of the answer.
    std::vector<std::string> untag;
    bool remove_image = false;
};

/// What removing an image depends on.
struct RemovalFacts {
    const store::Image& image;
    /// What the user wrote, and the name in NAMES that it means; empty if it means the image's id.
    std::string_view ref;
    std::string name;
    /// All names of the image, normalized.
    std::span<const std::string> names;
    /// The containers made from it.
    std::span<const ImageUser> users;
    bool force = false;
};

/// Docker's rules of `docker rmi` (behaviours M1). A name goes alone unless it is the last. An id
/// with names in several repositories, or an image that stopped containers use, needs force; one
/// that a running container uses stays. kConflict "conflict: unable to delete ...".
Result<RemovalPlan> plan_removal(const RemovalFacts& facts);

}  // namespace gantry::engine
