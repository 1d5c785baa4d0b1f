#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "engine/container/record.h"
#include "sys/cgroup.h"

namespace gantry::engine {

/// What HOST's resources mean for the container's cgroup. Looks at the devices that it is given.
Result<sys::CgroupLimits> cgroup_limits(const spec::HostConfig& host,
                                        const std::vector<std::string>& cdi_spec_dirs);

}  // namespace gantry::engine
