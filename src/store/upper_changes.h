#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gantry::store {

/// One difference between a container's root and its image's, in the numbers of the API.
struct UpperChange {
    enum class Kind { kModified = 0, kAdded = 1, kDeleted = 2 };
    std::string path;  // absolute
    Kind kind = Kind::kModified;
};

/// What an overlay's UPPER directory says has changed against BELOW, the layers under it as one
/// tree (-1: none). Sorted as a walk meets it, each directory before what is in it, names in byte
/// order; a directory counts as modified if its mode, owner or time differ or if something in it
/// came or went. What SKIP names ("etc/hosts") is left out. Both fds may be O_PATH.
///
/// Follows no link and opens no file; the container may be at work meanwhile.
Result<std::vector<UpperChange>> upper_changes(
    int upper, int below, const std::function<bool(std::string_view path)>& skip);

}  // namespace gantry::store
