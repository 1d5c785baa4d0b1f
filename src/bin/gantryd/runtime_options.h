#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "bin/gantryd/options.h"
#include "spec/value.h"

namespace gantry::daemon {

/// daemon.json's "runtimes", {"NAME": {"path": "...", "runtimeArgs": [...]}}, as a list of values
/// for set_runtimes().
Result<std::vector<std::string>> runtime_values(const spec::Value& runtimes);

/// Adds a runtime for each of VALUES: NAME=PATH, as --add-runtime has it, or what runtime_values()
/// gave. kInvalid for a name that is taken or no name, a path that is not absolute, and a member
/// that Gantry does not have.
Result<> set_runtimes(Options& options, const std::vector<std::string>& values);

/// kInvalid unless the default runtime is one that there is.
Result<> check_default_runtime(const Options& options);

}  // namespace gantry::daemon
