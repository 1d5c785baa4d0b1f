#include "base/clock.h"

#include <fmt/core.h>

#include <ctime>

#include "base/text.h"

namespace gantry {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

std::string format_seconds(WallTime time, nanoseconds& fraction) {
    const auto whole = std::chrono::floor<seconds>(time);
    fraction = time - whole;
    const std::time_t seconds_since_epoch = whole.time_since_epoch().count();
    std::tm parts{};
    ::gmtime_r(&seconds_since_epoch, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", parts.tm_year + 1900,
                       parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

/// Takes COUNT digits and the character AFTER from the front of TEXT.
std::optional<int> take_number(std::string_view& text, size_t count, char after) {
    const auto value = parse_uint(text.substr(0, count));
    if (text.size() <= count || !value || (after != 0 && text[count] != after)) {
        return std::nullopt;
    }
    text.remove_prefix(after != 0 ? count + 1 : count);
    return static_cast<int>(*value);
}

std::optional<nanoseconds> take_fraction(std::string_view& text) {
    if (text.empty() || text[0] != '.') {
        return nanoseconds(0);
    }
    text.remove_prefix(1);
    int64_t value = 0;
    size_t digits = 0;
    for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; text.remove_prefix(1)) {
        if (digits < 9) {
            value = value * 10 + (text[0] - '0');
        }
        ++digits;
    }
    if (digits == 0) {
        return std::nullopt;
    }
    for (; digits < 9; ++digits) {
        value *= 10;
    }
    return nanoseconds(value);
}

std::optional<seconds> parse_offset(std::string_view text) {
    if (text == "Z" || text == "z") {
        return seconds(0);
    }
    if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') {
        return std::nullopt;
    }
    const auto hours = parse_uint(text.substr(1, 2));
    const auto minutes = parse_uint(text.substr(4, 2));
    if (!hours || !minutes || *hours > 23 || *minutes > 59) {
        return std::nullopt;
    }
    const seconds offset(static_cast<int64_t>(*hours * 3600 + *minutes * 60));
    return text[0] == '-' ? -offset : offset;
}

}  // namespace

WallTime wall_now() {
    return std::chrono::time_point_cast<nanoseconds>(std::chrono::system_clock::now());
}

std::string format_rfc3339(WallTime time) {
    if (time == WallTime{}) {
        return "0001-01-01T00:00:00Z";
    }
    nanoseconds fraction{};
    std::string text = format_seconds(time, fraction);
    if (fraction.count() != 0) {
        text += fmt::format(".{:09}", fraction.count());
        text.erase(text.find_last_not_of('0') + 1);
    }
    return text + "Z";
}

std::string format_rfc3339_fixed(WallTime time) {
    nanoseconds fraction{};
    std::string text = format_seconds(time, fraction);
    return fmt::format("{}.{:09}Z", text, fraction.count());
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
    if (text == "0001-01-01T00:00:00Z") {
        return WallTime{};
    }
    const auto year = take_number(text, 4, '-');
    const auto month = take_number(text, 2, '-');
    const bool has_time = text.size() > 2 && (text[2] == 'T' || text[2] == 't');
    const auto day = take_number(text, 2, has_time ? text[2] : 'T');
    const auto hour = take_number(text, 2, ':');
    const auto minute = take_number(text, 2, ':');
    const auto second = take_number(text, 2, 0);
    if (!year || !month || !day || !hour || !minute || !second) {
        return std::nullopt;
    }
    const std::chrono::year_month_day date(std::chrono::year(*year),
                                           std::chrono::month(static_cast<unsigned>(*month)),
                                           std::chrono::day(static_cast<unsigned>(*day)));
    // Nanoseconds in 64 bits reach from 1677 to 2262.
    if (!date.ok() || *year < 1678 || *year > 2261 || *hour > 23 || *minute > 59 || *second > 60) {
        return std::nullopt;
    }
    const auto fraction = take_fraction(text);
    const auto offset = parse_offset(text);
    if (!fraction || !offset) {
        return std::nullopt;
    }
    return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(*hour) +
           std::chrono::minutes(*minute) + seconds(*second) + *fraction - *offset;
}

}  // namespace gantry
