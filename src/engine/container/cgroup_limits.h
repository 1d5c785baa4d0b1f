#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "engine/container/record.h"
#include "sys/cgroup.h"

namespace gantry::engine {

/// The limits that an update can change, for a group that is in use or will be. Pure.
sys::CgroupLimits changeable_limits(const spec::Resources& resources);

/// What HOST's resources mean for the container's cgroup. Looks at the devices that it is given
/// or that its limits name: kNotFound for one that is not there.
Result<sys::CgroupLimits> cgroup_limits(const spec::HostConfig& host,
                                        const std::vector<std::string>& cdi_spec_dirs);

}  // namespace gantry::engine
