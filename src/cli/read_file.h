#pragma once

#include <string>

#include "base/error.h"

namespace gantry::cli {

/// The content of a file that the user named. kNotFound, kForbidden, or kInvalid if it is longer
/// than LIMIT; texts read "open PATH: no such file or directory", as docker's do.
Result<std::string> read_file(const std::string& path, size_t limit);

}  // namespace gantry::cli
