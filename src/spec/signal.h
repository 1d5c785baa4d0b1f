#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace gantry::spec {

/// "KILL", "sigkill", "SIGRTMIN+3", "SIGRTMAX-1", "9". The number is one Linux has (1..64).
/// kInvalid "invalid signal: FOO".
Result<int> parse_signal(std::string_view text);

/// "SIGKILL", "SIGRTMIN+3"; the number itself for one without a name.
std::string format_signal(int number);

}  // namespace gantry::spec
