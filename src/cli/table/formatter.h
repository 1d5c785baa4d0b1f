#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/template/exec.h"
#include "spec/value.h"

namespace gantry::cli {

/// One placeholder of a list and the header of its column.
struct Column {
    std::string_view name;
    std::string_view header;
};

/// One line of a list: its placeholders as an object, and labels for `.Label "key"`.
struct Row {
    spec::Value fields;
    spec::Value labels = {};
};

/// What a list can show and how it does so by itself.
struct ListLayout {
    /// How Go calls the type in errors: "*formatter.ContainerContext".
    std::string_view row_type;
    std::span<const Column> columns;
    /// A template: what `table` alone means.
    std::string_view default_table;
};

/// What stands before the reason in the errors of lists.
inline constexpr std::string_view kTemplateError = "template parsing error: ";

/// Lays ROWS out by a --format: "" and "table" are the default table, "table TEMPLATE" one of these
/// columns, "json" an object per line, anything else a template per line. "\t" and "\n" written as
/// two characters count as tab and newline. Errors are kInvalid, "template parsing error: ...".
Result<std::string> format_list(const ListLayout& layout, std::string_view format,
                                std::vector<Row> rows);

/// Whether a template uses the placeholder NAME (".Size").
bool mentions(std::string_view format, std::string_view name);

/// Runs a --format over one object, whose type errors call GO_TYPE; NAME is what they call the
/// template. "json" stands for all of it; OWN_JSON tells which of its parts are rows of lists.
Result<std::string> apply_template(
    std::string_view name, std::string_view source, const spec::Value& data,
    std::string_view go_type, TemplateOptions::OwnJson own_json = TemplateOptions::OwnJson::kPlain);

}  // namespace gantry::cli
