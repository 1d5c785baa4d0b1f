#include "engine/files/file_view.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/scope_guard.h"
#include "engine/container/mount_plan.h"
#include "engine/container/volume_use.h"
#include "store/snapshots.h"
#include "sys/files.h"
#include "sys/mounts.h"
#include "sys/namespace.h"
#include "sys/process.h"

namespace gantry::engine {
namespace {

constexpr mode_t kMountPointMode = 0755;

/// The mount namespace of the container's process; empty if it has none (any more).
Result<UniqueFd> running_namespace(const ContainerEntry& entry) {
    const auto run = entry.run();
    const SnapshotPtr snapshot = entry.snapshot();
    if (run == nullptr || !snapshot->life.alive()) {
        return UniqueFd();
    }
    auto ns = sys::open_namespace(run->shim.pid(), sys::Namespace::kMount);
    // SAFETY: the pid was still the container's when the namespace had been opened (S87).
    if (!ns || !sys::send_signal(run->shim.init_pidfd(), 0)) {
        return UniqueFd();
    }
    return ns;
}

/// Mounts over which the user has no say; what the user mounts there himself is shown.
std::vector<std::string> hidden_mounts(const std::vector<PlannedMount>& plans) {
    std::vector<std::string> hidden;
    for (const char* path : {"/proc", "/sys", "/dev"}) {
        if (std::ranges::none_of(plans,
                                 [&](const PlannedMount& plan) { return plan.target == path; })) {
            hidden.emplace_back(path);
        }
    }
    return hidden;
}

/// Where MOUNT's source goes: made as a start would make it.
Result<UniqueFd> mount_point(const sys::RootDir& root, const std::string& target, int source) {
    if (auto found = root.open_at(target, O_PATH)) {
        return found;
    }
    struct stat status{};
    if (::fstat(source, &status) < 0) {
        return fail_errno(fmt::format("stat the source of {}", target));
    }
    if (S_ISDIR(status.st_mode)) {
        return root.make_dirs(target, kMountPointMode);
    }
    GT_TRY_VAR(place, root.make_place(target, kMountPointMode));
    GT_TRY(sys::open_file(place.dir.get(), place.name.c_str(),
                          O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, kMountPointMode));
    return root.open_at(target, O_PATH);
}

Result<> mount_source(const ContainerCore& core, const ContainerRecord& record,
                      const sys::RootDir& root, const PlannedMount& plan) {
    const bool recursive = plan.recursion == PlannedMount::Recursion::kRecursive;
    auto mount = plan.type == PlannedMount::Type::kBind
                     ? sys::clone_mount(AT_FDCWD, plan.source.c_str(),
                                        recursive ? sys::Tree::kRecursive : sys::Tree::kOne)
                     : open_mount(core, record, plan);
    if (!mount) {
        // The source has gone since; the container could not be started either.
        return mount.error().kind() == Kind::kNotFound ? Result<>()
                                                       : Failure(std::move(mount).error());
    }
    if (plan.read_only) {
        GT_TRY(sys::change_mount(mount->get(),
                                 {.set = MOUNT_ATTR_RDONLY,
                                  .tree = recursive ? sys::Tree::kRecursive : sys::Tree::kOne}));
    }
    GT_TRY_VAR(target, mount_point(root, plan.target, mount->get()));
    return sys::attach_mount(mount->get(), target.get(), "");
}

/// hosts, hostname and resolv.conf, once a start has written them.
Result<> mount_host_files(const sys::RootDir& root, const std::string& container_dir) {
    for (const std::string_view name : {"resolv.conf", "hostname", "hosts"}) {
        const auto target = root.open_at(fmt::format("/etc/{}", name), O_PATH);
        const auto mount = sys::clone_mount(
            AT_FDCWD, fmt::format("{}/{}", container_dir, name).c_str(), sys::Tree::kOne);
        if (target && mount) {
            GT_TRY(sys::attach_mount(mount->get(), target->get(), ""));
        }
    }
    return {};
}

Result<> mount_all(const ContainerCore& core, const ContainerRecord& record, ViewAccess access,
                   const sys::RootDir& root) {
    const auto maker = core.own_as_root(record);
    if (!maker) {
        return fail(maker.error().kind(), maker.error().text());
    }
    GT_TRY(mount_host_files(root, core.container_dir(record.id)));
    for (const PlannedMount& plan : record.mounts) {
        if (plan.type != PlannedMount::Type::kTmpfs) {
            GT_TRY(mount_source(core, record, root, plan));
        }
    }
    // ORDER: the mount points are made by now.
    if (record.host.readonly_rootfs || access == ViewAccess::kRead) {
        return sys::change_mount(root.fd(), {.set = MOUNT_ATTR_RDONLY});
    }
    return {};
}

Result<UniqueFd> mount_stopped_root(const ContainerCore& core, const ContainerRecord& record) {
    return core.parts.snapshots.mount(
        record.id,
        {.sync = record.ephemeral() ? store::UpperSync::kVolatile : store::UpperSync::kSynced,
         .access = store::Access::kReadWrite,
         .owners = core.owners(record)});
}

}  // namespace

Result<FileView> FileView::open(ContainerCore& core, const EntryPtr& entry, ViewAccess access) {
    const SnapshotPtr snapshot = entry->snapshot();
    const ContainerRecord& record = *snapshot->record;
    const std::vector<std::string> hidden = hidden_mounts(record.mounts);
    GT_TRY_VAR(early, running_namespace(*entry));
    if (early) {
        GT_TRY_VAR(copied, sys::MountView::copy(early.get(), hidden));
        return FileView(std::move(copied), core.id_map(record));
    }
    auto operation = entry->begin();
    if (entry->removal_claimed()) {
        return fail(Kind::kConflict,
                    fmt::format("container {} is marked for removal", entry->id().str()));
    }
    // It may have been started while we waited for our turn.
    GT_TRY_VAR(late, running_namespace(*entry));
    if (late) {
        GT_TRY_VAR(copied, sys::MountView::copy(late.get(), hidden));
        return FileView(std::move(copied), core.id_map(record));
    }
    GT_TRY_VAR(mount, mount_stopped_root(core, record));
    // The view's own mounts keep what the volumes' options name when ours are gone again.
    GT_TRY(mount_volumes(core, record));
    const ScopeGuard unmount([&] { unmount_volumes(core, record.id, volumes_of(record.mounts)); });
    GT_TRY_VAR(assembled, sys::MountView::assemble(std::move(mount), core.container_dir(record.id),
                                                   [&](const sys::RootDir& root) {
                                                       return mount_all(core, record, access, root);
                                                   }));
    FileView view(std::move(assembled), core.id_map(record));
    // A reader lets go: a start may mount the same directories once more, and a mount that nobody
    // writes to takes no harm from it.
    if (access == ViewAccess::kWrite) {
        view.operation_.emplace(std::move(operation));
    }
    return view;
}

Result<UniqueFd> open_root_mount(ContainerCore& core, const EntryPtr& entry) {
    GT_TRY_VAR(early, running_namespace(*entry));
    if (early) {
        return sys::clone_root_mount(early.get());
    }
    const auto operation = entry->begin();
    GT_TRY_VAR(late, running_namespace(*entry));
    if (late) {
        return sys::clone_root_mount(late.get());
    }
    GT_TRY_VAR(mount, mount_stopped_root(core, *entry->snapshot()->record));
    GT_TRY(sys::change_mount(mount.get(), {.set = MOUNT_ATTR_RDONLY}));
    return std::move(mount);
}

}  // namespace gantry::engine
