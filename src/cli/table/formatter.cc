#include "cli/table/formatter.h"

#include <algorithm>

#include "base/text.h"
#include "cli/table/tab_writer.h"
#include "cli/template/exec.h"
#include "cli/template/parser.h"

namespace gantry::cli {
namespace {

using spec::Value;

constexpr std::string_view kTable = "table";

Failure template_failure(const Error& error) {
    return fail(Kind::kInvalid, std::string(kTemplateError) + error.text());
}

std::string expand_escapes(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        const char next = i + 1 < text.size() ? text[i + 1] : '\0';
        if (text[i] == '\\' && (next == 't' || next == 'n')) {
            out += next == 't' ? '\t' : '\n';
            ++i;
        } else {
            out += text[i];
        }
    }
    return out;
}

/// The header of a label's column: the last part of "com.example.my-label", "my label".
Value label_header(const Value& key) {
    std::string name = key.is_string() ? key.as_string() : "";
    name.erase(0, name.rfind('.') + 1);
    std::ranges::replace_if(name, [](char c) { return c == '-' || c == '_'; }, ' ');
    return Value(std::move(name));
}

Result<std::string> format_header(const ListLayout& layout, const ast::Tree& tree) {
    Value headers{Value::Object()};
    for (const Column& column : layout.columns) {
        headers.set(column.name, Value(column.header));
    }
    TemplateOptions options;
    options.missing_key = TemplateOptions::MissingKey::kNoValue;
    options.functions = FunctionMode::kHeader;
    options.method = [](std::string_view name, std::span<const Value* const> arguments) {
        return name == "Label" && arguments.size() == 1 ? std::optional(label_header(*arguments[0]))
                                                        : std::nullopt;
    };
    return run_template(tree, headers, options);
}

Result<std::string> format_row(const ListLayout& layout, const ast::Tree& tree, const Row& row) {
    TemplateOptions options;
    options.row_type = layout.row_type;
    options.own_json = TemplateOptions::OwnJson::kEscapeRoot;
    options.method = [&](std::string_view name,
                         std::span<const Value* const> arguments) -> std::optional<Value> {
        if (name != "Label" || arguments.size() != 1 || !arguments[0]->is_string()) {
            return std::nullopt;
        }
        const Value* label = row.labels.find(arguments[0]->as_string());
        return label == nullptr ? Value(std::string()) : *label;
    };
    return run_template(tree, row.fields, options);
}

}  // namespace

bool mentions(std::string_view format, std::string_view name) {
    return format.find(name) != std::string_view::npos;
}

Result<std::string> apply_template(std::string_view name, std::string_view source,
                                   const Value& data, std::string_view go_type,
                                   TemplateOptions::OwnJson own_json) {
    GT_TRY_VAR(tree,
               parse_template(name, source == "json" ? "{{json .}}" : expand_escapes(source)));
    TemplateOptions options;
    options.fields = TemplateOptions::Fields::kGoNames;
    options.row_type = go_type;
    options.own_json = own_json;
    return run_template(tree, data, options);
}

Result<std::string> format_list(const ListLayout& layout, std::string_view format,
                                std::vector<Row> rows) {
    for (Row& row : rows) {
        // Go prints maps by key.
        std::ranges::sort(row.fields.as_object(), {}, &Value::Member::first);
    }
    if (format == "json") {
        format = "{{json .}}";
    }
    if (format.empty() || trim(format) == kTable) {
        format = layout.default_table;
    }
    const bool is_table = format.starts_with(kTable);
    const std::string source =
        expand_escapes(is_table ? trim(format.substr(kTable.size())) : format);
    auto tree = parse_template("", source);
    if (!tree) {
        return template_failure(tree.error());
    }
    std::string out;
    if (is_table) {
        auto header = format_header(layout, *tree);
        if (!header) {
            return template_failure(header.error());
        }
        out = *header + "\n";
    }
    for (const Row& row : rows) {
        auto line = format_row(layout, *tree, row);
        if (!line) {
            return template_failure(line.error());
        }
        out += *line + "\n";
    }
    return is_table ? align_tabs(out) : out;
}

}  // namespace gantry::cli
