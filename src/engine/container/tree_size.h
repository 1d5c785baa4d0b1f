#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"

namespace gantry::engine {

/// The bytes of all files below the directory PATH; one with several names counts once. Somebody
/// may be changing the tree meanwhile.
Result<int64_t> measure_tree(const std::string& path);

}  // namespace gantry::engine
