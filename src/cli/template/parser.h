#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "cli/template/ast.h"

namespace gantry::cli {

/// Parses a Go text/template. NAME is what messages call it. Errors are kInvalid and read as Go's:
/// "template: NAME:1: unclosed action". Sources over 1 MiB and nesting over 200 are refused.
Result<ast::Tree> parse_template(std::string_view name, std::string_view source);

}  // namespace gantry::cli
