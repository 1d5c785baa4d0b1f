#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace gantry::cli {

/// The failed system call of OPERATION on a file that the user named, after errno:
/// "open PATH: no such file or directory", as docker prints it.
Failure file_failure(std::string_view operation, const std::string& path);

/// The content of a file that the user named. kNotFound, kForbidden, or kInvalid if it is longer
/// than LIMIT.
Result<std::string> read_file(const std::string& path, size_t limit);

}  // namespace gantry::cli
