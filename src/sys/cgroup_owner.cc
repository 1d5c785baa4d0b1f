#include "sys/cgroup_owner.h"

#include "base/unique_fd.h"
#include "sys/files.h"
#include "sys/xattrs.h"

namespace gantry::sys {
namespace {

constexpr const char* kMark = "trusted.gantry.owner";

/// One hierarchy is enough: the same on every look at this machine.
Result<UniqueFd> open_marked(const Cgroup& group) {
    const CgroupLayout& layout = group.layout();
    std::string mount_point = layout.v2_mount_point;
    if (layout.mode != CgroupMode::kV2) {
        const CgroupHierarchy* freezer = layout.find_v1("freezer");
        mount_point = freezer != nullptr ? freezer->mount_point : layout.v1.front().mount_point;
    }
    return open_dir((mount_point + group.path()).c_str());
}

}  // namespace

Result<> set_cgroup_owner(const Cgroup& group, std::string_view owner) {
    GT_TRY_VAR(dir, open_marked(group));
    return set_xattr(dir.get(), kMark, owner);
}

Result<std::optional<std::string>> cgroup_owner(const Cgroup& group) {
    GT_TRY_VAR(dir, open_marked(group));
    return get_xattr(dir.get(), kMark);
}

}  // namespace gantry::sys
