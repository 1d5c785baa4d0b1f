#include "spec/impl/reader.h"

#include <fmt/core.h>

#include "spec/impl/utf8.h"
#include "spec/json.h"

namespace gantry::spec::impl {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// As Go's quoteChar prints a byte in an error.
std::string quoted(char c) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
        case '\'': return R"('\'')";
        case '\n': return R"('\n')";
        case '\r': return R"('\r')";
        case '\t': return R"('\t')";
        case '\\': return R"('\\')";
        default: break;
    }
    if (byte < 0x20 || byte == 0x7F) {
        return fmt::format("'\\x{:02x}'", byte);
    }
    // COMPAT: Go takes the byte for a code point of Latin-1.
    std::string text = "'";
    append_utf8(text, byte);
    return text + "'";
}

int hex_value(char c) {
    if (is_digit(c)) {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

std::string_view go_value_name(Reader::Type type) {
    switch (type) {
        case Reader::Type::kBool: return "bool";
        case Reader::Type::kNumber: return "number";
        case Reader::Type::kString: return "string";
        case Reader::Type::kArray: return "array";
        case Reader::Type::kObject: return "object";
        case Reader::Type::kNull:
        case Reader::Type::kError: break;
    }
    return "null";
}

void Reader::skip_space() {
    const size_t at = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(at == rest_.npos ? rest_.size() : at);
}

void Reader::fail(std::string text) {
    if (!failed_) {
        failed_ = true;
        error_ = std::move(text);
        rest_ = {};
    }
}

void Reader::fail_character(std::string_view place) {
    if (rest_.empty()) {
        fail(empty_ ? "EOF" : "unexpected EOF");
    } else {
        fail(fmt::format("invalid character {} {}", quoted(rest_[0]), place));
    }
}

void Reader::fail_type(std::string_view value, std::string_view go_type) {
    if (!failed_) {
        fail(fmt::format("json: cannot unmarshal {} into Go ", value));
        error_type_ = go_type;
    }
}

void Reader::in_field(std::string_view name) {
    if (!error_type_.empty()) {
        error_path_ =
            error_path_.empty() ? std::string(name) : fmt::format("{}.{}", name, error_path_);
    }
}

Error Reader::take_error(std::string_view root) const {
    if (error_type_.empty()) {
        return {Kind::kInvalid, error_};
    }
    if (error_path_.empty()) {
        return {Kind::kInvalid, fmt::format("{}value of type {}", error_, error_type_)};
    }
    return {Kind::kInvalid, fmt::format("{}struct field {}{}{} of type {}", error_, root,
                                        root.empty() ? "" : ".", error_path_, error_type_)};
}

Reader::Type Reader::peek() {
    skip_space();
    if (failed_ || rest_.empty()) {
        fail_character({});
        return Type::kError;
    }
    empty_ = false;
    switch (rest_[0]) {
        case 'n': return Type::kNull;
        case 't':
        case 'f': return Type::kBool;
        case '"': return Type::kString;
        case '[': return Type::kArray;
        case '{': return Type::kObject;
        default: break;
    }
    if (rest_[0] == '-' || is_digit(rest_[0])) {
        return Type::kNumber;
    }
    fail_character("looking for beginning of value");
    return Type::kError;
}

void Reader::read_literal(std::string_view literal) {
    rest_.remove_prefix(1);
    for (size_t at = 1; at < literal.size(); ++at) {
        if (rest_.empty() || rest_[0] != literal[at]) {
            fail_character(fmt::format("in literal {} (expecting '{}')", literal, literal[at]));
            return;
        }
        rest_.remove_prefix(1);
    }
    fresh_ = false;
}

void Reader::read_null() {
    read_literal("null");
}

bool Reader::read_bool() {
    const bool value = rest_[0] == 't';
    read_literal(value ? "true" : "false");
    return value;
}

size_t Reader::digits() {
    size_t count = 0;
    while (count < rest_.size() && is_digit(rest_[count])) {
        ++count;
    }
    rest_.remove_prefix(count);
    return count;
}

std::string_view Reader::read_number() {
    const std::string_view start = rest_;
    fresh_ = false;
    if (rest_[0] == '-') {
        rest_.remove_prefix(1);
    }
    if (rest_.starts_with('0')) {
        rest_.remove_prefix(1);
    } else if (digits() == 0) {
        fail_character("in numeric literal");
        return {};
    }
    if (rest_.starts_with('.')) {
        rest_.remove_prefix(1);
        if (digits() == 0) {
            fail_character("after decimal point in numeric literal");
            return {};
        }
    }
    if (rest_.starts_with('e') || rest_.starts_with('E')) {
        rest_.remove_prefix(1);
        if (rest_.starts_with('+') || rest_.starts_with('-')) {
            rest_.remove_prefix(1);
        }
        if (digits() == 0) {
            fail_character("in exponent of numeric literal");
            return {};
        }
    }
    return start.substr(0, start.size() - rest_.size());
}

int Reader::read_hex4() {
    int value = 0;
    for (int count = 0; count < 4; ++count) {
        const int digit = rest_.empty() ? -1 : hex_value(rest_[0]);
        if (digit < 0) {
            fail_character("in \\u hexadecimal character escape");
            return -1;
        }
        value = value * 16 + digit;
        rest_.remove_prefix(1);
    }
    return value;
}

bool Reader::read_escape(std::string& out) {
    if (rest_.empty()) {
        fail_character({});
        return false;
    }
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kBytes = "\"\\/\b\f\n\r\t";
    if (const size_t at = kNames.find(rest_[0]); at != kNames.npos) {
        out += kBytes[at];
        rest_.remove_prefix(1);
        return true;
    }
    if (rest_[0] != 'u') {
        fail_character("in string escape code");
        return false;
    }
    rest_.remove_prefix(1);
    const int unit = read_hex4();
    if (unit < 0) {
        return false;
    }
    if (unit < 0xD800 || unit > 0xDFFF) {
        append_utf8(out, static_cast<char32_t>(unit));
        return true;
    }
    if (unit <= 0xDBFF && rest_.starts_with("\\u")) {
        const std::string_view behind = rest_;
        rest_.remove_prefix(2);
        const int low = read_hex4();
        if (low >= 0xDC00 && low <= 0xDFFF) {
            append_utf8(out,
                        static_cast<char32_t>(0x10000 + ((unit - 0xD800) << 10) + low - 0xDC00));
            return true;
        }
        if (low < 0) {
            return false;
        }
        rest_ = behind;
    }
    out += kReplacement;
    return true;
}

std::string Reader::read_string() {
    std::string out;
    fresh_ = false;
    rest_.remove_prefix(1);
    for (;;) {
        size_t plain = 0;
        while (plain < rest_.size() && rest_[plain] != '"' && rest_[plain] != '\\' &&
               static_cast<unsigned char>(rest_[plain]) - 0x20U < 0x60U) {
            ++plain;
        }
        out += rest_.substr(0, plain);
        rest_.remove_prefix(plain);
        if (rest_.empty() || static_cast<unsigned char>(rest_[0]) < 0x20) {
            fail_character("in string literal");
            return {};
        }
        if (rest_[0] == '"') {
            rest_.remove_prefix(1);
            return out;
        }
        if (rest_[0] == '\\') {
            rest_.remove_prefix(1);
            if (!read_escape(out)) {
                return {};
            }
            continue;
        }
        const size_t length = utf8_length(rest_);
        out += length == 0 ? kReplacement : rest_.substr(0, length);
        rest_.remove_prefix(length == 0 ? 1 : length);
    }
}

void Reader::enter_object() {
    rest_.remove_prefix(1);
    fresh_ = true;
    if (++depth_ > kMaxJsonDepth) {
        fail("exceeded max depth");
    }
}

void Reader::enter_array() {
    enter_object();
}

bool Reader::expect(char wanted, std::string_view place) {
    skip_space();
    if (failed_ || !rest_.starts_with(wanted)) {
        fail_character(place);
        return false;
    }
    rest_.remove_prefix(1);
    return true;
}

bool Reader::next_member(std::string& name) {
    skip_space();
    if (!failed_ && rest_.starts_with('}')) {
        rest_.remove_prefix(1);
        fresh_ = false;
        --depth_;
        return false;
    }
    if (!fresh_ && !expect(',', "after object key:value pair")) {
        return false;
    }
    skip_space();
    if (failed_ || !rest_.starts_with('"')) {
        fail_character("looking for beginning of object key string");
        return false;
    }
    name = read_string();
    return expect(':', "after object key");
}

bool Reader::next_element() {
    skip_space();
    if (!failed_ && rest_.starts_with(']')) {
        rest_.remove_prefix(1);
        fresh_ = false;
        --depth_;
        return false;
    }
    if (!fresh_ && !expect(',', "after array element")) {
        return false;
    }
    return !failed_;
}

void Reader::skip_value() {
    std::string name;
    switch (peek()) {
        case Type::kNull: return read_null();
        case Type::kBool: return static_cast<void>(read_bool());
        case Type::kNumber: return static_cast<void>(read_number());
        case Type::kString: return static_cast<void>(read_string());
        case Type::kArray:
            for (enter_array(); next_element();) {
                skip_value();
            }
            return;
        case Type::kObject:
            for (enter_object(); next_member(name);) {
                skip_value();
            }
            return;
        case Type::kError: return;
    }
}

void Reader::finish() {
    skip_space();
    if (!rest_.empty()) {
        fail("unexpected content after JSON");
    }
}

}  // namespace gantry::spec::impl
