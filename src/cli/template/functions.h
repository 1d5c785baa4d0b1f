#pragma once

#include <span>
#include <string_view>

#include "base/error.h"
#include "spec/value.h"

namespace gantry::cli {

/// How template functions work. In the header line of a table the ones that change their argument
/// give it back as it is: `{{upper .Names}}` has the header NAMES.
enum class FunctionMode { kNormal, kHeader };

/// Whether NAME is one of Go's built-in functions or of docker's.
bool is_template_function(std::string_view name);

/// Calls a function. The error's text is what Go puts behind "error calling NAME: ", or the message
/// about a wrong number of arguments with Kind::kConflict, which Go words differently.
///
/// `and` and `or` are not among them: they need not evaluate all of their arguments.
Result<spec::Value> call_template_function(std::string_view name,
                                           std::span<const spec::Value* const> arguments,
                                           FunctionMode mode);

/// Whether `if` and `with` take VALUE for true: not zero, not empty.
bool is_true(const spec::Value& value);

/// VALUE as Go's fmt prints it with %v: "[a b]", "map[k:v]", "<nil>".
std::string print_value(const spec::Value& value);

/// The same where objects are Go's structs, "{running true 42}", but for the fields that IS_MAP
/// names. FIELD is the one that VALUE was read from.
std::string print_value(const spec::Value& value, std::string_view field,
                        bool (*is_map)(std::string_view field));

/// What messages call the type of VALUE: "string", "int", "map[string]interface {}".
std::string_view go_type(const spec::Value& value);

}  // namespace gantry::cli
