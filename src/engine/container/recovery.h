#pragma once

#include <vector>

#include "base/error.h"
#include "engine/container/core.h"

namespace gantry::engine {

/// Makes database, kernel and disk agree when the daemon starts: loads the records, adopts what
/// runs, records what ended meanwhile, removes what belongs to no container (shims, cgroups,
/// directories, --rm leftovers). Gives the containers that a restart policy wants to run now. One
/// container that cannot be brought in order is logged and does not stop the others.
Result<std::vector<EntryPtr>> recover_containers(ContainerCore& core);

}  // namespace gantry::engine
