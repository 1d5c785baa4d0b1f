#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "io/url.h"

namespace gantry::api {

/// Behaviours A8: "", 0, no, false and none are false in any case, everything else is true;
/// FALLBACK when the key is absent.
bool bool_value(const io::Query& query, std::string_view key, bool fallback = false);

/// A decimal integer; empty when the key is absent or its value is "". kInvalid in Go's wording.
Result<std::optional<int64_t>> int_value(const io::Query& query, std::string_view key);

/// A decimal integer of 32 bits that must be there. kInvalid in Go's wording.
Result<uint32_t> uint32_value(const io::Query& query, std::string_view key);

/// Unix seconds with an optional fraction, "1700000000.000000001"; empty when absent, "" or "0".
/// kInvalid otherwise.
Result<std::optional<WallTime>> time_value(const io::Query& query, std::string_view key);

}  // namespace gantry::api
