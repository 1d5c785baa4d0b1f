#pragma once

#include <cstdint>

#include "base/error.h"

namespace gantry::sys {

// Project quotas: a tree of files bears a number, and the file system (ext4, xfs) holds what bears
// it to a limit. DIR is a directory that is open for reading; numbers are per file system.

/// Whether DIR's file system holds projects to their limits.
bool has_project_quota(int dir);

/// DIR, and what is made in it from now on, belongs to PROJECT.
Result<> set_project(int dir, uint32_t project);

/// PROJECT may take BYTES, rounded up to KiB, of DIR's file system; 0 for any number. Durable.
Result<> limit_project(int dir, uint32_t project, uint64_t bytes);

/// Whether PROJECT has files or a limit on DIR's file system.
Result<bool> is_project_in_use(int dir, uint32_t project);

}  // namespace gantry::sys
