#pragma once

#include <span>
#include <string>

#include "base/error.h"

namespace gantry::cli {

class Session;

/// inspect --as: prints what would make CONTAINERS again, as a command line each (FORM "run") or as
/// services of a compose file ("compose"). kInvalid for another form.
Result<> print_recreation(Session& session, std::span<const std::string> containers,
                          const std::string& form);

}  // namespace gantry::cli
