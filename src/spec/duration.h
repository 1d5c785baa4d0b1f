#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace gantry::spec {

/// Go's time.ParseDuration: "1h30m", "1.5s", "300ms", "-2us", "0". kInvalid in Go's wording
/// ("time: invalid duration \"x\"", "time: missing unit in duration \"5\"", "time: unknown unit
/// ...").
Result<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// Go's Duration.String: "1h30m0s", "1.5s", "300ms", "0s".
std::string format_duration(std::chrono::nanoseconds duration);

/// A point in time as clients give it for since and until (behaviours B7): seconds since 1970 with
/// an optional fraction ("1795453021.000000001"), RFC 3339, a date or time without zone (taken as
/// UTC), or a Go duration before NOW. kInvalid names the text.
Result<WallTime> parse_timestamp(std::string_view text, WallTime now);

}  // namespace gantry::spec
