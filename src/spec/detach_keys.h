#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace gantry::spec {

/// ctrl-p, ctrl-q.
inline constexpr std::string_view kDefaultDetachKeys = "\x10\x11";

/// A comma list of single characters, "ctrl-<a-z@[\]^_>" and "DEL", as bytes; kDefaultDetachKeys
/// for an empty text (behaviours C7). kInvalid "Unknown character: 'xyz'" for others and "invalid
/// detach keys (x) provided" around it is the caller's.
Result<std::string> parse_detach_keys(std::string_view text);

}  // namespace gantry::spec
