#pragma once

#include "base/unique_fd.h"

namespace gantry::runtime {

/// Shims are children of this process and end when they like. Takes the pidfd of one whose handle
/// is gone (an empty one is fine) and reaps all that have ended by now; called at every launch and
/// every end, so that at most the last one stays a zombie. Thread-safe; waits a few milliseconds at
/// most.
void remember_shim(UniqueFd pidfd);

}  // namespace gantry::runtime
