#pragma once

#include "engine/container/lifecycle.h"

namespace gantry::engine {

/// A removal has given up on the container, and its process still did not end on SIGKILL: it waits
/// in the kernel. Everything of the run is kept until it has ended.
inline bool is_stuck(const Lifecycle& life) {
    return life.phase == Phase::kDead && life.pid != 0;
}

/// There is a process to wait for, alive in Docker's sense or not.
inline bool has_process(const Lifecycle& life) {
    return life.alive() || is_stuck(life);
}

}  // namespace gantry::engine
