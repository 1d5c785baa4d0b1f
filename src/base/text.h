#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gantry {

/// Lower-case hex of BYTES.
std::string to_hex(std::span<const unsigned char> bytes);

/// The parts of TEXT between SEPARATORs, empty ones included; one empty part for an empty TEXT.
std::vector<std::string_view> split(std::string_view text, char separator);

std::string join(std::span<const std::string> parts, std::string_view separator);

/// TEXT without white space (space, tab, CR, LF, VT, FF) at its ends.
std::string_view trim(std::string_view text);

/// ASCII only; other bytes stay.
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
bool equals_ignoring_case(std::string_view a, std::string_view b);

/// Decimal digits, with one leading minus sign for signed types, and nothing else; empty on
/// anything else and out of range.
std::optional<int64_t> parse_int(std::string_view text);
std::optional<uint64_t> parse_uint(std::string_view text);
/// Octal digits only, for file modes.
std::optional<uint32_t> parse_octal(std::string_view text);

/// The text before the first SEPARATOR and the text after it; the second is empty when there is
/// none.
struct Cut {
    std::string_view before;
    std::string_view after;
    bool found;
};
Cut cut(std::string_view text, char separator);

}  // namespace gantry
