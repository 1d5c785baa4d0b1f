#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace gantry::spec {

struct HealthcheckResult {
    WallTime start{};
    WallTime end{};
    int64_t exit_code = 0;
    std::string output;
};

struct Health {
    /// "starting", "healthy", "unhealthy", "none".
    std::string status;
    int64_t failing_streak = 0;
    std::vector<HealthcheckResult> log;
};

/// State of ContainerInspect. The zero WallTime means never.
struct ContainerState {
    /// "created", "running", "paused", "restarting", "removing", "exited", "dead".
    std::string status;
    /// Also while paused and while restarting (COMPAT: Docker).
    bool running = false;
    bool paused = false;
    bool restarting = false;
    bool oom_killed = false;
    bool dead = false;
    int64_t pid = 0;
    int64_t exit_code = 0;
    std::string error;
    WallTime started_at{};
    WallTime finished_at{};
    std::optional<Health> health;
};

}  // namespace gantry::spec
