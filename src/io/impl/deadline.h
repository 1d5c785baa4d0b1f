#pragma once

#include <algorithm>
#include <chrono>
#include <limits>

namespace gantry::io {

using Deadline = std::chrono::steady_clock::time_point;

/// What poll(2) takes: whole milliseconds, rounded up so that a wait never spins at its end.
inline int poll_timeout(Deadline deadline) {
    const auto now = std::chrono::steady_clock::now();
    if (deadline <= now) {
        return 0;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
    return static_cast<int>(std::min<long>(left, std::numeric_limits<int>::max()));
}

}  // namespace gantry::io
