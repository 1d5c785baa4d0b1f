#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "spec/api/container_config.h"

namespace gantry::cli {

/// The environment that --env-file and --env ask for, files first: "K=V" as it is; "K" alone takes
/// the client's own value. Without one, a flag's "K" stays (it removes the image's K) and a file's
/// is left out.
Result<std::vector<std::string>> read_environment(std::span<const std::string> files,
                                                  std::span<const std::string> flags);

/// Labels of files and flags, later ones win: "k=v", or "k" for an empty value.
Result<spec::StringMap> read_labels(std::span<const std::string> files,
                                    std::span<const std::string> flags);

/// "k=v" each; "k" has an empty value.
spec::StringMap to_map(std::span<const std::string> pairs);

}  // namespace gantry::cli
