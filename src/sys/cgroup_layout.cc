#include "sys/cgroup_layout.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "sys/files.h"
#include "sys/mounts.h"

namespace gantry::sys {
namespace {

/// The super block options of a v1 mount that are not controllers.
bool is_mount_option(std::string_view option) {
    static constexpr std::array<std::string_view, 7> kOptions{
        "rw", "ro", "xattr", "noprefix", "clone_children", "cpuset_v2_mode", "none"};
    return option.starts_with("release_agent=") ||
           std::find(kOptions.begin(), kOptions.end(), option) != kOptions.end();
}

bool is_named(const std::string& controller) {
    return controller.starts_with("name=");
}

void add_v1(CgroupLayout& layout, const MountInfo& mount) {
    CgroupHierarchy hierarchy{.controllers = {}, .mount_point = mount.mount_point};
    for (const std::string_view option : split(mount.super_options, ',')) {
        if (!is_mount_option(option)) {
            hierarchy.controllers.emplace_back(option);
        }
    }
    if (!hierarchy.controllers.empty() &&
        layout.find_v1(hierarchy.controllers.front()) == nullptr) {
        layout.v1.push_back(std::move(hierarchy));
    }
}

bool has_real_controller(const CgroupLayout& layout) {
    return std::any_of(layout.v1.begin(), layout.v1.end(), [](const CgroupHierarchy& h) {
        return !std::all_of(h.controllers.begin(), h.controllers.end(), is_named);
    });
}

}  // namespace

const CgroupHierarchy* CgroupLayout::find_v1(std::string_view controller) const {
    for (const CgroupHierarchy& hierarchy : v1) {
        const auto& names = hierarchy.controllers;
        if (std::find(names.begin(), names.end(), controller) != names.end()) {
            return &hierarchy;
        }
    }
    return nullptr;
}

bool CgroupLayout::has_v2_controller(std::string_view controller) const {
    return std::find(v2_controllers.begin(), v2_controllers.end(), controller) !=
           v2_controllers.end();
}

Result<CgroupLayout> read_cgroup_layout(std::string_view mountinfo) {
    GT_TRY_VAR(mounts, parse_mountinfo(mountinfo));
    CgroupLayout layout;
    for (const MountInfo& mount : mounts) {
        if (mount.type == "cgroup") {
            add_v1(layout, mount);
        } else if (mount.type == "cgroup2" && layout.v2_mount_point.empty()) {
            layout.v2_mount_point = mount.mount_point;
        }
    }
    if (!layout.v2_mount_point.empty()) {
        const std::string path = layout.v2_mount_point + "/cgroup.controllers";
        GT_TRY_VAR(names, read_file(path.c_str(), 4096));
        for (const std::string_view name : split(trim(names), ' ')) {
            if (!name.empty()) {
                layout.v2_controllers.emplace_back(name);
            }
        }
    }
    if (has_real_controller(layout)) {
        layout.mode = layout.v2_mount_point.empty() ? CgroupMode::kV1 : CgroupMode::kHybrid;
    } else if (!layout.v2_mount_point.empty()) {
        // systemd keeps a v1 hierarchy of its name beside a full v2 tree: not ours to join.
        layout.mode = CgroupMode::kV2;
        layout.v1.clear();
    } else {
        return fail(Kind::kNotImplemented, "no cgroup file system is mounted");
    }
    return layout;
}

}  // namespace gantry::sys
