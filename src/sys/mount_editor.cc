#include "sys/mount_editor.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <optional>
#include <string_view>
#include <vector>

#include "sys/files.h"
#include "sys/mounts.h"
#include "sys/namespace.h"
#include "sys/root_dir.h"

namespace gantry::sys {
namespace {

constexpr size_t kMaxMountInfo = size_t{16} << 20;
constexpr mode_t kMountPointMode = 0755;

Failure elsewhere(const std::string& target, const std::string& place) {
    return fail(Kind::kConflict,
                fmt::format("{} leads elsewhere in the container, to {}", target, place));
}

Result<RootDir> root_of(const UniqueFd& root) {
    const int copy = ::fcntl(root.get(), F_DUPFD_CLOEXEC, 3);
    if (copy < 0) {
        return fail_errno("dup");
    }
    return RootDir::from_fd(UniqueFd(copy));
}

Result<UniqueFd> make_mount_point(const RootDir& root, const std::string& target, int mount) {
    struct stat status{};
    if (::fstat(mount, &status) < 0) {
        return fail_errno(fmt::format("stat the source of {}", target));
    }
    if (S_ISDIR(status.st_mode)) {
        return root.make_dirs(target, kMountPointMode);
    }
    GT_TRY_VAR(place, root.make_place(target, kMountPointMode));
    GT_TRY(open_file(place.dir.get(), place.name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW,
                     kMountPointMode));
    return root.open_at(target, O_PATH);
}

/// The place for MOUNT, made if it is missing.
Result<UniqueFd> mount_point(const RootDir& root, const std::string& target, int mount) {
    if (auto found = root.open_at(target, O_PATH)) {
        return found;
    }
    auto made = make_mount_point(root, target, mount);
    if (!made && made.error().sys_errno() == EROFS) {
        return Failure(Error(
            Kind::kConflict,
            fmt::format("{} is missing and cannot be made: read-only file system", target), EROFS));
    }
    return made;
}

}  // namespace

Result<> MountEditor::edit(int mnt_ns, const std::function<Result<>(MountEditor&)>& body) {
    GT_TRY_VAR(proc, open_dir("/proc"));
    return run_on_own_thread([&]() -> Result<> {
        if (::unshare(CLONE_FS) < 0) {
            return fail_errno("unshare fs");
        }
        GT_TRY(enter_namespace(mnt_ns, Namespace::kMount));
        GT_TRY_VAR(root, open_file(AT_FDCWD, "/", O_PATH | O_DIRECTORY));
        MountEditor editor(std::move(proc), std::move(root));
        return body(editor);
    });
}

Result<std::vector<MountInfo>> MountEditor::mounts_there() const {
    GT_TRY_VAR(text, read_file_at(proc_.get(), "thread-self/mountinfo", kMaxMountInfo));
    return parse_mountinfo(text);
}

/// SAFETY: the container may have put a link there that leads to what must stay as it is.
Result<> MountEditor::check_place(int place, const std::string& target) const {
    std::string path(PATH_MAX, '\0');
    const std::string link = fmt::format("thread-self/fd/{}", place);
    const ssize_t size = ::readlinkat(proc_.get(), link.c_str(), path.data(), path.size());
    if (size < 0) {
        return fail_errno(fmt::format("look where {} is", target));
    }
    path.resize(static_cast<size_t>(size));
    return path == target ? Result<>() : elsewhere(target, path);
}

/// As much of TARGET as is there must be where its name says, so that nothing is made behind a
/// link.
Result<> MountEditor::check_way(const RootDir& root, const std::string& target) const {
    for (std::string path = target; path != "/";) {
        auto found = root.open_at(path, O_PATH);
        if (found) {
            return check_place(found->get(), path);
        }
        if (found.error().kind() != Kind::kNotFound) {
            return Failure(std::move(found).error());
        }
        path.resize(std::max<size_t>(1, path.rfind('/')));
    }
    return {};
}

Result<> MountEditor::attach(int mount, const std::string& target) {
    GT_TRY_VAR(root, root_of(root_));
    GT_TRY(check_way(root, target));
    GT_TRY_VAR(place, mount_point(root, target, mount));
    GT_TRY(check_place(place.get(), target));
    return attach_mount(mount, place.get(), "");
}

/// SAFETY: what is unmounted is the mount that the kernel itself names TARGET, whatever the
/// container has made of the way there; as long as it is mounted, nobody in there can put another
/// thing under its name.
Result<> MountEditor::check_topmost(int dir, const std::string& name, const std::string& target,
                                    InUse in_use) const {
    struct statx status{};
    if (::statx(dir, name.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_MNT_ID, &status) <
        0) {
        return errno == ENOENT
                   ? fail(Kind::kConflict, fmt::format("nothing is mounted at {}", target))
                   : fail_errno(target);
    }
    GT_TRY_VAR(mounts, mounts_there());
    const auto last =
        std::ranges::find(mounts.rbegin(), mounts.rend(), target, &MountInfo::mount_point);
    const MountInfo* top = last == mounts.rend() ? nullptr : &*last;
    if (top == nullptr) {
        return fail(Kind::kConflict, fmt::format("nothing is mounted at {}", target));
    }
    if (in_use == InUse::kRefuse &&
        std::ranges::find(mounts, top->id, &MountInfo::parent_id) != mounts.end()) {
        return fail(Kind::kConflict, fmt::format("there are mounts below {}", target));
    }
    return top->id == status.stx_mnt_id ? Result<>() : elsewhere(target, "another mount");
}

Result<UniqueFd> MountEditor::detach(const std::string& target, InUse in_use) {
    GT_TRY_VAR(root, root_of(root_));
    GT_TRY_VAR(place, root.place(target));
    GT_TRY(check_topmost(place.dir.get(), place.name, target, in_use));
    UniqueFd copy(::open_tree(place.dir.get(), place.name.c_str(),
                              OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW));
    if (!copy) {
        return fail_errno(fmt::format("copy the mount {}", target));
    }
    // The thread ends soon: its working directory is for this alone.
    if (::fchdir(place.dir.get()) < 0) {
        return fail_errno("chdir");
    }
    const int lazily = in_use == InUse::kLetGo ? MNT_DETACH : 0;
    const int done = ::umount2(place.name.c_str(), UMOUNT_NOFOLLOW | lazily);
    const int error = done < 0 ? errno : 0;
    if (::fchdir(root_.get()) < 0) {
        return fail_errno("chdir");
    }
    if (error == EBUSY) {
        return Failure(Error(Kind::kConflict,
                             fmt::format("the mount {} is in use: device or resource busy", target),
                             EBUSY));
    }
    if (error != 0) {
        errno = error;
        return fail_errno(fmt::format("unmount {}", target));
    }
    return copy;
}

Result<size_t> MountEditor::count(const std::string& target) const {
    GT_TRY_VAR(mounts, mounts_there());
    return static_cast<size_t>(std::ranges::count(mounts, target, &MountInfo::mount_point));
}

}  // namespace gantry::sys
