// Cgroups of sys/cgroup.h: finding, making and listing groups.

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/scope_guard.h"
#include "base/text.h"
#include "sys/cgroup.h"
#include "sys/files.h"
#include "sys/impl/cgroup_dir.h"
#include "sys/impl/cgroup_limits.h"

namespace gantry::sys {
namespace {

bool has_controller(const CgroupHierarchy& hierarchy, std::string_view name) {
    const auto& names = hierarchy.controllers;
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// A v1 cpuset is born empty and lets nobody in until it has CPUs and memory nodes.
Result<> inherit_cpuset(const CgroupDir& parent, const CgroupDir& child) {
    for (const char* file : {"cpuset.cpus", "cpuset.mems"}) {
        GT_TRY_VAR(own, child.read(file));
        if (trim(own).empty()) {
            GT_TRY_VAR(inherited, parent.read(file));
            GT_TRY(child.write(file, trim(inherited)));
        }
    }
    return {};
}

/// Makes the group PATH in one hierarchy, parents included, and opens it. Knows what each kind of
/// hierarchy needs before a process can join.
class GroupMaker {
public:
    enum class Kind { kV1, kV1Cpuset, kV2 };

    GroupMaker(std::string mount_point, Kind kind)
        : mount_point_(std::move(mount_point)), kind_(kind) {}

    Result<CgroupDir> make(const std::string& path) const {
        const std::string full = mount_point_ + path;
        if (::mkdir(full.c_str(), 0755) < 0) {
            if (errno != ENOENT) {
                return fail_errno(fmt::format("mkdir {}", full));
            }
            GT_TRY(make_parent(path.substr(0, path.rfind('/'))));
            if (::mkdir(full.c_str(), 0755) < 0) {
                return fail_errno(fmt::format("mkdir {}", full));
            }
        }
        ScopeGuard remove([&] { (void)::rmdir(full.c_str()); });
        GT_TRY_VAR(dir, CgroupDir::open(mount_point_, path));
        if (kind_ == Kind::kV1Cpuset) {
            GT_TRY(fill_cpuset(path, dir));
        }
        remove.commit();
        return std::move(dir);
    }

private:
    Result<> fill_cpuset(const std::string& path, const CgroupDir& dir) const {
        GT_TRY_VAR(parent, CgroupDir::open(mount_point_, path.substr(0, path.rfind('/'))));
        return inherit_cpuset(parent, dir);
    }

    /// Makes PATH ("" is the root) unless it is there.
    Result<> make_parent(const std::string& path) const {
        if (path.empty()) {
            return kind_ == Kind::kV2 ? delegate(path) : Result<>{};
        }
        GT_TRY(make_parent(path.substr(0, path.rfind('/'))));
        const std::string full = mount_point_ + path;
        if (::mkdir(full.c_str(), 0755) == 0) {
            if (kind_ == Kind::kV1Cpuset) {
                GT_TRY_VAR(dir, CgroupDir::open(mount_point_, path));
                GT_TRY(fill_cpuset(path, dir));
                // Children of ours then begin with their parent's sets.
                GT_TRY(dir.write("cgroup.clone_children", "1"));
            }
        } else if (errno != EEXIST) {
            return fail_errno(fmt::format("mkdir {}", full));
        }
        return kind_ == Kind::kV2 ? delegate(path) : Result<>{};
    }

    /// Turns on all controllers for the children of PATH. One by one: a controller that cannot be
    /// turned on must not keep the others off, its limits are then reported as missing.
    Result<> delegate(const std::string& path) const {
        GT_TRY_VAR(dir, CgroupDir::open(mount_point_, path));
        GT_TRY_VAR(controllers, dir.read("cgroup.controllers"));
        for (const std::string_view name : split(trim(controllers), ' ')) {
            if (!name.empty()) {
                (void)dir.write("cgroup.subtree_control", fmt::format("+{}", name));
            }
        }
        return {};
    }

    std::string mount_point_;
    Kind kind_;
};

Result<> create_v1(const CgroupLayout& layout, const std::string& path, const CgroupLimits& limits,
                   std::vector<std::string>& made, std::vector<std::string>& warnings) {
    for (const CgroupHierarchy& hierarchy : layout.v1) {
        const auto kind = has_controller(hierarchy, "cpuset") ? GroupMaker::Kind::kV1Cpuset
                                                              : GroupMaker::Kind::kV1;
        GT_TRY_VAR(dir, GroupMaker(hierarchy.mount_point, kind).make(path));
        made.push_back(dir.path());
        for (const std::string& controller : hierarchy.controllers) {
            GT_TRY(write_v1_limits(controller, dir, limits, warnings));
        }
    }
    warn_of_missing_v1(layout, limits, warnings);
    return {};
}

Result<> create_v2(const CgroupLayout& layout, const std::string& path, const CgroupLimits& limits,
                   std::vector<std::string>& made, std::vector<std::string>& warnings) {
    GT_TRY_VAR(dir, GroupMaker(layout.v2_mount_point, GroupMaker::Kind::kV2).make(path));
    made.push_back(dir.path());
    return write_v2_limits(dir, limits, warnings);
}

}  // namespace

Result<Cgroups> Cgroups::probe() {
    constexpr size_t kLimit = 64 << 20;
    GT_TRY_VAR(text, read_file("/proc/thread-self/mountinfo", kLimit));
    return from_mountinfo(text);
}

Result<Cgroups> Cgroups::from_mountinfo(std::string_view mountinfo) {
    GT_TRY_VAR(layout, read_cgroup_layout(mountinfo));
    return Cgroups(std::make_shared<const CgroupLayout>(std::move(layout)));
}

const char* Cgroups::version() const {
    return layout_->mode == CgroupMode::kV2 ? "2" : "1";
}

Cgroup Cgroups::at(std::string_view parent, std::string_view name) const {
    return Cgroup(layout_, clean_cgroup_path(parent) + '/' + std::string(name));
}

Result<Cgroup> Cgroups::create(std::string_view parent, std::string_view name,
                               const CgroupLimits& limits,
                               std::vector<std::string>& warnings) const {
    if (name.empty() || name == "." || name == ".." || name.find('/') != name.npos) {
        return fail(Kind::kInvalid, fmt::format("{} cannot name a cgroup", name));
    }
    Cgroup group = at(parent, name);
    std::vector<std::string> made;
    ScopeGuard undo([&made] {
        for (const std::string& path : made) {
            (void)::rmdir(path.c_str());  // empty: nobody has joined yet
        }
    });
    const auto create = layout_->mode == CgroupMode::kV2 ? create_v2 : create_v1;
    GT_TRY(create(*layout_, group.path_, limits, made, warnings));
    undo.commit();
    return group;
}

Result<std::vector<std::string>> Cgroups::list(std::string_view parent) const {
    std::vector<std::string> roots;
    for (const CgroupHierarchy& hierarchy : layout_->v1) {
        roots.push_back(hierarchy.mount_point);
    }
    if (layout_->mode == CgroupMode::kV2) {
        roots.push_back(layout_->v2_mount_point);
    }
    std::vector<std::string> names;
    for (const std::string& root : roots) {
        auto dir = CgroupDir::open(root, clean_cgroup_path(parent));
        if (!dir) {
            if (dir.error().kind() == Kind::kNotFound) {
                continue;
            }
            return Failure(std::move(dir).error());
        }
        GT_TRY_VAR(children, dir->children());
        names.insert(names.end(), children.begin(), children.end());
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

}  // namespace gantry::sys
