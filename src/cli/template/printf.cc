#include "cli/template/printf.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "cli/quote.h"
#include "cli/template/functions.h"

namespace gantry::cli {
namespace {

using spec::Value;

constexpr size_t kMaxWidth = 1000;

struct Directive {
    bool plus = false;
    bool minus = false;
    bool sharp = false;
    bool space = false;
    bool zero = false;
    size_t width = 0;
    std::optional<size_t> precision;
    char verb = 0;
};

size_t take_number(std::string_view& rest) {
    size_t number = 0;
    while (!rest.empty() && std::isdigit(static_cast<unsigned char>(rest[0])) != 0) {
        number = std::min(number * 10 + static_cast<size_t>(rest[0] - '0'), kMaxWidth);
        rest.remove_prefix(1);
    }
    return number;
}

/// Reads what follows a '%'; the verb stays 0 if the format ends first.
Directive take_directive(std::string_view& rest) {
    Directive directive;
    for (; !rest.empty(); rest.remove_prefix(1)) {
        switch (rest[0]) {
            case '+': directive.plus = true; continue;
            case '-': directive.minus = true; continue;
            case '#': directive.sharp = true; continue;
            case ' ': directive.space = true; continue;
            case '0': directive.zero = true; continue;
            default: break;
        }
        break;
    }
    directive.width = take_number(rest);
    if (rest.starts_with('.')) {
        rest.remove_prefix(1);
        directive.precision = take_number(rest);
    }
    if (!rest.empty()) {
        directive.verb = rest[0];
        rest.remove_prefix(1);
    }
    return directive;
}

std::string wrong_verb(const Directive& directive, const Value& value) {
    if (value.is_null()) {
        return fmt::format("%!{}(<nil>)", directive.verb);
    }
    return fmt::format("%!{}({}={})", directive.verb, go_type(value), print_value(value));
}

std::string hex(std::string_view text, bool upper) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        out += upper ? fmt::format("{:02X}", byte) : fmt::format("{:02x}", byte);
    }
    return out;
}

std::string format_text(const Directive& directive, const Value& value) {
    std::string_view text = value.as_string();
    if (directive.precision && directive.verb != 'x' && directive.verb != 'X') {
        text = first_characters(text, *directive.precision);
    }
    switch (directive.verb) {
        case 'v': return directive.sharp ? quote(text) : std::string(text);
        case 's': return std::string(text);
        case 'q': return directive.sharp ? fmt::format("`{}`", text) : quote(text);
        case 'x': return hex(text, false);
        case 'X': return hex(text, true);
        default: return wrong_verb(directive, value);
    }
}

std::string format_integer(const Directive& directive, const Value& value) {
    const int64_t number = value.as_int();
    const uint64_t magnitude =
        number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
    std::string digits;
    switch (directive.verb) {
        case 'v':
        case 'd': digits = fmt::format("{}", magnitude); break;
        case 'x': digits = fmt::format("{}{:x}", directive.sharp ? "0x" : "", magnitude); break;
        case 'X': digits = fmt::format("{}{:X}", directive.sharp ? "0X" : "", magnitude); break;
        case 'o': digits = fmt::format("{}{:o}", directive.sharp ? "0" : "", magnitude); break;
        case 'b': digits = fmt::format("{}{:b}", directive.sharp ? "0b" : "", magnitude); break;
        case 'U': return fmt::format("U+{:04X}", magnitude);
        case 'c':
        case 'q': {
            const bool ascii = magnitude < 0x80 && number >= 0;
            const std::string text =
                ascii ? std::string(1, static_cast<char>(magnitude)) : "\ufffd";
            return directive.verb == 'c' ? text : "'" + text + "'";
        }
        default: return wrong_verb(directive, value);
    }
    const std::string sign = number < 0 ? "-" : directive.plus ? "+" : directive.space ? " " : "";
    if (directive.precision && digits.size() < *directive.precision) {
        digits.insert(0, *directive.precision - digits.size(), '0');
    }
    if (directive.zero && !directive.minus && digits.size() + sign.size() < directive.width) {
        digits.insert(0, directive.width - digits.size() - sign.size(), '0');
    }
    return sign + digits;
}

std::string format_real(const Directive& directive, const Value& value) {
    const double number = value.as_double();
    const int precision = static_cast<int>(directive.precision.value_or(6));
    const std::string sign = number < 0 ? "-" : directive.plus ? "+" : directive.space ? " " : "";
    const double magnitude = number < 0 ? -number : number;
    std::string digits;
    switch (directive.verb) {
        case 'f':
        case 'F': digits = fmt::format("{:.{}f}", magnitude, precision); break;
        case 'e': digits = fmt::format("{:.{}e}", magnitude, precision); break;
        case 'E': digits = fmt::format("{:.{}E}", magnitude, precision); break;
        case 'v':
        case 'g':
            digits = directive.precision ? fmt::format("{:.{}g}", magnitude, precision)
                                         : print_value(Value(magnitude));
            break;
        default: return wrong_verb(directive, value);
    }
    if (directive.zero && !directive.minus && digits.size() + sign.size() < directive.width) {
        digits.insert(0, directive.width - digits.size() - sign.size(), '0');
    }
    return sign + digits;
}

std::string format_value(const Directive& directive, const Value& value) {
    if (directive.verb == 'T') {
        return std::string(value.is_null() ? "<nil>" : go_type(value));
    }
    if (value.is_string()) {
        return format_text(directive, value);
    }
    if (value.is_int()) {
        return format_integer(directive, value);
    }
    if (value.is_double()) {
        return format_real(directive, value);
    }
    if (value.is_array()) {
        std::string out = "[";
        for (const Value& element : value.as_array()) {
            out += &element == &value.as_array().front() ? "" : " ";
            out += format_value(directive, element);
        }
        return out + "]";
    }
    const bool fits = directive.verb == 'v' || (value.is_bool() && directive.verb == 't') ||
                      (value.is_object() && directive.verb == 's');
    return fits ? print_value(value) : wrong_verb(directive, value);
}

void append_padded(std::string& out, const Directive& directive, const std::string& text) {
    const size_t length = count_characters(text);
    const size_t blanks = directive.width > length ? directive.width - length : 0;
    out.append(directive.minus ? 0 : blanks, ' ');
    out += text;
    out.append(directive.minus ? blanks : 0, ' ');
}

}  // namespace

std::string template_printf(std::string_view format, std::span<const Value* const> arguments) {
    std::string out;
    size_t used = 0;
    while (!format.empty()) {
        const size_t percent = std::min(format.find('%'), format.size());
        out += format.substr(0, percent);
        format.remove_prefix(percent);
        if (format.empty()) {
            break;
        }
        format.remove_prefix(1);
        const Directive directive = take_directive(format);
        if (directive.verb == 0) {
            out += "%!(NOVERB)";
        } else if (directive.verb == '%') {
            out += '%';
        } else if (used == arguments.size()) {
            out += fmt::format("%!{}(MISSING)", directive.verb);
        } else {
            append_padded(out, directive, format_value(directive, *arguments[used++]));
        }
    }
    if (used < arguments.size()) {
        out += "%!(EXTRA ";
        for (size_t i = used; i < arguments.size(); ++i) {
            out += fmt::format("{}{}={}", i == used ? "" : ", ", go_type(*arguments[i]),
                               print_value(*arguments[i]));
        }
        out += ')';
    }
    return out;
}

}  // namespace gantry::cli
