#pragma once

#include "base/error.h"
#include "base/unique_fd.h"
#include "engine/container/core.h"
#include "engine/container/mount_plan.h"

namespace gantry::engine {

/// What PLAN, of RECORD, mounts (not a tmpfs) as a detached mount with the attributes that a start
/// would give it. A volume is mounted already.
Result<UniqueFd> open_live_source(const ContainerCore& core, const ContainerRecord& record,
                                  const PlannedMount& plan);

}  // namespace gantry::engine
