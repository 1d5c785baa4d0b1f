#pragma once

#include <vector>

#include "base/error.h"
#include "runtime/plan_builder.h"
#include "spec/oci/runtime.h"

namespace gantry::standalone {

/// Runs HOOKS one after the other on the host, with STATE on their stdin. Fails with the first that
/// fails or runs past its timeout; what it wrote to stderr is part of the text.
Result<> run_hooks(const std::vector<spec::oci::Hook>& hooks, const spec::oci::State& state);

/// STATE for hooks that run in the container, where the pid is known only then.
runtime::StageOptions::HookInput hook_input(spec::oci::State state, const char* status);

}  // namespace gantry::standalone
