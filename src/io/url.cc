#include "io/url.h"

#include "base/text.h"

namespace gantry::io {
namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

std::optional<std::string> decode_query_part(std::string_view text) {
    std::string blanks(text);
    for (char& c : blanks) {
        c = c == '+' ? ' ' : c;
    }
    return percent_decode(blanks);
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (i + 2 >= text.size()) {
            return std::nullopt;
        }
        const int high = hex_value(text[i + 1]);
        const int low = hex_value(text[i + 2]);
        if (high < 0 || low < 0 || (high == 0 && low == 0)) {
            return std::nullopt;
        }
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

std::string percent_encode(std::string_view text) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (is_unreserved(c)) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += kDigits[byte >> 4];
        out += kDigits[byte & 15];
    }
    return out;
}

std::optional<Query> Query::parse(std::string_view text) {
    Query query;
    for (const std::string_view part : split(text, '&')) {
        if (part.empty()) {
            continue;
        }
        const Cut pair = cut(part, '=');
        auto key = decode_query_part(pair.before);
        auto value = decode_query_part(pair.after);
        if (!key || !value) {
            return std::nullopt;
        }
        query.add(std::move(*key), std::move(*value));
    }
    return query;
}

const std::string* Query::find(std::string_view key) const {
    for (const auto& [name, value] : values_) {
        if (name == key) {
            return &value;
        }
    }
    return nullptr;
}

std::string_view Query::get(std::string_view key) const {
    const std::string* value = find(key);
    return value == nullptr ? std::string_view() : std::string_view(*value);
}

std::vector<std::string> Query::all(std::string_view key) const {
    std::vector<std::string> out;
    for (const auto& [name, value] : values_) {
        if (name == key) {
            out.push_back(value);
        }
    }
    return out;
}

void Query::add(std::string key, std::string value) {
    values_.emplace_back(std::move(key), std::move(value));
}

std::string Query::to_string() const {
    std::string out;
    for (const auto& [name, value] : values_) {
        out += out.empty() ? "" : "&";
        out += percent_encode(name);
        out += '=';
        out += percent_encode(value);
    }
    return out;
}

}  // namespace gantry::io
