#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gantry::sys {

// Extended attributes by fd. FD may be O_PATH (the kernel is asked through /proc/self/fd then, so
// that links and special files work too). Values are bytes of at most 64 KiB.

/// Empty when the attribute does not exist.
Result<std::optional<std::string>> get_xattr(int fd, const char* name);
/// A file system without extended attributes is kNotImplemented.
Result<> set_xattr(int fd, const char* name, std::string_view value);
/// A missing attribute is success.
Result<> remove_xattr(int fd, const char* name);
/// A file system without extended attributes has none.
Result<std::vector<std::string>> list_xattrs(int fd);

}  // namespace gantry::sys
