#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"
#include "cli/flags/flag_types.h"
#include "cli/quote.h"
#include "spec/duration.h"
#include "spec/mount.h"
#include "spec/units.h"

namespace gantry::cli {
namespace {

Failure invalid(std::string text) {
    return fail(Kind::kInvalid, std::move(text));
}

/// Why Go's strconv refuses a number.
Failure strconv_failure(std::string_view function, std::string_view text) {
    std::string_view digits = text;
    if (digits.starts_with('-') || digits.starts_with('+')) {
        digits.remove_prefix(1);
    }
    const bool is_number =
        !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
    return invalid(fmt::format("strconv.{}: parsing {}: {}", function, quote(text),
                               is_number ? "value out of range" : "invalid syntax"));
}

Result<> check_unsigned(std::string_view text, uint64_t largest) {
    const auto number = parse_go_int(text);
    if (!number || *number < 0 || static_cast<uint64_t>(*number) > largest) {
        return strconv_failure("ParseUint", text);
    }
    return {};
}

constexpr bool is_between(int64_t value, int64_t least, int64_t most) {
    return value >= least && value <= most;
}

}  // namespace

std::optional<bool> parse_go_bool(std::string_view text) {
    constexpr std::array<std::string_view, 6> kTrue = {"1", "t", "T", "TRUE", "true", "True"};
    constexpr std::array<std::string_view, 6> kFalse = {"0", "f", "F", "FALSE", "false", "False"};
    if (std::ranges::find(kTrue, text) != kTrue.end()) {
        return true;
    }
    if (std::ranges::find(kFalse, text) != kFalse.end()) {
        return false;
    }
    return std::nullopt;
}

std::optional<int64_t> parse_go_int(std::string_view text) {
    std::string digits(text);
    const bool negative = digits.starts_with('-');
    if (negative || digits.starts_with('+')) {
        digits.erase(0, 1);
    }
    int base = 10;
    if (digits.size() > 1 && digits[0] == '0') {
        const char mark = static_cast<char>(digits[1] | 0x20);
        base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
        digits.erase(0, mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
    }
    int64_t number = 0;
    if (negative) {
        digits.insert(0, "-");
    }
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, number, base);
    if (digits.empty() || error != std::errc() || stop != end) {
        return std::nullopt;
    }
    return number;
}

Result<> check_bool(std::string_view text) {
    if (!parse_go_bool(text)) {
        return strconv_failure("ParseBool", text);
    }
    return {};
}

Result<> check_int(std::string_view text) {
    return check_int64(text);
}

Result<> check_int64(std::string_view text) {
    if (!parse_go_int(text)) {
        return strconv_failure("ParseInt", text);
    }
    return {};
}

Result<> check_uint(std::string_view text) {
    return check_unsigned(text, INT64_MAX);
}

Result<> check_uint16(std::string_view text) {
    return check_unsigned(text, UINT16_MAX);
}

Result<> check_bytes(std::string_view text) {
    GT_TRY(spec::parse_ram(text));
    return {};
}

Result<> check_swap_bytes(std::string_view text) {
    return text == "-1" ? Result<>() : check_bytes(text);
}

Result<> check_duration(std::string_view text) {
    GT_TRY(spec::parse_duration(text));
    return {};
}

std::optional<int64_t> parse_nano_cpus(std::string_view text) {
    const auto [over, under, is_fraction] = cut(text, '/');
    double numerator = 0;
    double denominator = 1;
    const auto read = [](std::string_view digits, double& number) {
        const auto [stop, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), number);
        return error == std::errc() && stop == digits.data() + digits.size();
    };
    if (!read(over, numerator) || (is_fraction && !read(under, denominator)) || denominator == 0) {
        return std::nullopt;
    }
    const double nano = numerator / denominator * 1e9;
    if (nano < 0 || nano > 1e15) {
        return std::nullopt;
    }
    return static_cast<int64_t>(nano + 0.5);
}

Result<> check_decimal(std::string_view text) {
    if (!parse_nano_cpus(text)) {
        return invalid(fmt::format("failed to parse {} as a rational number", text));
    }
    return {};
}

Result<> check_env(std::string_view text) {
    if (text.empty() || text.starts_with('=')) {
        return invalid(fmt::format("invalid environment variable: {}", text));
    }
    return {};
}

Result<> check_label(std::string_view text) {
    const std::string_view key = cut(text, '=').before;
    if (key.empty()) {
        return invalid(fmt::format("invalid label '{}': empty name", text));
    }
    if (key.find_first_of(" \t\r\n\v\f") != std::string_view::npos) {
        return invalid(fmt::format("label '{}' contains whitespaces", key));
    }
    return {};
}

Result<> check_filter(std::string_view text) {
    if (text.find('=') == std::string_view::npos && !text.empty()) {
        return invalid("bad format of filter (expected name=value)");
    }
    return {};
}

Result<> check_attach(std::string_view text) {
    const std::string stream = to_lower(text);
    if (stream != "stdin" && stream != "stdout" && stream != "stderr") {
        return invalid("valid streams are STDIN, STDOUT and STDERR");
    }
    return {};
}

Result<> check_extra_host(std::string_view text) {
    const size_t separator = text.find_first_of("=:");
    if (separator == std::string_view::npos || separator == 0) {
        return invalid(fmt::format("bad format for add-host: {}", quote(text)));
    }
    std::string_view address = text.substr(separator + 1);
    if (address == "host-gateway") {
        return {};
    }
    if (address.starts_with('[') && address.ends_with(']')) {
        address = address.substr(1, address.size() - 2);
    }
    if (!check_address(address)) {
        return invalid(fmt::format("invalid IP address in add-host: {}", quote(address)));
    }
    return {};
}

Result<> check_dns_search(std::string_view text) {
    const std::string_view domain = trim(text);
    const bool good =
        domain == "." ||
        (!domain.empty() && domain.size() <= 255 && std::ranges::all_of(domain, [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   c == '-' || c == '.' || c == '_';
        }));
    if (!good) {
        return invalid(fmt::format("{} is not a valid domain", text));
    }
    return {};
}

Result<> check_link(std::string_view text) {
    if (text.empty()) {
        return invalid("empty string specified for links");
    }
    if (std::ranges::count(text, ':') > 1) {
        return invalid(fmt::format("bad format for links: {}", text));
    }
    return {};
}

Result<> check_sysctl(std::string_view text) {
    const auto [key, value, assigned] = cut(text, '=');
    constexpr std::array<std::string_view, 10> kIpc = {
        "kernel.msgmax",     "kernel.msgmnb",  "kernel.msgmni", "kernel.sem",
        "kernel.shmall",     "kernel.shmmax",  "kernel.shmmni", "kernel.shm_rmid_forced",
        "kernel.domainname", "kernel.hostname"};
    const bool known = std::ranges::find(kIpc, key) != kIpc.end() || key.starts_with("net.") ||
                       key.starts_with("fs.mqueue.");
    if (!assigned || !known) {
        return invalid(fmt::format("sysctl '{}' is not allowed", text));
    }
    return {};
}

Result<> check_ulimit(std::string_view text) {
    const auto [name, limits, assigned] = cut(text, '=');
    if (!assigned) {
        return invalid(fmt::format("invalid ulimit argument: {}", text));
    }
    constexpr std::array<std::string_view, 15> kNames = {
        "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue", "nice",
        "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack"};
    if (std::ranges::find(kNames, name) == kNames.end()) {
        return invalid(fmt::format("invalid ulimit type: {}", name));
    }
    const auto [soft_text, hard_text, has_hard] = cut(limits, ':');
    const auto soft = parse_int(soft_text);
    if (!soft) {
        return strconv_failure("ParseInt", soft_text);
    }
    if (!has_hard) {
        return {};
    }
    const auto hard = parse_int(hard_text);
    if (!hard) {
        return strconv_failure("ParseInt", hard_text);
    }
    if (*hard != -1 && (*soft == -1 || *soft > *hard)) {
        return invalid(
            fmt::format("ulimit soft limit must be less than or equal to hard limit: {} "
                        "> {}",
                        *soft, *hard));
    }
    return {};
}

Result<> check_mount(std::string_view text) {
    GT_TRY(spec::parse_mount(text));
    return {};
}

Result<> check_weight_device(std::string_view text) {
    const auto [path, weight, has_weight] = cut(text, ':');
    if (!has_weight) {
        return invalid(fmt::format("bad format: {}", text));
    }
    if (!path.starts_with("/dev/")) {
        return invalid(fmt::format("bad format for device path: {}", text));
    }
    if (const auto number = parse_int(weight);
        !number || (*number != 0 && !is_between(*number, 10, 1000))) {
        return invalid(fmt::format("invalid weight for device: {}", text));
    }
    return {};
}

Result<> check_throttle_bytes(std::string_view text) {
    const auto [path, rate, has_rate] = cut(text, ':');
    if (!has_rate) {
        return invalid(fmt::format("bad format: {}", text));
    }
    if (!path.starts_with("/dev/")) {
        return invalid(fmt::format("bad format for device path: {}", text));
    }
    if (!spec::parse_ram(rate)) {
        return invalid(
            fmt::format("invalid rate for device: {}. The correct format is "
                        "<device-path>:<number>[<unit>]. Number must be a positive "
                        "integer. Unit is optional and can be kb, mb, or gb",
                        text));
    }
    return {};
}

Result<> check_throttle_operations(std::string_view text) {
    const auto [path, rate, has_rate] = cut(text, ':');
    if (!has_rate) {
        return invalid(fmt::format("bad format: {}", text));
    }
    if (!path.starts_with("/dev/")) {
        return invalid(fmt::format("bad format for device path: {}", text));
    }
    if (!parse_uint(rate)) {
        return invalid(
            fmt::format("invalid rate for device: {}. The correct format is "
                        "<device-path>:<number>. Number must be a positive integer",
                        text));
    }
    return {};
}

Result<> check_device_rule(std::string_view text) {
    const auto parts = split(text, ' ');
    const auto is_number = [](std::string_view part) {
        return part == "*" || (!part.empty() && parse_uint(part).has_value());
    };
    const bool good = parts.size() == 3 &&
                      (parts[0] == "a" || parts[0] == "b" || parts[0] == "c") &&
                      is_number(cut(parts[1], ':').before) && is_number(cut(parts[1], ':').after) &&
                      !parts[2].empty() && parts[2].size() <= 3 &&
                      parts[2].find_first_not_of("rwm") == std::string_view::npos;
    if (!good) {
        return invalid(fmt::format("invalid device cgroup format '{}'", text));
    }
    return {};
}

}  // namespace gantry::cli
