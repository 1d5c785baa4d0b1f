#pragma once

#include <string_view>

#include "base/error.h"

namespace gantry::engine {

/// Go's path.Match: `*` and `?` do not match "/", `[a-z]` and `[^a-z]` are classes, `\` takes the
/// next character as it is. The whole of NAME must match. kInvalid "syntax error in pattern".
/// Linear in NAME for each `*` of PATTERN, without recursion.
Result<bool> glob_match(std::string_view pattern, std::string_view name);

}  // namespace gantry::engine
