#include "engine/container/live_source.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>

#include <string_view>

#include "engine/container/oci_config.h"
#include "engine/container/volume_use.h"
#include "sys/mounts.h"

namespace gantry::engine {

namespace {

sys::MountChange propagation_of(std::string_view word) {
    const bool all = word.starts_with("rp") || word.starts_with("rs");
    const std::string_view kind = all ? word.substr(1) : word;
    return {.propagation = kind == "shared"  ? uint64_t{MS_SHARED}
                           : kind == "slave" ? uint64_t{MS_SLAVE}
                                             : uint64_t{MS_PRIVATE},
            .tree = all ? sys::Tree::kRecursive : sys::Tree::kOne};
}

}  // namespace

Result<UniqueFd> open_live_source(const ContainerCore& core, const ContainerRecord& record,
                                  const PlannedMount& plan) {
    const bool bind = plan.type == PlannedMount::Type::kBind;
    const bool recursive = bind && plan.recursion == PlannedMount::Recursion::kRecursive;
    GT_TRY_VAR(mount, bind ? sys::clone_mount(AT_FDCWD, plan.source.c_str(),
                                              recursive ? sys::Tree::kRecursive : sys::Tree::kOne)
                           : open_mount(core, record, plan));
    GT_TRY(sys::change_mount(
        mount.get(),
        propagation_of(bind ? bind_propagation(plan, core.settings.data_root) : "rprivate")));
    if (plan.read_only) {
        const bool all =
            recursive && plan.read_only_recursion == PlannedMount::Recursion::kRecursive;
        GT_TRY(sys::change_mount(
            mount.get(),
            {.set = MOUNT_ATTR_RDONLY, .tree = all ? sys::Tree::kRecursive : sys::Tree::kOne}));
    }
    return std::move(mount);
}

}  // namespace gantry::engine
