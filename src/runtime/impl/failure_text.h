#pragma once

#include <string>

#include "base/error.h"
#include "shim/protocol.h"
#include "shim/stage.h"

namespace gantry::runtime {

/// Why a program could not be started, in runc's words, whose phrases clients match ("executable
/// file not found", "permission denied", ...). kInvalid when the config is at fault (Docker answers
/// 400), kInternal otherwise.
Error launch_failure(const shim::Answer& answer);

/// The same for a plan without a shim: "unable to start container process: ...".
Error stage_failure(const shim::ChildMessage& message);

}  // namespace gantry::runtime
