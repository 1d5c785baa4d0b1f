#pragma once

#include <string_view>

#include "base/error.h"
#include "engine/container/container_service.h"
#include "engine/container/core.h"

namespace gantry::engine {

/// DELETE /containers/{id} (F8). A process that cannot be killed leaves the container in
/// Phase::kDead with an error; it is removed when the process ends.
Result<> remove_container(ContainerCore& core, const EntryPtr& entry, const RemoveOptions& options);

/// Removes a container whose run is over, for AutoRemove, a healed Phase::kDead and failed starts.
/// Logs what fails. Leaves it to another removal that is under way.
void remove_ended(ContainerCore& core, const EntryPtr& entry);

}  // namespace gantry::engine
