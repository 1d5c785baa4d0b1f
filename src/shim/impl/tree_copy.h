#pragma once

namespace gantry::shim {

/// Copies what is in the directory FROM (any descriptor of it) into the directory TO: directories,
/// files, links and special files with owners, modes and times; and the mode and owner of FROM
/// itself. Links are copied, never followed. 0 or an errno.
int copy_tree(int from, int to);

}  // namespace gantry::shim
