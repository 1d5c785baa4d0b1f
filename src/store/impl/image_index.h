#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/id.h"
#include "store/images.h"

namespace gantry::store {

/// All images and names as they are between two commits; immutable once it is shared.
struct ImageStore::Index {
    std::map<ImageId, ImagePtr> images;
    /// Normalized "docker.io/library/x:tag" or "docker.io/library/x@sha256:...".
    std::map<std::string, ImageId> names;

    /// Adds or replaces IMAGE and points NAMES at it. Gives the names that others lost, with their
    /// ids.
    std::vector<std::pair<std::string, ImageId>> put(const std::shared_ptr<Image>& image,
                                                     std::span<const std::string> new_names);
    /// Replaces the image by one that knows its present names.
    void refresh(const ImageId& id);
};

/// Config blobs and manifests are never larger.
inline constexpr size_t kMaxImageDocument = size_t{8} << 20;

}  // namespace gantry::store
