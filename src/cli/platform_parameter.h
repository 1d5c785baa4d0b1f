#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "cli/flags/flag.h"

namespace gantry::cli {

/// A --platform as calls on images take it since API 1.48: {"os":"linux","architecture":"amd64"}.
Result<std::string> platform_parameter(std::string_view text);

/// --platform, or DOCKER_DEFAULT_PLATFORM where it is not given: for run, create, pull and import.
std::string wanted_platform(const FlagValues& flags);

}  // namespace gantry::cli
