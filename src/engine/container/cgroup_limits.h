#pragma once

#include "base/error.h"
#include "engine/container/record.h"
#include "sys/cgroup.h"

namespace gantry::engine {

/// What HOST's resources mean for the container's cgroup. Pure.
sys::CgroupLimits cgroup_limits(const spec::HostConfig& host);

}  // namespace gantry::engine
