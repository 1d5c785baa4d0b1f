#pragma once

#include <string>

#include "base/error.h"
#include "shim/protocol.h"

namespace gantry::runtime {

/// Why a program could not be started, in runc's words, whose phrases clients match ("executable
/// file not found", "permission denied", ...). kInvalid when the config is at fault (Docker answers
/// 400), kInternal otherwise.
Error launch_failure(const shim::Answer& answer);

}  // namespace gantry::runtime
