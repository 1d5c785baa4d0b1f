#pragma once

#include "base/error.h"
#include "engine/container/core.h"

namespace gantry::engine {

/// POST /containers/{id}/pause: every process stands still when this returns, and the database
/// knows. kConflict when it does not run, restarts, or is paused already.
Result<> pause_container(ContainerCore& core, const EntryPtr& entry);

/// POST /containers/{id}/unpause. Also lets go what somebody else has frozen behind our back.
Result<> unpause_container(ContainerCore& core, const EntryPtr& entry);

/// What the freezer says of a running container that the last daemon left: kPaused, or kRunning
/// with a freeze that was only begun taken back. The freezer is right and the database is not: the
/// daemon may have died between the two.
Phase frozen_phase(const sys::Cgroup& group);

}  // namespace gantry::engine
