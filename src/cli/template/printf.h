#pragma once

#include <span>
#include <string>
#include <string_view>

#include "spec/value.h"

namespace gantry::cli {

/// Go's fmt.Sprintf for the values a template knows: %v %s %d %q %x %X %t %f %e %g %c %U %o %b %T,
/// flags "+-# 0", width and precision up to 1000. Wrong use is shown in the output the way Go does:
/// "%!d(string=a)", "%!s(MISSING)", "%!(EXTRA int=1)".
std::string template_printf(std::string_view format, std::span<const spec::Value* const> arguments);

}  // namespace gantry::cli
