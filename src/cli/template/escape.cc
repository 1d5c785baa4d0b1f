#include "cli/template/escape.h"

#include <fmt/core.h>

#include "io/url.h"

namespace gantry::cli {

std::string escape_html(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '\0': out += "\ufffd"; break;
            case '"': out += "&#34;"; break;
            case '\'': out += "&#39;"; break;
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            default: out += c;
        }
    }
    return out;
}

std::string escape_js(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '\\': out += "\\\\"; break;
            case '\'': out += "\\'"; break;
            case '"': out += "\\\""; break;
            case '<':
            case '>':
            case '&':
            case '=': out += fmt::format("\\u{:04X}", static_cast<unsigned>(c)); break;
            default:
                if (const auto byte = static_cast<unsigned char>(c); byte < 0x20 || byte == 0x7f) {
                    out += fmt::format("\\u{:04X}", byte);
                } else {
                    out += c;
                }
        }
    }
    return out;
}

std::string escape_query(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += c == ' ' ? "+" : io::percent_encode(std::string_view(&c, 1));
    }
    return out;
}

std::string escape_json_html(std::string_view json) {
    std::string out;
    for (const char c : json) {
        // None of them stands outside of a string in JSON.
        if (c == '<' || c == '>' || c == '&') {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace gantry::cli
