#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/template/ast.h"

namespace gantry::cli {

/// The text of a Go string literal, "..." or `...`; empty if an escape is wrong.
std::optional<std::string> unquote(std::string_view literal);

/// Fills a number: decimal, 0x, 0o, 0b, underscores, floating point, or a character constant,
/// whose value is its code point. False if TEXT is none.
bool parse_number(std::string_view text, ast::Operand& number);
bool parse_character(std::string_view literal, ast::Operand& number);

}  // namespace gantry::cli
