#pragma once

#include "base/error.h"
#include "engine/container/core.h"
#include "spec/api/container.h"

namespace gantry::engine {

/// What REQUEST leaves out (zero, empty, absent) keeps its value in HOST. kConflict in Docker's
/// words for what does not go together with what is set already; HOST is then unchanged. Pure.
Result<> merge_update(spec::HostConfig& host, const spec::ContainerUpdateRequest& request);

/// ContainerService::update().
Result<spec::ContainerUpdateResponse> update_container(ContainerCore& core, const EntryPtr& entry,
                                                       const spec::ContainerUpdateRequest& request);

/// Holds a running container to the limits of its record. For boot: a daemon that died between the
/// kernel's change and the database's has left the two apart.
void apply_recorded_limits(ContainerCore& core, const EntryPtr& entry);

}  // namespace gantry::engine
