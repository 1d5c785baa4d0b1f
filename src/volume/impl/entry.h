#pragma once

#include <set>

#include "base/id.h"
#include "volume/volumes.h"

namespace gantry::volume {

/// One volume in memory. Everything in it is guarded by the mutex of Volumes.
struct Volumes::Entry {
    VolumePtr volume;
    /// Containers that exist, and those that run.
    std::set<ContainerId> users{};
    std::set<ContainerId> mounted_by{};
    /// Somebody makes, removes, renames, fills or mounts it, with the mutex open.
    bool busy = false;
    /// Not recorded yet: there for its maker only.
    bool draft = false;
};

/// kNotFound, "get X: no such volume".
Failure no_such_volume(std::string_view name);

}  // namespace gantry::volume
