#pragma once

#include <string_view>

namespace gantry::engine {

/// Whether the entry at PATH ("etc/hosts") of a container's UPPER directory is nothing but a place
/// that a start made to mount something on, or .dockerenv: no change of the container's, so diff
/// does not tell it and commit does not keep it. It counts as the container's once it holds
/// something.
bool is_setup_file(int upper, std::string_view path);

}  // namespace gantry::engine
