#pragma once

#include <memory>

#include "base/error.h"
#include "engine/container/core.h"

namespace gantry::engine {

/// Listens to the run's shim from now on: its end becomes the container's end. Called once per run,
/// after the start (or the adoption) was committed, so that an end is never seen before it.
Result<> watch_run(ContainerCore& core, const EntryPtr& entry,
                   const std::shared_ptr<ContainerRun>& run);

/// Sees to it that what RUN's shim has sent so far is handled. Waits for the loop's thread: not for
/// callbacks on it.
void flush_events(ContainerCore& core, const EntryPtr& entry,
                  const std::shared_ptr<ContainerRun>& run);

/// Commits the end of RUN, announces it, answers the waiters, and then cleans up, removes or
/// restarts. Does nothing if RUN is over already. RUN is null for a run whose shim is gone when the
/// daemon starts. Blocks: for worker threads and for boot.
void finish_run(ContainerCore& core, const EntryPtr& entry,
                const std::shared_ptr<ContainerRun>& run, const runtime::Exit& exit,
                std::string reason);

/// What Docker reports when nobody knows the exit code.
inline constexpr int kUnknownExitCode = 255;

/// Gives back to the kernel what an ended run has left. Idempotent; called by whoever needs it gone
/// and comes first.
void clean_up_run(ContainerCore& core, ContainerEntry& entry,
                  const ContainerEntry::Operation& operation);

}  // namespace gantry::engine
