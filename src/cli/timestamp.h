#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/error.h"

namespace gantry::cli {

/// What --since and --until take (RFC 3339, a date, seconds since 1970, a duration before now) as
/// the API takes it: "seconds.nanoseconds". Dates without a zone are UTC.
Result<std::string> to_unix_timestamp(std::string_view text);

/// SECONDS since 1970 in the local zone, as Go prints a time: "2026-11-23 18:25:14 +0000 UTC".
std::string format_local_time(int64_t seconds);

/// NANOSECONDS since 1970 in the local zone, RFC 3339 with nine digits of fraction.
std::string format_local_rfc3339(int64_t nanoseconds);
/// The same without a fraction.
std::string format_local_rfc3339_seconds(int64_t seconds);

/// "3 minutes ago" for a time in SECONDS since 1970.
std::string format_age(int64_t seconds);

}  // namespace gantry::cli
