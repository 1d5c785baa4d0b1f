#include "spec/impl/csv.h"

#include <fmt/core.h>

namespace gantry::spec::impl {
namespace {

Failure parse_error(size_t column, std::string_view what) {
    return fail(Kind::kInvalid, fmt::format("parse error on line 1, column {}: {}", column, what));
}

/// The field behind an opening quote at AT; AT is left behind the closing one.
Result<std::string> quoted_field(std::string_view text, size_t& at) {
    std::string field;
    for (;;) {
        const size_t quote = text.find('"', at);
        if (quote == text.npos) {
            return parse_error(text.size() + 1, "extraneous or missing \" in quoted-field");
        }
        field += text.substr(at, quote - at);
        at = quote + 1;
        if (at == text.size() || text[at] == ',') {
            return field;
        }
        if (text[at] != '"') {
            return parse_error(at, "extraneous or missing \" in quoted-field");
        }
        field += '"';
        ++at;
    }
}

}  // namespace

Result<std::vector<std::string>> parse_csv_line(std::string_view text) {
    if (text.empty()) {
        return fail(Kind::kInvalid, "value is empty");
    }
    std::vector<std::string> fields;
    for (size_t at = 0;; ++at) {
        if (at < text.size() && text[at] == '"') {
            ++at;
            GT_TRY_VAR(field, quoted_field(text, at));
            fields.push_back(std::move(field));
        } else {
            const size_t end = std::min(text.find(',', at), text.size());
            const std::string_view field = text.substr(at, end - at);
            if (const size_t quote = field.find('"'); quote != field.npos) {
                return parse_error(at + quote + 1, "bare \" in non-quoted-field");
            }
            fields.emplace_back(field);
            at = end;
        }
        if (at >= text.size()) {
            return fields;
        }
    }
}

}  // namespace gantry::spec::impl
