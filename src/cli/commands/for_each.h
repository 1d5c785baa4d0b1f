#pragma once

#include <functional>
#include <span>
#include <string>

#include "cli/session.h"

namespace gantry::cli {

/// Runs a call for each argument of a command like stop or rm. The calls are under way together, 16
/// at a time, since each may take as long as a container needs to stop; the answers come in the
/// order of the arguments. Prints each argument that went well and then the errors; the exit status
/// is 1 if there was any.
int for_each_argument(Session& session, std::span<const std::string> arguments,
                      const std::function<ApiRequest(const std::string&)>& request);

/// As above, one after the other, where WORK gives what to print.
int for_each_in_turn(Session& session, std::span<const std::string> arguments,
                     const std::function<Result<std::string>(const std::string&)>& work);

}  // namespace gantry::cli
