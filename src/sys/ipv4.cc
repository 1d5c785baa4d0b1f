#include "sys/ipv4.h"

#include <fmt/core.h>
#include <sys/random.h>

#include "base/check.h"
#include "base/text.h"

namespace gantry::sys {
namespace {

std::optional<uint8_t> hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return static_cast<uint8_t>(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return static_cast<uint8_t>(c - 'a' + 10);
    }
    if (c >= 'A' && c <= 'F') {
        return static_cast<uint8_t>(c - 'A' + 10);
    }
    return {};
}

}  // namespace

std::string format_ipv4(Ipv4 address) {
    const uint32_t v = address.value;
    return fmt::format("{}.{}.{}.{}", v >> 24, v >> 16 & 255, v >> 8 & 255, v & 255);
}

std::optional<Ipv4> parse_ipv4(std::string_view text) {
    const auto parts = split(text, '.');
    if (parts.size() != 4) {
        return {};
    }
    Ipv4 address;
    for (const std::string_view part : parts) {
        // Some parsers take "010" for eight: refuse what may mean two things.
        const auto number = parse_uint(part);
        if (!number || *number > 255 || (part.size() > 1 && part.front() == '0')) {
            return {};
        }
        address.value = address.value << 8 | static_cast<uint32_t>(*number);
    }
    return address;
}

std::string format_prefix(const Ipv4Prefix& prefix) {
    return fmt::format("{}/{}", format_ipv4(prefix.address), prefix.length);
}

std::optional<Ipv4Prefix> parse_prefix(std::string_view text) {
    const Cut parts = cut(text, '/');
    const auto address = parse_ipv4(parts.before);
    const auto length = parse_uint(parts.after);
    if (!address || !length || *length > 32) {
        return {};
    }
    return Ipv4Prefix{*address, static_cast<uint8_t>(*length)};
}

std::string format_mac(const MacAddress& mac) {
    const auto& b = mac.bytes;
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", b[0], b[1], b[2], b[3], b[4],
                       b[5]);
}

std::optional<MacAddress> parse_mac(std::string_view text) {
    MacAddress mac;
    if (text.size() != 17) {
        return {};
    }
    for (size_t i = 0; i < 6; ++i) {
        const auto high = hex_digit(text[3 * i]);
        const auto low = hex_digit(text[3 * i + 1]);
        const bool separated = i == 5 || text[3 * i + 2] == ':' || text[3 * i + 2] == '-';
        if (!high || !low || !separated) {
            return {};
        }
        mac.bytes[i] = static_cast<uint8_t>(*high << 4 | *low);
    }
    return (mac.bytes[0] & 1) == 0 ? std::optional(mac) : std::nullopt;
}

MacAddress random_mac() {
    MacAddress mac{{0x02, 0x42}};
    GT_CHECK(::getrandom(&mac.bytes[2], 4, 0) == 4);
    return mac;
}

}  // namespace gantry::sys
