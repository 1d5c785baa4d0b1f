#include "spec/units.h"

#include <fmt/core.h>

#include <charconv>
#include <cmath>
#include <span>

#include "base/text.h"

namespace gantry::spec {
namespace {

constexpr std::string_view kDecimal[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"};
constexpr std::string_view kBinary[] = {"B",   "KiB", "MiB", "GiB", "TiB",
                                        "PiB", "EiB", "ZiB", "YiB"};

std::string scaled(double size, double base, std::span<const std::string_view> units,
                   int precision) {
    size_t unit = 0;
    while (size >= base && unit + 1 < units.size()) {
        size /= base;
        ++unit;
    }
    return fmt::format("{:.{}g}{}", size, precision, units[unit]);
}

/// The factor of a unit like "k", "kb" or "KiB"; 0 for what is none.
double factor_of(std::string_view unit, double base) {
    const std::string lower = to_lower(unit);
    if (lower.empty() || lower == "b") {
        return 1;
    }
    const size_t power = std::string_view("kmgtp").find(lower[0]);
    const std::string_view rest = std::string_view(lower).substr(1);
    if (power == std::string_view::npos || (!rest.empty() && rest != "b" && rest != "ib")) {
        return 0;
    }
    return std::pow(base, static_cast<double>(power + 1));
}

std::string counted(int64_t count, std::string_view unit) {
    return fmt::format("{} {}", count, unit);
}

}  // namespace

std::string human_size(double size) {
    return human_size(size, 4);
}

std::string human_size(double size, int precision) {
    return scaled(size, 1000, kDecimal, precision);
}

std::string bytes_size(double size) {
    return scaled(size, 1024, kBinary, 4);
}

namespace {

Result<int64_t> parse_bytes(std::string_view text, double base) {
    const auto refuse = [&] {
        return fail(Kind::kInvalid, fmt::format("invalid size: '{}'", text));
    };
    const size_t last = text.find_last_of("0123456789. ");
    if (last == text.npos) {
        return refuse();
    }
    // COMPAT: one space may stand before the unit.
    const std::string_view number = text.substr(0, text[last] == ' ' ? last : last + 1);
    const std::string_view unit = text.substr(last + 1);
    double size = 0;
    const char* const end = number.data() + number.size();
    const auto [stop, error] = std::from_chars(number.data(), end, size, std::chars_format::fixed);
    if (error != std::errc() || stop != end || std::signbit(size) || !std::isfinite(size)) {
        return refuse();
    }
    const double factor = factor_of(unit, base);
    if (factor == 0) {
        return fail(Kind::kInvalid, fmt::format("invalid suffix: '{}'", unit));
    }
    size *= factor;
    if (size >= 0x1p63) {
        return refuse();
    }
    return static_cast<int64_t>(size);
}

}  // namespace

Result<int64_t> parse_ram(std::string_view text) {
    return parse_bytes(text, 1024);
}

Result<int64_t> parse_size(std::string_view text) {
    return parse_bytes(text, 1000);
}

std::string human_duration(std::chrono::nanoseconds duration) {
    const double exact_hours = std::chrono::duration<double, std::ratio<3600>>(duration).count();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
    const int64_t minutes = seconds / 60;
    const auto hours = static_cast<int64_t>(exact_hours + 0.5);
    if (seconds < 1) {
        return "Less than a second";
    }
    if (seconds < 60) {
        return seconds == 1 ? "1 second" : counted(seconds, "seconds");
    }
    if (minutes < 60) {
        return minutes == 1 ? "About a minute" : counted(minutes, "minutes");
    }
    if (hours < 48) {
        return hours == 1 ? "About an hour" : counted(hours, "hours");
    }
    if (hours < 24 * 7 * 2) {
        return counted(hours / 24, "days");
    }
    if (hours < 24 * 30 * 2) {
        return counted(hours / 24 / 7, "weeks");
    }
    if (hours < 24 * 365 * 2) {
        return counted(hours / 24 / 30, "months");
    }
    return counted(static_cast<int64_t>(exact_hours) / 24 / 365, "years");
}

}  // namespace gantry::spec
