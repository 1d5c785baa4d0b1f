#pragma once

#include <functional>
#include <string_view>

#include "base/error.h"
#include "io/client.h"

namespace gantry::cli {

/// Calls EACH for every non-empty line of a response that comes bit by bit, until it ends or EACH
/// fails. Lines over 16 MiB are refused.
Result<> for_each_line(io::ClientConnection connection,
                       const std::function<Result<>(std::string_view)>& each);

}  // namespace gantry::cli
