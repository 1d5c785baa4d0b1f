#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "sys/cgroup.h"

namespace gantry::sys {

// Whose a group is, in the group itself: under a parent that several programs use, its name does
// not tell. The mark is gone with the group. Only root can write it.

Result<> set_cgroup_owner(const Cgroup& group, std::string_view owner);
/// Empty for a group that nobody has marked.
Result<std::optional<std::string>> cgroup_owner(const Cgroup& group);

}  // namespace gantry::sys
