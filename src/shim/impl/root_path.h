#pragma once

#include <sys/types.h>

namespace gantry::shim {

/// Opens PATH as it looks from inside ROOT: absolute links and ".." stay in it, magic links are
/// refused. FLAGS as for open(2), O_CLOEXEC is added. -1 with errno.
int open_in_root(int root, const char* path, int flags);

enum class TargetType { kDirectory, kFile };

/// As open_in_root() with O_PATH, after making PATH and the directories above it, as far as they
/// are missing: directories with MODE, a file empty with 0644. What a dangling link points to is
/// made in the root. An existing PATH is taken as it is.
int make_in_root(int root, const char* path, TargetType type, mode_t mode);

/// Splits PATH at its last component: opens (makes) the directory and points NAME at the rest.
int open_parent_in_root(int root, const char* path, const char** name);

}  // namespace gantry::shim
