#pragma once

#include "base/error.h"

namespace gantry::volume {

/// Copies what is in the directory SOURCE into the empty directory TARGET, and SOURCE's own owner,
/// mode, times and attributes onto it: files with their holes, links as links, hard links as hard
/// links, devices and FIFOs as such. Nothing is followed and nothing outside the two is touched.
///
/// TARGET must be out of everybody else's reach. What is there after a failure is for the caller to
/// throw away. Not durable.
Result<> copy_tree(int source, int target);

/// Owner, mode and attributes of one directory alone.
Result<> copy_directory_metadata(int source, int target);

}  // namespace gantry::volume
