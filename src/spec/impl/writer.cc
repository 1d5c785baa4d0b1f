#include "spec/impl/writer.h"

#include <charconv>
#include <cmath>

#include "spec/impl/utf8.h"

namespace gantry::spec::impl {
namespace {

template <class T>
void append_number(std::string& text, T value) {
    char digits[24];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
    text.append(digits, end);
}

void append_escaped(std::string& out, char c) {
    constexpr std::string_view kHex = "0123456789abcdef";
    switch (c) {
        case '"': out += "\\\""; return;
        case '\\': out += "\\\\"; return;
        case '\b': out += "\\b"; return;
        case '\f': out += "\\f"; return;
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        case '\t': out += "\\t"; return;
        default: break;
    }
    out += "\\u00";
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
}

bool is_plain(char c) {
    return static_cast<unsigned char>(c) - 0x20U < 0x60U && c != '"' && c != '\\';
}

}  // namespace

void Writer::integer(int64_t value) {
    append_number(text_, value);
}

void Writer::unsigned_integer(uint64_t value) {
    append_number(text_, value);
}

void Writer::number(double value) {
    if (!std::isfinite(value)) {
        return null();
    }
    // COMPAT: Go's choice between the two forms.
    const double size = std::fabs(value);
    const bool is_scientific = size != 0 && (size < 1e-6 || size >= 1e21);
    char digits[64];
    const auto [end, error] =
        std::to_chars(digits, digits + sizeof digits, value,
                      is_scientific ? std::chars_format::scientific : std::chars_format::fixed);
    std::string_view text(digits, static_cast<size_t>(end - digits));
    if (is_scientific && text.size() > 4 && text.substr(text.size() - 4, 3) == "e-0") {
        text_ += text.substr(0, text.size() - 2);
        text_ += text.back();
        return;
    }
    text_ += text;
}

void Writer::string(std::string_view value) {
    text_ += '"';
    while (!value.empty()) {
        size_t plain = 0;
        while (plain < value.size() && is_plain(value[plain])) {
            ++plain;
        }
        text_ += value.substr(0, plain);
        value.remove_prefix(plain);
        if (value.empty()) {
            break;
        }
        const size_t length = utf8_length(value);
        if (length == 0) {
            text_ += "\\ufffd";
        } else if (length == 1 && value[0] != '\x7f') {
            append_escaped(text_, value[0]);
        } else if (value.starts_with("\xE2\x80\xA8") || value.starts_with("\xE2\x80\xA9")) {
            text_ += value[2] == '\xA8' ? "\\u2028" : "\\u2029";
        } else {
            text_ += value.substr(0, length);
        }
        value.remove_prefix(length == 0 ? 1 : length);
    }
    text_ += '"';
}

void Writer::open(char bracket) {
    text_ += bracket;
    ++depth_;
    fresh_ = true;
}

void Writer::separate() {
    if (!fresh_) {
        text_ += ',';
    }
    fresh_ = false;
    break_line();
}

void Writer::name(std::string_view name) {
    string(name);
    text_ += indent_ > 0 ? ": " : ":";
}

void Writer::close(char bracket) {
    --depth_;
    if (!fresh_) {
        break_line();
    }
    fresh_ = false;
    text_ += bracket;
}

void Writer::break_line() {
    if (indent_ > 0) {
        text_ += '\n';
        text_.append(static_cast<size_t>(indent_ * depth_), ' ');
    }
}

}  // namespace gantry::spec::impl
