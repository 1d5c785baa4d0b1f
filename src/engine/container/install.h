#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/container/core.h"
#include "engine/container/live_mounts.h"
#include "engine/container/revision.h"

namespace gantry::engine {

/// What came of a change of a container's record.
struct Installed {
    int64_t revision = 0;
    std::vector<Part> changed;
    /// What the running process does not have yet; of a container that does not run, what changed
    /// and only matters once it does.
    std::vector<Part> waiting;
};

/// Makes NEXT, a checked and completely planned copy of the container's record, its record: the
/// kernel's part of a running container first (limits, ports, mounts), then the database, then
/// everybody. All or nothing; a daemon that dies in between leaves the old revision or the new one,
/// and the next one makes the kernel agree. A record without any difference makes no revision.
///
/// A mount that is in use is kConflict, or waits for the next start, as BUSY says.
///
/// Volumes that NEXT names without their ids are found or made, and filled.
Result<Installed> install_record(ContainerCore& core, ContainerEntry& entry,
                                 const ContainerEntry::Operation& operation,
                                 std::shared_ptr<ContainerRecord> next, LiveMounts::Busy busy,
                                 std::vector<std::string>& warnings);

}  // namespace gantry::engine
