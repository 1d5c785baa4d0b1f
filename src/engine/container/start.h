#pragma once

#include "base/error.h"
#include "engine/container/core.h"

namespace gantry::engine {

/// POST /containers/{id}/start: see ContainerService::start(). A start by a user begins the restart
/// policy's counting anew (F6).
Result<> start_container(ContainerCore& core, const EntryPtr& entry);

/// The next run of a container whose policy waits for it. Nothing to do when somebody stopped it
/// meanwhile; a start that fails ends the policy's attempts.
Result<> restart_by_policy(ContainerCore& core, const EntryPtr& entry);

/// Docker's number for a start that failed with this text: 127 not found, 126 not executable, 128
/// the rest (F5). Pure.
int start_failure_code(std::string_view text);

}  // namespace gantry::engine
