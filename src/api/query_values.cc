#include "api/query_values.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <string>

#include "base/text.h"

namespace gantry::api {
namespace {

constexpr size_t kNanoDigits = 9;
/// What 64 bits of nanoseconds can hold.
constexpr int64_t kLastSecond = std::numeric_limits<int64_t>::max() / 1'000'000'000 - 1;

Failure not_a_number(std::string_view text) {
    return fail(Kind::kInvalid, fmt::format("strconv.Atoi: parsing \"{}\": invalid syntax", text));
}

/// "5" is half a second.
std::optional<int64_t> parse_fraction(std::string_view text) {
    std::string digits(text.substr(0, kNanoDigits));
    digits.resize(kNanoDigits, '0');
    const auto value = parse_uint(digits);
    return value ? std::optional(static_cast<int64_t>(*value)) : std::nullopt;
}

}  // namespace

bool bool_value(const io::Query& query, std::string_view key, bool fallback) {
    const std::string* value = query.find(key);
    if (value == nullptr) {
        return fallback;
    }
    constexpr std::array<std::string_view, 5> kFalse{"", "0", "no", "false", "none"};
    return std::ranges::none_of(
        kFalse, [&](std::string_view word) { return equals_ignoring_case(trim(*value), word); });
}

Result<std::optional<int64_t>> int_value(const io::Query& query, std::string_view key) {
    const std::string_view text = query.get(key);
    if (text.empty()) {
        return std::optional<int64_t>();
    }
    const std::optional<int64_t> value = parse_int(text);
    if (!value) {
        return not_a_number(text);
    }
    return value;
}

Result<uint32_t> uint32_value(const io::Query& query, std::string_view key) {
    const std::string_view text = query.get(key);
    const auto value = parse_uint(text);
    if (!value || *value > std::numeric_limits<uint32_t>::max()) {
        return not_a_number(text);
    }
    return static_cast<uint32_t>(*value);
}

Result<std::optional<WallTime>> time_value(const io::Query& query, std::string_view key) {
    const std::string_view text = query.get(key);
    if (text.empty() || text == "0") {
        return std::optional<WallTime>();
    }
    const Cut parts = cut(text, '.');
    const auto seconds = parse_int(parts.before);
    const auto nanos = parse_fraction(parts.after);
    if (!seconds || !nanos || *seconds > kLastSecond || *seconds < -kLastSecond) {
        return fail(Kind::kInvalid, fmt::format("invalid value for \"{}\": {}", key, text));
    }
    return std::optional(
        WallTime(std::chrono::seconds(*seconds) + std::chrono::nanoseconds(*nanos)));
}

}  // namespace gantry::api
