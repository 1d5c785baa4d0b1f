#pragma once

#include <functional>
#include <memory>

#include "base/error.h"
#include "engine/container/container_service.h"
#include "engine/container/core.h"
#include "spec/api/container.h"

namespace gantry::engine {

/// What REQUEST leaves out (zero, empty, absent) keeps its value in HOST. kConflict in Docker's
/// words for what does not go together with what is set already; HOST is then unchanged. Pure.
Result<> merge_update(spec::HostConfig& host, const spec::ContainerUpdateRequest& request);

/// What becomes of a container's record: a checked copy, for the snapshot that is present when the
/// container's turn has come.
using RecordMaker =
    std::function<Result<std::shared_ptr<ContainerRecord>>(const ContainerSnapshot& before)>;

/// Gives the container the record that MAKE makes of its present one, and announces it. The answer
/// tells what is in effect.
Result<spec::ContainerUpdateResponse> change_container(ContainerCore& core, const EntryPtr& entry,
                                                       const RecordMaker& make, Apply apply);

/// ContainerService::update().
Result<spec::ContainerUpdateResponse> update_container(ContainerCore& core, const EntryPtr& entry,
                                                       const spec::ContainerUpdateRequest& request);

/// Holds a running container to the limits of its record. For boot: a daemon that died between the
/// kernel's change and the database's has left the two apart.
void apply_recorded_limits(ContainerCore& core, const EntryPtr& entry);

}  // namespace gantry::engine
