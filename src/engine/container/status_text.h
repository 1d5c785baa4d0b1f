#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/container/lifecycle.h"

namespace gantry::engine {

/// "Up 2 minutes", "Exited (0) 3 hours ago", "Created" (F1). Pure.
std::string status_text(const Lifecycle& life, WallTime now);

/// The command as a list shows it: arguments with spaces in single quotes. Pure.
std::string command_text(const std::vector<std::string>& argv);

}  // namespace gantry::engine
