#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace gantry::cli {

/// A --platform as calls on images take it since API 1.48: {"os":"linux","architecture":"amd64"}.
Result<std::string> platform_parameter(std::string_view text);

}  // namespace gantry::cli
