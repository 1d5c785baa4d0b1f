#pragma once

#include <string_view>

#include "spec/mount.h"

namespace gantry::spec::impl {

/// Reads the third part of a -v into SPEC: a comma list of rw|ro, z|Z, nocopy, a propagation and a
/// consistency, each kind at most once. False, with SPEC in any state, for other lists.
bool apply_mount_mode(std::string_view mode, BindSpec& spec);

bool is_propagation(std::string_view word);

}  // namespace gantry::spec::impl
