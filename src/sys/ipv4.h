#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gantry::sys {

/// An IPv4 address as a number in host byte order. 0.0.0.0 is "any".
struct Ipv4 {
    uint32_t value = 0;

    bool is_any() const { return value == 0; }
    bool is_loopback() const { return value >> 24 == 127; }
    auto operator<=>(const Ipv4&) const = default;
};

std::string format_ipv4(Ipv4 address);
/// Four decimal numbers 0..255 without leading zeros; empty on anything else.
std::optional<Ipv4> parse_ipv4(std::string_view text);

/// An address with the length of its network part, "172.17.0.1/16".
struct Ipv4Prefix {
    Ipv4 address;
    uint8_t length = 0;

    uint32_t mask() const { return length == 0 ? 0 : ~uint32_t{0} << (32 - length); }
    Ipv4 network() const { return {address.value & mask()}; }
    Ipv4 broadcast() const { return {address.value | ~mask()}; }
    bool contains(Ipv4 other) const { return (other.value & mask()) == network().value; }
    bool overlaps(const Ipv4Prefix& other) const {
        return contains(other.network()) || other.contains(network());
    }
    auto operator<=>(const Ipv4Prefix&) const = default;
};

std::string format_prefix(const Ipv4Prefix& prefix);
std::optional<Ipv4Prefix> parse_prefix(std::string_view text);

struct MacAddress {
    std::array<uint8_t, 6> bytes{};

    auto operator<=>(const MacAddress&) const = default;
};

/// "02:42:ac:11:00:02"
std::string format_mac(const MacAddress& mac);
/// Six pairs of hex digits with ':' or '-' between; empty on anything else and on a multicast one.
std::optional<MacAddress> parse_mac(std::string_view text);
/// Locally administered, unicast, from getrandom(2), beginning with 02:42 like Docker's.
MacAddress random_mac();

}  // namespace gantry::sys
