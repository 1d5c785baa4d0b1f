#include "cli/timestamp.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "base/clock.h"
#include "spec/duration.h"
#include "spec/units.h"

namespace gantry::cli {
namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;

tm local(int64_t seconds) {
    const time_t time = seconds;
    tm parts = {};
    (void)::localtime_r(&time, &parts);
    return parts;
}

/// "Z" or "+02:00".
std::string zone_offset(const tm& parts) {
    if (parts.tm_gmtoff == 0) {
        return "Z";
    }
    const long minutes = (parts.tm_gmtoff < 0 ? -parts.tm_gmtoff : parts.tm_gmtoff) / 60;
    return fmt::format("{}{:02}:{:02}", parts.tm_gmtoff < 0 ? '-' : '+', minutes / 60,
                       minutes % 60);
}

std::string format(const tm& parts, const char* pattern) {
    std::array<char, 128> buffer = {};
    return {buffer.data(), std::strftime(buffer.data(), buffer.size(), pattern, &parts)};
}

}  // namespace

Result<std::string> to_unix_timestamp(std::string_view text) {
    GT_TRY_VAR(time, spec::parse_timestamp(text, wall_now()));
    const int64_t nanos = time.time_since_epoch().count();
    return fmt::format("{}.{:09}", nanos / kNanosPerSecond, nanos % kNanosPerSecond);
}

std::string format_local_time(int64_t seconds) {
    return format(local(seconds), "%Y-%m-%d %H:%M:%S %z %Z");
}

std::string format_local_rfc3339(int64_t nanoseconds) {
    const tm parts = local(nanoseconds / kNanosPerSecond);
    return fmt::format("{}.{:09}{}", format(parts, "%Y-%m-%dT%H:%M:%S"),
                       nanoseconds % kNanosPerSecond, zone_offset(parts));
}

std::string format_local_rfc3339_seconds(int64_t seconds) {
    const tm parts = local(seconds);
    return format(parts, "%Y-%m-%dT%H:%M:%S") + zone_offset(parts);
}

std::string format_age(int64_t seconds) {
    // Foreign numbers must not overflow nanoseconds: the years 1678 to 2262 are enough.
    constexpr int64_t kLimit = 9'000'000'000;
    const WallTime time{std::chrono::seconds(std::clamp(seconds, -kLimit, kLimit))};
    return spec::human_duration(wall_now() - time) + " ago";
}

}  // namespace gantry::cli
