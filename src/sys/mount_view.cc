#include "sys/mount_view.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "sys/files.h"
#include "sys/mounts.h"
#include "sys/namespace.h"

namespace gantry::sys {
namespace {

constexpr size_t kMaxMountInfo = size_t{16} << 20;

constexpr std::array<std::string_view, 16> kKernelTypes = {
    "proc",       "sysfs", "cgroup", "cgroup2",  "devpts",   "mqueue",  "debugfs",     "tracefs",
    "securityfs", "bpf",   "pstore", "efivarfs", "configfs", "fusectl", "binfmt_misc", "nsfs"};

bool is_below(std::string_view path, std::string_view directory) {
    return path == directory ||
           (path.starts_with(directory) && path.substr(directory.size()).starts_with('/'));
}

/// The highest mount points to cover, parents before children and none below another.
std::vector<std::string> to_cover(const std::vector<MountInfo>& mounts,
                                  std::span<const std::string> hidden) {
    std::vector<std::string> points;
    for (const MountInfo& mount : mounts) {
        if (std::ranges::find(kKernelTypes, mount.type) != kKernelTypes.end() ||
            std::ranges::find(hidden, mount.mount_point) != hidden.end()) {
            points.push_back(mount.mount_point);
        }
    }
    std::ranges::sort(points);
    std::vector<std::string> top;
    for (std::string& point : points) {
        if (point != "/" && std::ranges::none_of(top, [&](const std::string& above) {
                return is_below(point, above);
            })) {
            top.push_back(std::move(point));
        }
    }
    return top;
}

/// Covers rather than unmounts: mounts that came from another user namespace cannot be taken away.
Result<> cover(const RootDir& root, const std::string& point) {
    const auto target = root.open_at(point, O_PATH | O_NOFOLLOW);
    if (!target) {
        // Moved meanwhile by the container; whoever walks the tree looks for such file systems,
        // too.
        return target.error().kind() == Kind::kNotFound
                   ? Result<>()
                   : Failure(Error(target.error().kind(), target.error().text()));
    }
    struct stat status{};
    if (::fstat(target->get(), &status) < 0 || !S_ISDIR(status.st_mode)) {
        return {};
    }
    const std::array<FsOption, 3> options{FsOption{"size", "0"}, FsOption{"nr_inodes", "1"},
                                          FsOption{"mode", "755"}};
    GT_TRY_VAR(empty, make_mount("tmpfs", options, MOUNT_ATTR_RDONLY));
    return attach_mount(empty.get(), target->get(), "");
}

/// In the namespace by now.
Result<UniqueFd> open_root() {
    return open_file(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
}

Result<> make_private(int root) {
    return change_mount(root, {.propagation = MS_PRIVATE, .tree = Tree::kRecursive});
}

/// Enters MNT_NS with this thread alone.
Result<> enter(int mnt_ns) {
    if (::unshare(CLONE_FS) < 0) {
        return fail_errno("unshare fs");
    }
    return enter_namespace(mnt_ns, Namespace::kMount);
}

}  // namespace

Result<MountView> MountView::copy(int mnt_ns, std::span<const std::string> hidden) {
    std::optional<MountView> view;
    // Our own /proc: inside, the path "/proc" is the container's.
    GT_TRY_VAR(proc, open_dir("/proc"));
    GT_TRY(run_on_own_thread([&]() -> Result<> {
        GT_TRY(enter(mnt_ns));
        GT_TRY(unshare_namespace(Namespace::kMount));
        GT_TRY_VAR(ns, open_file(proc.get(), "thread-self/ns/mnt", O_RDONLY));
        GT_TRY_VAR(root_fd, open_root());
        GT_TRY(make_private(root_fd.get()));
        GT_TRY_VAR(text, read_file_at(proc.get(), "thread-self/mountinfo", kMaxMountInfo));
        GT_TRY_VAR(mounts, parse_mountinfo(text));
        view.emplace(MountView(std::move(ns), std::move(root_fd)));
        for (const std::string& point : to_cover(mounts, hidden)) {
            GT_TRY(cover(view->root(), point));
        }
        return {};
    }));
    return *std::move(view);
}

Result<MountView> MountView::assemble(UniqueFd root, const std::string& at,
                                      const std::function<Result<>(const RootDir&)>& fill) {
    std::optional<MountView> view;
    GT_TRY(run_on_own_thread([&]() -> Result<> {
        GT_TRY(unshare_namespace(Namespace::kMount));
        GT_TRY_VAR(ns, open_own_namespace(Namespace::kMount));
        GT_TRY_VAR(old_root, open_root());
        GT_TRY(make_private(old_root.get()));
        GT_TRY(attach_mount(root.get(), AT_FDCWD, at.c_str()));
        view.emplace(MountView(std::move(ns), std::move(root)));
        return fill(view->root());
    }));
    return *std::move(view);
}

Result<UniqueFd> clone_root_mount(int mnt_ns) {
    UniqueFd mount;
    GT_TRY(run_on_own_thread([&]() -> Result<> {
        GT_TRY(enter(mnt_ns));
        GT_TRY_VAR(clone, clone_mount(AT_FDCWD, "/", Tree::kOne));
        mount = std::move(clone);
        return {};
    }));
    return mount;
}

}  // namespace gantry::sys
