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

/// changeable_limits() of AFTER, and what lifts the limits that only BEFORE has. A set of CPUs or
/// of memory nodes, and a weight, cannot be lifted: they stay for as long as the group lives.
sys::CgroupLimits limits_between(const spec::Resources& before, const spec::Resources& after);
/// The same for a group of which it is not known what limits it has.
sys::CgroupLimits limits_from_anything(const spec::Resources& after);

}  // namespace gantry::engine
