#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace gantry::engine {

/// The container name in TEXT, without a leading "/" (E2). kInvalid in Docker's words otherwise.
Result<std::string> parse_container_name(std::string_view text);

/// "adjective_surname", from the second attempt on with a digit behind it (E3). ATTEMPT counts from
/// 0. The caller reserves it, and takes the short id after kNameAttempts clashes.
std::string random_name(int attempt);

constexpr int kNameAttempts = 6;

}  // namespace gantry::engine
