#pragma once

#include <string_view>

#include "base/error.h"

namespace gantry {

/// A named place where a test makes the program die or fail. Placed at every durable or
/// kernel-changing step of an operation, so that a sweep can stop the daemon between any two.
///
/// The environment variable GANTRY_FAILPOINTS arms them, read once: a comma-separated list of
/// NAME=kill@N (SIGKILL to ourselves at the N-th pass, counted from 1) or NAME=error@N. The name
/// `*` counts passes through all points together, which is how the crash sweep enumerates them.
/// Costs one relaxed load when nothing is armed.
Result<> failpoint(std::string_view name);

/// How often any point was passed: the sweep's upper bound. Zero when nothing is armed.
unsigned failpoints_passed();

}  // namespace gantry

/// Returns the injected error to the caller, if this pass is armed with one.
#define GT_FAILPOINT(name) GT_TRY(::gantry::failpoint(name))
