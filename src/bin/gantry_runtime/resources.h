#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "spec/oci/linux.h"
#include "sys/cgroup.h"

namespace gantry::standalone {

/// Which devices a container gets beside its own rules.
enum class DefaultDevices { kNo, kYes };

/// OCI's numbers as those of a cgroup. kInvalid for what the kernel no longer has or no number can
/// be.
Result<sys::CgroupLimits> cgroup_limits(const spec::oci::Resources& resources,
                                        DefaultDevices devices);

/// What sys::CgroupLimits does not have: burst, idle, rdma, net_cls, net_prio, each written to its
/// file. An error names the controller that this machine lacks.
Result<> apply_rest(const sys::Cgroups& cgroups, const std::string& path,
                    const spec::oci::Resources& resources);

}  // namespace gantry::standalone
