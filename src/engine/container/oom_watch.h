#pragma once

#include <memory>

#include "engine/container/core.h"
#include "engine/container/run.h"

namespace gantry::engine {

/// Looks out for processes that the kernel kills in RUN's cgroup for want of memory: whichever it
/// is, the container is OOMKilled from then on and an event "oom" tells of it, while it goes on if
/// it can (COMPAT). The end of a killed first process is finish_run()'s to tell. Without a memory
/// controller nothing is seen. Ends with the run.
void watch_oom(ContainerCore& core, const EntryPtr& entry,
               const std::shared_ptr<ContainerRun>& run);

}  // namespace gantry::engine
