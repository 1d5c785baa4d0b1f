#include "cli/quote.h"

#include <fmt/core.h>

namespace gantry::cli {
namespace {

/// Bytes of the well-formed UTF-8 sequence at the start of TEXT, or 0.
size_t sequence_length(std::string_view text) {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) {
        return 1;
    }
    const size_t length = first >= 0xf0 && first < 0xf5   ? 4
                          : first >= 0xe0 && first < 0xf0 ? 3
                          : first >= 0xc2 && first < 0xe0 ? 2
                                                          : 0;
    if (length == 0 || text.size() < length) {
        return 0;
    }
    for (size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) {
            return 0;
        }
    }
    const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
    const bool outside = (first == 0xed && byte(1) >= 0xa0) || (first == 0xf4 && byte(1) >= 0x90);
    return overlong || outside ? 0 : length;
}

size_t step(std::string_view text) {
    const size_t length = sequence_length(text);
    return length == 0 ? 1 : length;
}

void append_escaped(std::string& out, char c) {
    switch (c) {
        case '"': out += "\\\""; return;
        case '\\': out += "\\\\"; return;
        case '\a': out += "\\a"; return;
        case '\b': out += "\\b"; return;
        case '\f': out += "\\f"; return;
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        case '\t': out += "\\t"; return;
        case '\v': out += "\\v"; return;
        default: break;
    }
    if (const auto byte = static_cast<unsigned char>(c); byte < 0x20 || byte == 0x7f) {
        out += fmt::format("\\x{:02x}", byte);
    } else {
        out += c;
    }
}

}  // namespace

std::string quote(std::string_view text) {
    std::string out = "\"";
    while (!text.empty()) {
        const size_t length = sequence_length(text);
        if (length == 0) {
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
        } else if (length == 1) {
            append_escaped(out, text[0]);
        } else if (length == 2 && text[0] == '\xc2' && static_cast<unsigned char>(text[1]) < 0xa0) {
            // The C1 controls: terminals obey them like ESC sequences.
            out += fmt::format("\\u{:04x}", static_cast<unsigned char>(text[1]));
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return out + '"';
}

size_t count_characters(std::string_view text) {
    size_t count = 0;
    for (; !text.empty(); text.remove_prefix(step(text))) {
        ++count;
    }
    return count;
}

std::string_view first_characters(std::string_view text, size_t count) {
    std::string_view rest = text;
    for (; count > 0 && !rest.empty(); --count) {
        rest.remove_prefix(step(rest));
    }
    return text.substr(0, text.size() - rest.size());
}

std::string ellipsis(std::string_view text, size_t width) {
    if (count_characters(text) <= width) {
        return std::string(text);
    }
    if (width == 0) {
        return {};
    }
    return std::string(first_characters(text, width - 1)) + "…";
}

}  // namespace gantry::cli
