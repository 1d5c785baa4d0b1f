#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cli/template/ast.h"
#include "cli/template/functions.h"
#include "spec/value.h"

namespace gantry::cli {

struct TemplateOptions {
    /// What a field that is not in its object means.
    enum class MissingKey { kError, kNoValue } missing_key = MissingKey::kError;
    /// Whether fields may be written as Go names them where JSON does otherwise: `.ID` for "Id".
    enum class Fields { kExact, kGoNames } fields = Fields::kExact;
    FunctionMode functions = FunctionMode::kNormal;
    /// COMPAT: a row of a table marshals itself, and that way Go escapes HTML in `{{json .}}`. The
    /// data itself is such a row, or all objects in it are (`json` of a text stays plain).
    enum class OwnJson { kPlain, kEscapeRoot, kEscapeObjects } own_json = OwnJson::kPlain;
    /// How error texts call the data's type where the data is a row of a table
    /// ("*formatter.ContainerContext"); "" for plain objects.
    std::string_view row_type = {};
    /// Called for a field of the data itself that has arguments, as `.Label "key"`; empty if there
    /// is no such method.
    std::function<std::optional<spec::Value>(std::string_view name,
                                             std::span<const spec::Value* const> arguments)>
        method = nullptr;
    /// How the null of a field is printed: Go's typed objects print "[]" for a list that is not
    /// there. Null: "<nil>" for all.
    std::string_view (*null_text)(std::string_view field) = nullptr;
    /// Which fields are maps, where other objects are Go's structs and print as "{a b}". Null: all
    /// objects are maps.
    bool (*is_map)(std::string_view field) = nullptr;
    /// The zero value of a field that OBJECT, a part of the data, has but JSON leaves out; null for
    /// others.
    std::function<const spec::Value*(const spec::Value& object, std::string_view field)> absent =
        nullptr;
};

/// Runs a template over DATA, which must outlive the call. Errors are kInvalid and read as Go's:
/// `template: :1:2: executing "" at <.X>: map has no entry for key "X"`. Output over 64 MiB and
/// templates that call each other more than 100 deep are refused.
Result<std::string> run_template(const ast::Tree& tree, const spec::Value& data,
                                 const TemplateOptions& options);

}  // namespace gantry::cli
