#include "spec/duration.h"

#include <fmt/core.h>

#include <cstdint>
#include <optional>

#include "base/text.h"

namespace gantry::spec {
namespace {

using std::chrono::nanoseconds;

constexpr uint64_t kLimit = uint64_t{1} << 63;

struct Unit {
    std::string_view name;
    uint64_t nanoseconds;
};
constexpr Unit kUnits[] = {
    {"ns", 1},
    {"us", 1'000},
    {"\xC2\xB5s", 1'000},  // U+00B5, the micro sign
    {"\xCE\xBCs", 1'000},  // U+03BC, the letter mu
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3'600'000'000'000},
};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// The digits at the front of REST; empty when they do not fit. No digits are zero.
std::optional<uint64_t> take_integer(std::string_view& rest) {
    uint64_t value = 0;
    while (!rest.empty() && is_digit(rest[0])) {
        if (value > kLimit / 10) {
            return std::nullopt;
        }
        value = value * 10 + static_cast<uint64_t>(rest[0] - '0');
        if (value > kLimit) {
            return std::nullopt;
        }
        rest.remove_prefix(1);
    }
    return value;
}

struct Fraction {
    uint64_t digits = 0;
    /// What the digits are to be divided by.
    double scale = 1;
};

/// The digits behind a point; those that do not fit are dropped.
Fraction take_fraction(std::string_view& rest) {
    Fraction fraction;
    for (; !rest.empty() && is_digit(rest[0]); rest.remove_prefix(1)) {
        if (fraction.digits < (kLimit - 9) / 10) {
            fraction.digits = fraction.digits * 10 + static_cast<uint64_t>(rest[0] - '0');
            fraction.scale *= 10;
        }
    }
    return fraction;
}

uint64_t factor_of(std::string_view unit) {
    for (const Unit& known : kUnits) {
        if (known.name == unit) {
            return known.nanoseconds;
        }
    }
    return 0;
}

Failure invalid(std::string_view text) {
    return fail(Kind::kInvalid, fmt::format("time: invalid duration \"{}\"", text));
}

/// One number with its unit, off the front of REST, added to TOTAL.
Result<> add_part(std::string_view text, std::string_view& rest, uint64_t& total) {
    const size_t before = rest.size();
    const auto whole = take_integer(rest);
    bool has_digits = rest.size() != before;
    Fraction fraction;
    if (whole && rest.starts_with('.')) {
        rest.remove_prefix(1);
        const size_t point = rest.size();
        fraction = take_fraction(rest);
        has_digits = has_digits || rest.size() != point;
    }
    if (!whole || !has_digits) {
        return invalid(text);
    }
    size_t length = 0;
    while (length < rest.size() && rest[length] != '.' && !is_digit(rest[length])) {
        ++length;
    }
    if (length == 0) {
        return fail(Kind::kInvalid, fmt::format("time: missing unit in duration \"{}\"", text));
    }
    const std::string_view unit = rest.substr(0, length);
    rest.remove_prefix(length);
    const uint64_t factor = factor_of(unit);
    if (factor == 0) {
        return fail(Kind::kInvalid,
                    fmt::format("time: unknown unit \"{}\" in duration \"{}\"", unit, text));
    }
    if (*whole > kLimit / factor) {
        return invalid(text);
    }
    // The unit is divided first, as Go does it: a power of ten by a power of ten stays exact.
    const double below_one =
        static_cast<double>(fraction.digits) * (static_cast<double>(factor) / fraction.scale);
    const uint64_t part = *whole * factor + static_cast<uint64_t>(below_one);
    if (part > kLimit || total > kLimit - part) {
        return invalid(text);
    }
    total += part;
    return {};
}

/// "5.250000000" without the zeros at its end.
std::string with_fraction(uint64_t whole, uint64_t fraction, int digits) {
    std::string text = fmt::format("{}.{:0{}}", whole, fraction, digits);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') {
        text.pop_back();
    }
    return text;
}

/// Fills a date or a time without seconds or zone up to RFC 3339.
std::optional<WallTime> parse_date(std::string_view text) {
    std::string full(text);
    size_t time = full.find('T');
    if (time == full.npos) {
        full += "T00:00:00Z";
        time = full.find('T');
    }
    const size_t zone = full.find_first_of("Z+-", time);
    std::string clock = full.substr(time, zone == full.npos ? full.npos : zone - time);
    const std::string suffix = zone == full.npos ? "Z" : full.substr(zone);
    // "T15" and "T15:04".
    if (clock.size() == 3) {
        clock += ":00:00";
    } else if (clock.size() == 6) {
        clock += ":00";
    }
    return parse_rfc3339(full.substr(0, time) + clock + suffix);
}

/// "1795453021" and "1795453021.5".
std::optional<WallTime> parse_unix(std::string_view text) {
    const Cut parts = cut(text, '.');
    const auto seconds = parse_int(parts.before);
    constexpr int64_t kMost = INT64_MAX / 1'000'000'000 - 1;
    if (!seconds || *seconds > kMost || *seconds < -kMost) {
        return std::nullopt;
    }
    int64_t nanos = 0;
    if (parts.found) {
        std::string digits(parts.after);
        if (digits.empty() || digits.size() > 9) {
            return std::nullopt;
        }
        digits.resize(9, '0');
        const auto value = parse_uint(digits);
        if (!value) {
            return std::nullopt;
        }
        nanos = static_cast<int64_t>(*value);
    }
    return WallTime(std::chrono::seconds(*seconds) + nanoseconds(nanos));
}

}  // namespace

Result<nanoseconds> parse_duration(std::string_view text) {
    std::string_view rest = text;
    const bool is_negative = rest.starts_with('-');
    if (is_negative || rest.starts_with('+')) {
        rest.remove_prefix(1);
    }
    if (rest == "0") {
        return nanoseconds(0);
    }
    if (rest.empty()) {
        return invalid(text);
    }
    uint64_t total = 0;
    while (!rest.empty()) {
        GT_TRY(add_part(text, rest, total));
    }
    if (is_negative) {
        return nanoseconds(static_cast<int64_t>(-total));
    }
    if (total >= kLimit) {
        return invalid(text);
    }
    return nanoseconds(static_cast<int64_t>(total));
}

std::string format_duration(nanoseconds duration) {
    const int64_t count = duration.count();
    if (count == 0) {
        return "0s";
    }
    const std::string sign = count < 0 ? "-" : "";
    const uint64_t size = count < 0 ? -static_cast<uint64_t>(count) : static_cast<uint64_t>(count);
    if (size < 1'000) {
        return fmt::format("{}{}ns", sign, size);
    }
    if (size < 1'000'000) {
        return sign + with_fraction(size / 1'000, size % 1'000, 3) + "\xC2\xB5s";
    }
    if (size < 1'000'000'000) {
        return sign + with_fraction(size / 1'000'000, size % 1'000'000, 6) + "ms";
    }
    const uint64_t seconds = size / 1'000'000'000;
    std::string text = sign;
    if (seconds >= 3600) {
        text += fmt::format("{}h", seconds / 3600);
    }
    if (seconds >= 60) {
        text += fmt::format("{}m", seconds / 60 % 60);
    }
    return text + with_fraction(seconds % 60, size % 1'000'000'000, 9) + "s";
}

Result<WallTime> parse_timestamp(std::string_view text, WallTime now) {
    if (const auto time = parse_unix(text)) {
        return *time;
    }
    if (const auto duration = parse_duration(text)) {
        int64_t time = 0;
        if (!__builtin_sub_overflow(now.time_since_epoch().count(), duration->count(), &time)) {
            return WallTime(nanoseconds(time));
        }
    }
    if (const auto time = parse_date(text)) {
        return *time;
    }
    return fail(Kind::kInvalid,
                fmt::format("failed to parse value \"{}\" as time or duration", text));
}

}  // namespace gantry::spec
