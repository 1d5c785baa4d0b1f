#pragma once

#include <span>
#include <string>
#include <vector>

namespace gantry::cli {

/// The `filters` parameter for the key=value pairs of --filter; "" for none.
std::string filters_parameter(std::span<const std::string> pairs);

/// FLAGS of a prune and what config.json adds to them, CONFIGURED. A label that the flags want and
/// the file excludes, or the other way round, is the flags' to decide.
std::vector<std::string> with_prune_filters(std::vector<std::string> flags,
                                            std::span<const std::string> configured);

}  // namespace gantry::cli
