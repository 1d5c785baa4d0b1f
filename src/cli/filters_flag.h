#pragma once

#include <span>
#include <string>

namespace gantry::cli {

/// The `filters` parameter for the key=value pairs of --filter; "" for none.
std::string filters_parameter(std::span<const std::string> pairs);

}  // namespace gantry::cli
