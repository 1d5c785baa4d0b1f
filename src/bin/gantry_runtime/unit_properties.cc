#include "bin/gantry_runtime/unit_properties.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/text.h"

namespace gantry::standalone {

namespace {

using Value = runtime::UnitProperty::Value;

constexpr std::string_view kPrefix = "org.systemd.property.";

/// 'text' or "text", without escapes.
std::optional<std::string> parse_text(std::string_view text) {
    if (text.size() < 2 || (text.front() != '\'' && text.front() != '"') ||
        text.back() != text.front()) {
        return std::nullopt;
    }
    const std::string_view inner = text.substr(1, text.size() - 2);
    if (inner.find(text.front()) != std::string_view::npos ||
        inner.find('\\') != std::string_view::npos) {
        return std::nullopt;
    }
    return std::string(inner);
}

std::optional<Value> parse_list(std::string_view text) {
    if (!text.starts_with('[') || !text.ends_with(']')) {
        return std::nullopt;
    }
    std::vector<std::string> list;
    const std::string_view inner = trim(text.substr(1, text.size() - 2));
    for (const std::string_view item :
         inner.empty() ? std::vector<std::string_view>() : split(inner, ',')) {
        auto element = parse_text(trim(item));
        if (!element) {
            return std::nullopt;
        }
        list.push_back(std::move(*element));
    }
    return list;
}

template <class T>
std::optional<Value> in_range(std::optional<int64_t> number) {
    if (!number || *number < std::numeric_limits<T>::min() ||
        *number > std::numeric_limits<T>::max()) {
        return std::nullopt;
    }
    return static_cast<T>(*number);
}

std::optional<Value> parse_value(std::string_view text) {
    if (text == "true" || text == "false") {
        return text == "true";
    }
    const Cut typed = cut(text, ' ');
    const std::string_view number = typed.found ? trim(typed.after) : text;
    if (typed.before == "uint64" && typed.found) {
        const auto value = parse_uint(number);
        return value ? std::optional<Value>(*value) : std::nullopt;
    }
    if (typed.before == "int64" && typed.found) {
        const auto value = parse_int(number);
        return value ? std::optional<Value>(*value) : std::nullopt;
    }
    if (typed.before == "uint32" && typed.found) {
        return in_range<uint32_t>(parse_int(number));
    }
    if (typed.before == "int32" && typed.found) {
        return in_range<int32_t>(parse_int(number));
    }
    if (auto string = parse_text(text)) {
        return std::move(*string);
    }
    auto list = parse_list(text);
    return list ? std::move(list) : in_range<int32_t>(parse_int(text));
}

/// Seconds as microseconds.
std::optional<Value> in_microseconds(const Value& value) {
    constexpr uint64_t kFactor = 1000000;
    return std::visit(
        [](const auto& number) -> std::optional<Value> {
            using T = std::decay_t<decltype(number)>;
            if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
                if (std::cmp_greater_equal(number, 0) &&
                    std::cmp_less(number, std::numeric_limits<uint64_t>::max() / kFactor)) {
                    return static_cast<uint64_t>(number) * kFactor;
                }
            }
            return std::nullopt;
        },
        value);
}

}  // namespace

Result<std::vector<runtime::UnitProperty>> unit_properties(
    const std::map<std::string, std::string>& annotations) {
    std::vector<runtime::UnitProperty> properties;
    for (const auto& [key, text] : annotations) {
        if (!key.starts_with(kPrefix)) {
            continue;
        }
        std::string name = key.substr(kPrefix.size());
        auto value = parse_value(trim(text));
        if (value && name.ends_with("Sec") && !name.ends_with("USec")) {
            name.replace(name.size() - 3, 3, "USec");
            value = in_microseconds(*value);
        }
        const bool proper_name =
            name.size() >= 3 && std::ranges::all_of(name, [](unsigned char letter) {
                return std::isalnum(letter) != 0;
            });
        if (!value || !proper_name) {
            return fail(Kind::kInvalid,
                        fmt::format("annotation {}={} is no property of systemd", key, text));
        }
        properties.push_back({std::move(name), std::move(*value)});
    }
    return properties;
}

}  // namespace gantry::standalone
