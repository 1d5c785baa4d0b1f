#include "engine/container/status_text.h"

#include <fmt/core.h>

#include "engine/container/health.h"
#include "spec/units.h"

namespace gantry::engine {

namespace {

std::string ago(WallTime since, WallTime now) {
    return spec::human_duration(now - since) + " ago";
}

/// COMPAT: Docker puts single quotes around arguments with spaces and escapes nothing.
std::string quoted(const std::string& argument) {
    return argument.find(' ') == std::string::npos ? argument : fmt::format("'{}'", argument);
}

std::string health_text(const Lifecycle& life) {
    if (!life.health) {
        return "";
    }
    return life.health->status == HealthStatus::kStarting
               ? " (health: starting)"
               : fmt::format(" ({})", health_name(life.health->status));
}

}  // namespace

std::string status_text(const Lifecycle& life, WallTime now) {
    switch (life.phase) {
        case Phase::kCreated: return "Created";
        case Phase::kRunning:
            return "Up " + spec::human_duration(now - life.started_at) + health_text(life);
        case Phase::kPaused:
            return "Up " + spec::human_duration(now - life.started_at) + " (Paused)";
        case Phase::kRestarting:
            return fmt::format("Restarting ({}) {}", life.exit_code, ago(life.finished_at, now));
        case Phase::kRemoving: return "Removal In Progress";
        case Phase::kDead: return "Dead";
        case Phase::kExited: break;
    }
    return life.finished_at == WallTime{}
               ? ""
               : fmt::format("Exited ({}) {}", life.exit_code, ago(life.finished_at, now));
}

std::string command_text(const std::vector<std::string>& argv) {
    std::string text;
    for (const std::string& argument : argv) {
        if (!text.empty()) {
            text += ' ';
        }
        text += quoted(argument);
    }
    return text;
}

}  // namespace gantry::engine
