#pragma once

#include <vector>

#include "base/error.h"
#include "spec/oci/linux.h"

namespace gantry::runtime {

/// The device nodes below the host's /dev, for privileged containers. Without what containers have
/// of their own: pts, shm, mqueue, fd, console, and links.
Result<std::vector<spec::oci::Device>> host_devices();

}  // namespace gantry::runtime
