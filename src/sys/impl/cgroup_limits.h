#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sys/cgroup.h"
#include "sys/impl/cgroup_dir.h"

namespace gantry::sys {

/// Writes what LIMITS says about CONTROLLER ("memory", "cpu"...) into the group's directory in that
/// controller's v1 hierarchy. Other controllers' members are not looked at.
Result<> write_v1_limits(std::string_view controller, const CgroupDir& dir,
                         const CgroupLimits& limits, std::vector<std::string>& warnings);

/// What is asked for but no mounted v1 hierarchy can do.
void warn_of_missing_v1(const CgroupLayout& layout, const CgroupLimits& limits,
                        std::vector<std::string>& warnings);

/// All of LIMITS into a v2 group.
Result<> write_v2_limits(const CgroupDir& dir, const CgroupLimits& limits,
                         std::vector<std::string>& warnings);

}  // namespace gantry::sys
