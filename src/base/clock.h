#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace gantry {

/// Wall-clock time in nanoseconds since 1970 UTC: what records and answers carry. Durations and
/// deadlines use std::chrono::steady_clock instead, which no clock step can move.
using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;

WallTime wall_now();

/// Go's RFC3339Nano in UTC: "2026-11-23T18:25:14.123456789Z" without trailing zeros of the
/// fraction. The zero WallTime{} is printed as "0001-01-01T00:00:00Z", Docker's "never".
std::string format_rfc3339(WallTime time);

/// As above with all nine digits of the fraction (log time stamps).
std::string format_rfc3339_fixed(WallTime time);

/// RFC 3339 with any fraction and any offset; "0001-01-01T00:00:00Z" gives WallTime{}. Empty on
/// anything else.
std::optional<WallTime> parse_rfc3339(std::string_view text);

}  // namespace gantry
