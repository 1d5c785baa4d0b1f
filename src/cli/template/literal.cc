#include "cli/template/literal.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace gantry::cli {
namespace {

constexpr uint32_t kLargestCodePoint = 0x10ffff;

void append_utf8(std::string& out, uint32_t code) {
    const auto put = [&](uint32_t byte) { out += static_cast<char>(static_cast<uint8_t>(byte)); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xc0 | (code >> 6));
        put(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        put(0xe0 | (code >> 12));
        put(0x80 | ((code >> 6) & 0x3f));
        put(0x80 | (code & 0x3f));
    } else {
        put(0xf0 | (code >> 18));
        put(0x80 | ((code >> 12) & 0x3f));
        put(0x80 | ((code >> 6) & 0x3f));
        put(0x80 | (code & 0x3f));
    }
}

template <class T>
bool parse_whole(std::string_view text, T& value, int base) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

/// Reads what follows a backslash and removes it from REST.
bool append_escape(std::string& out, std::string_view& rest, char delimiter) {
    if (rest.empty()) {
        return false;
    }
    const char c = rest[0];
    constexpr std::string_view kNames = "abfnrtv\\";
    constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\";
    if (const size_t known = kNames.find(c); known != std::string_view::npos || c == delimiter) {
        out += c == delimiter ? c : kValues[known];
        rest.remove_prefix(1);
        return true;
    }
    const bool octal = c >= '0' && c <= '7';
    const size_t skip = octal ? 0 : 1;
    const size_t digits = octal ? 3 : c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    uint32_t code = 0;
    if (digits == 0 || rest.size() < skip + digits ||
        !parse_whole(rest.substr(skip, digits), code, octal ? 8 : 16)) {
        return false;
    }
    rest.remove_prefix(skip + digits);
    if (octal || c == 'x') {
        out += static_cast<char>(static_cast<uint8_t>(code));
        return code < 0x100;
    }
    append_utf8(out, code);
    return code <= kLargestCodePoint && (code < 0xd800 || code > 0xdfff);
}

uint32_t first_code_point(std::string_view text) {
    const auto byte = [&](size_t i) {
        return static_cast<uint32_t>(static_cast<uint8_t>(text[i]));
    };
    switch (text.size()) {
        case 1: return byte(0);
        case 2: return ((byte(0) & 0x1f) << 6) | (byte(1) & 0x3f);
        case 3: return ((byte(0) & 0x0f) << 12) | ((byte(1) & 0x3f) << 6) | (byte(2) & 0x3f);
        default:
            return ((byte(0) & 0x07) << 18) | ((byte(1) & 0x3f) << 12) | ((byte(2) & 0x3f) << 6) |
                   (byte(3) & 0x3f);
    }
}

}  // namespace

std::optional<std::string> unquote(std::string_view literal) {
    if (literal.size() < 2) {
        return std::nullopt;
    }
    const char delimiter = literal[0];
    std::string_view rest = literal.substr(1, literal.size() - 2);
    if (delimiter == '`') {
        return std::string(rest);
    }
    std::string out;
    while (!rest.empty()) {
        const char c = rest[0];
        rest.remove_prefix(1);
        if (c != '\\') {
            out += c;
        } else if (!append_escape(out, rest, delimiter)) {
            return std::nullopt;
        }
    }
    return out;
}

bool parse_number(std::string_view text, ast::Operand& number) {
    std::string digits(text);
    std::erase(digits, '_');
    std::string_view rest = digits;
    const bool negative = !rest.empty() && rest[0] == '-';
    if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
        rest.remove_prefix(1);
    }
    int base = 10;
    if (rest.size() > 1 && rest[0] == '0' && rest.find_first_of(".eE") == std::string_view::npos) {
        const char mark = static_cast<char>(rest[1] | 0x20);
        base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
        rest.remove_prefix(mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
    } else if (rest.starts_with("0x") || rest.starts_with("0X")) {
        base = 16;
        rest.remove_prefix(2);
    }
    if (uint64_t magnitude = 0; parse_whole(rest, magnitude, base) && magnitude <= INT64_MAX) {
        const auto value = static_cast<int64_t>(magnitude);
        number.type = ast::Operand::Type::kInt;
        number.integer = negative ? -value : value;
        number.real = static_cast<double>(number.integer);
        return true;
    }
    double value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (base != 10 || rest.empty() || error != std::errc() || end != rest.data() + rest.size()) {
        return false;
    }
    number.type = ast::Operand::Type::kFloat;
    number.real = negative ? -value : value;
    return true;
}

bool parse_character(std::string_view literal, ast::Operand& number) {
    const auto text = unquote(literal);
    if (!text || text->empty() || text->size() > 4) {
        return false;
    }
    const auto lead = static_cast<uint8_t>((*text)[0]);
    const size_t expected = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (text->size() != expected) {
        return false;
    }
    number.type = ast::Operand::Type::kInt;
    number.integer = first_code_point(*text);
    number.real = static_cast<double>(number.integer);
    return true;
}

}  // namespace gantry::cli
