#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gantry::sys {

enum class CgroupMode { kV1, kHybrid, kV2 };

/// One mounted v1 hierarchy. Several controllers may share it ("cpu,cpuacct").
struct CgroupHierarchy {
    std::vector<std::string> controllers;  // "name=systemd" for a named one
    std::string mount_point;
};

/// Where the cgroup file systems are. Plain data.
struct CgroupLayout {
    CgroupMode mode = CgroupMode::kV1;
    std::vector<CgroupHierarchy> v1;  // empty in mode kV2
    std::string v2_mount_point;       // empty in mode kV1
    std::vector<std::string> v2_controllers;

    /// The v1 hierarchy that has CONTROLLER, or null.
    const CgroupHierarchy* find_v1(std::string_view controller) const;
    bool has_v2_controller(std::string_view controller) const;
};

/// From the text of /proc/self/mountinfo; cgroup.controllers of a v2 mount is read from it. Of two
/// mounts of one hierarchy the first counts. kNotImplemented if there is none at all.
Result<CgroupLayout> read_cgroup_layout(std::string_view mountinfo);

}  // namespace gantry::sys
