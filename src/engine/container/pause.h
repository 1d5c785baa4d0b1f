#pragma once

#include "base/error.h"
#include "engine/container/core.h"

namespace gantry::engine {

/// POST /containers/{id}/pause: every process stands still when this returns, and the database
/// knows. kConflict when it does not run, restarts, or is paused already.
Result<> pause_container(ContainerCore& core, const EntryPtr& entry);

/// POST /containers/{id}/unpause. Also lets go what somebody else has frozen behind our back.
Result<> unpause_container(ContainerCore& core, const EntryPtr& entry);

/// What the freezer says of a container that the last daemon left in PHASE. One that counts as
/// running is let go: the daemon died in a pause that nobody was told of, or while a commit held it
/// still. One that counts as paused is paused only if it stands still.
Phase settle_freezer(const sys::Cgroup& group, Phase phase);

}  // namespace gantry::engine
