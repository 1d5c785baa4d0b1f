#pragma once

#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace gantry::spec::oci {
struct Config;
}

namespace gantry::runtime {

/// A user namespace for each mount of CONFIG that wants_idmap(), in their order, with the mount's
/// mappings or else the container's: LaunchOptions::idmap_fds. kInvalid when there are none.
Result<std::vector<UniqueFd>> make_idmaps(const spec::oci::Config& config);

}  // namespace gantry::runtime
