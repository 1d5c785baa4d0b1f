#pragma once

#include <string>

#include "base/error.h"
#include "base/unique_fd.h"
#include "volume/volume.h"

namespace gantry::volume {

/// Docker's rules for the options of the local driver: type, o, device, and which needs which.
/// kInvalid in its words; also for `size`, which needs a project quota.
Result<> check_driver_options(const StringMap& options);

/// The file system that OPTIONS name, as a detached mount. Each part of `o` reaches the kernel by
/// itself, so that none can smuggle in another. Blocks for as long as the kernel and, for a host
/// name in addr=, the resolver need.
Result<UniqueFd> make_driver_mount(const StringMap& options);

}  // namespace gantry::volume
