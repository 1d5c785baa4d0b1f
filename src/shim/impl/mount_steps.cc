#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <string_view>

#include "shim/impl/executor.h"
#include "shim/impl/kernel.h"
#include "shim/impl/next_part.h"
#include "shim/impl/root_path.h"
#include "shim/impl/tree_copy.h"

namespace gantry::shim {

namespace {

/// Attaches the detached MOUNT at TARGET and closes both.
int attach(int mount, int target) {
    int error = 0;
    if (target < 0 || move_mount(mount, target) != 0) {
        error = errno;
    }
    close(mount);
    if (target >= 0) {
        close(target);
    }
    return error;
}

/// One "key=value" or "flag" of mount syntax.
int configure(int fs, std::string_view option) {
    char text[512];
    if (option.size() >= sizeof text) {
        return ENAMETOOLONG;
    }
    memcpy(text, option.data(), option.size());
    text[option.size()] = '\0';
    char* equals = strchr(text, '=');
    if (equals == nullptr) {
        return fsconfig(fs, kFsconfigSetFlag, text, nullptr) == 0 ? 0 : errno;
    }
    *equals = '\0';
    return fsconfig(fs, kFsconfigSetString, text, equals + 1) == 0 ? 0 : errno;
}

constexpr mode_t kNoMode = ~mode_t{0};

/// The option mode=MODE.
int configure_mode(int fs, mode_t mode) {
    char octal[6] = "";
    for (size_t i = 0; i < 5; ++i) {
        octal[i] = static_cast<char>('0' + (mode >> 3 * (4 - i) & 7));
    }
    return fsconfig(fs, kFsconfigSetString, "mode", octal) == 0 ? 0 : errno;
}

/// A detached mount of a new file system, whose root has MODE; -1 with errno.
int make_mount(const char* type, std::string_view options, uint64_t attributes,
               mode_t mode = kNoMode) {
    const int fs = fsopen(type);
    if (fs < 0) {
        return -1;
    }
    int error = mode == kNoMode ? 0 : configure_mode(fs, mode);
    while (!options.empty() && error == 0) {
        const std::string_view option = next_part(options, ',');
        error = option.empty() ? 0 : configure(fs, option);
    }
    int mount = -1;
    if (error == 0) {
        if (fsconfig(fs, kFsconfigCreate, nullptr, nullptr) == 0) {
            mount = fsmount(fs, static_cast<unsigned>(attributes));
        }
        error = errno;
    }
    close(fs);
    errno = error;
    return mount;
}

/// The mode of the directory PATH; kNoMode if there is none.
mode_t mode_in_root(int root, const char* path) {
    const int dir = open_in_root(root, path, O_PATH | O_DIRECTORY);
    if (dir < 0) {
        return kNoMode;
    }
    struct stat status = {};
    const mode_t mode = fstat(dir, &status) == 0 ? status.st_mode & 07777 : kNoMode;
    close(dir);
    return mode;
}

/// SAFETY: proc and sysfs are masked and made read-only by path (CVE-2019-19921): an image that has
/// a link in their place has no business.
bool is_link_to_kernel_view(int root, const char* path, std::string_view type) {
    if (type != "proc" && type != "sysfs") {
        return false;
    }
    const char* name = nullptr;
    const int parent = open_parent_in_root(root, path, &name);
    if (parent < 0) {
        return false;
    }
    struct stat status = {};
    const bool link =
        fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode);
    close(parent);
    return link;
}

/// The host's /dev/null as a mount of its own; -1 with errno.
int clone_null_device(ChildContext& context) {
    if (context.null_fd < 0) {
        const int null = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (null < 0) {
            return -1;
        }
        struct stat status = {};
        // SAFETY: what hides a secret must be the null device itself, whatever is at its path
        // (CVE-2025-31133).
        if (fstat(null, &status) != 0 || !S_ISCHR(status.st_mode) ||
            status.st_rdev != makedev(1, 3)) {
            close(null);
            errno = ENODEV;
            return -1;
        }
        context.null_fd = null;
    }
    return open_tree(context.null_fd, "", kOpenTreeClone | kAtEmptyPath);
}

/// Attaches an empty read-only directory at TARGET and closes it. All of a container's are clones
/// of the first: a file system for each costs four times as much.
int mask_directory(ChildContext& context, int target) {
    const bool is_first = context.empty_fd < 0;
    const int mount =
        is_first
            ? make_mount("tmpfs", "source=tmpfs,size=0,nr_inodes=1,mode=755",
                         kMountAttrReadonly | kMountAttrNosuid | kMountAttrNodev | kMountAttrNoexec)
            : open_tree(context.empty_fd, "", kOpenTreeClone | kAtEmptyPath);
    const int error = mount >= 0 && move_mount(mount, target) == 0 ? 0 : errno;
    close(target);
    if (is_first && error == 0) {
        // Attached it can be cloned on every kernel; a detached one only since 6.15.
        context.empty_fd = mount;
    } else if (mount >= 0) {
        close(mount);
    }
    return error;
}

/// PROPAGATION as mount(2) takes it, where MS_REC includes the mounts below. 0 changes nothing.
bool set_propagation_of(int mount, int64_t propagation) {
    if (propagation == 0) {
        return true;
    }
    const auto flags = static_cast<uint64_t>(propagation);
    return mount_setattr(mount, (flags & MS_REC) != 0 ? kAtRecursive : 0, 0, 0,
                         flags & ~uint64_t{MS_REC}) == 0;
}

bool change_attributes(int mount, const Step& step) {
    const auto set = static_cast<uint64_t>(step.n[0]);
    const auto clear = static_cast<uint64_t>(step.n[1]);
    const auto all = static_cast<uint64_t>(step.n[3]);
    return ((set | clear) == 0 || mount_setattr(mount, 0, set, clear, 0) == 0) &&
           (all == 0 || mount_setattr(mount, kAtRecursive, all & UINT32_MAX, all >> 32, 0) == 0) &&
           set_propagation_of(mount, step.n[2]);
}

/// The detached mount that a kBind or kOpenMount step describes, with its attributes; -1 with
/// errno.
int clone_source(const ChildContext& context, const Step& step) {
    const unsigned recursive = (step.flags & kBindRecursive) != 0 ? kAtRecursive : 0;
    const bool by_fd = step.kind == StepKind::kBind && step.fd >= 0;
    const int mount =
        (step.flags & kBindDetached) != 0 ? fcntl(step.fd, F_DUPFD_CLOEXEC, 0)
        : by_fd ? open_tree(step.fd, "", kOpenTreeClone | kAtEmptyPath | recursive)
                : open_tree(AT_FDCWD, context.plan.text(step.text[1]), kOpenTreeClone | recursive);
    if (mount >= 0 && (step.flags & kOpenDevice) == 0 && !change_attributes(mount, step)) {
        const int error = errno;
        close(mount);
        errno = error;
        return -1;
    }
    return mount;
}

/// Whether the source is the device node that it shall be; sets errno.
bool is_device(const ChildContext& context, const Step& step) {
    struct stat status = {};
    if (stat(context.plan.text(step.text[1]), &status) != 0) {
        return false;
    }
    errno = ENODEV;
    return (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) &&
           status.st_rdev == static_cast<dev_t>(step.n[0]);
}

/// Whether what is there already is the node that the kDevice step makes.
bool is_same_node(int dir, const char* name, const Step& step) {
    struct stat status = {};
    const bool same = fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                      (status.st_mode & S_IFMT) == (static_cast<mode_t>(step.n[0]) & S_IFMT) &&
                      status.st_rdev == static_cast<dev_t>(step.n[1]);
    errno = EEXIST;
    return same;
}

bool is_absent(int error) {
    return error == ENOENT || error == ENOTDIR;
}

}  // namespace

int mount_file_system(ChildContext& context, const Step& step) {
    const PlanView& plan = context.plan;
    const char* type = plan.text(step.text[1]);
    if (is_link_to_kernel_view(context.root_fd, plan.text(step.text[0]), type)) {
        return ELOOP;
    }
    const int mount = make_mount(type, plan.view(step.text[2]), static_cast<uint64_t>(step.n[0]),
                                 (step.flags & kMountModeOfTarget) != 0
                                     ? mode_in_root(context.root_fd, plan.text(step.text[0]))
                                     : kNoMode);
    if (mount < 0) {
        return errno;
    }
    const int target =
        make_in_root(context.root_fd, plan.text(step.text[0]), TargetType::kDirectory, 0755);
    if (target >= 0 && !set_propagation_of(mount, step.n[1])) {
        const int error = errno;
        close(mount);
        close(target);
        return error;
    }
    return attach(mount, target);
}

int mount_copy(ChildContext& context, const Step& step) {
    const PlanView& plan = context.plan;
    const int mount =
        make_mount("tmpfs", plan.view(step.text[2]), static_cast<uint64_t>(step.n[0]));
    if (mount < 0) {
        return errno;
    }
    const int target =
        make_in_root(context.root_fd, plan.text(step.text[0]), TargetType::kDirectory, 0755);
    if (target < 0) {
        const int error = errno;
        close(mount);
        return error;
    }
    if (const int error = copy_tree(target, mount); error != 0) {
        close(mount);
        close(target);
        return error;
    }
    return attach(mount, target);
}

int open_mount(ChildContext& context, const Step& step) {
    if (step.slot >= kMaxSlots) {
        return EINVAL;
    }
    if ((step.flags & kOpenDevice) != 0 && !is_device(context, step)) {
        return errno;
    }
    const int mount = clone_source(context, step);
    if (mount < 0) {
        return errno;
    }
    if (step.fd >= 0 && (step.flags & kOpenDevice) == 0) {
        const unsigned recursive = (step.flags & kBindRecursive) != 0 ? kAtRecursive : 0;
        if (mount_idmap(mount, recursive, step.fd) != 0) {
            const int error = errno;
            close(mount);
            return error;
        }
    }
    context.slots[step.slot] = mount;
    return 0;
}

int bind_path(ChildContext& context, const Step& step) {
    const bool from_slot = (step.flags & kBindSlot) != 0;
    const int mount =
        from_slot ? context.slots[step.slot % kMaxSlots] : clone_source(context, step);
    struct stat status = {};
    if (mount < 0 || fstat(mount, &status) != 0) {
        const int error = errno;
        if (mount >= 0) {
            close(mount);
        }
        return error;
    }
    const TargetType type = S_ISDIR(status.st_mode) ? TargetType::kDirectory : TargetType::kFile;
    const char* path = context.plan.text(step.text[0]);
    return attach(mount, make_in_root(context.root_fd, path, type, 0755));
}

int remount_path(ChildContext& context, const Step& step) {
    const int target = open_in_root(context.root_fd, context.plan.text(step.text[0]), O_PATH);
    if (target < 0) {
        return errno;
    }
    const int error = mount_setattr(target, 0, static_cast<uint64_t>(step.n[0]),
                                    static_cast<uint64_t>(step.n[1]), 0) == 0
                          ? 0
                          : errno;
    close(target);
    return error;
}

int mask_path(ChildContext& context, const Step& step) {
    const int target = open_in_root(context.root_fd, context.plan.text(step.text[0]), O_PATH);
    if (target < 0) {
        return is_absent(errno) ? 0 : errno;
    }
    // Ask first: a bind that fails with ENOTDIR costs an RCU wait (limits.md, trap 2).
    struct stat status = {};
    if (fstat(target, &status) != 0) {
        const int error = errno;
        close(target);
        return error;
    }
    if (S_ISDIR(status.st_mode)) {
        return mask_directory(context, target);
    }
    const int mount = clone_null_device(context);
    if (mount < 0) {
        const int error = errno;
        close(target);
        return error;
    }
    return attach(mount, target);
}

int make_path_readonly(ChildContext& context, const Step& step) {
    const int target = open_in_root(context.root_fd, context.plan.text(step.text[0]), O_PATH);
    if (target < 0) {
        return is_absent(errno) ? 0 : errno;
    }
    const int mount = open_tree(target, "", kOpenTreeClone | kAtEmptyPath | kAtRecursive);
    if (mount < 0 || mount_setattr(mount, kAtRecursive, kMountAttrReadonly, 0, 0) != 0) {
        const int error = errno;
        close(target);
        if (mount >= 0) {
            close(mount);
        }
        return error;
    }
    return attach(mount, target);
}

int make_directory(ChildContext& context, const Step& step) {
    const int fd = make_in_root(context.root_fd, context.plan.text(step.text[0]),
                                TargetType::kDirectory, static_cast<mode_t>(step.n[0]));
    if (fd < 0) {
        return errno;
    }
    close(fd);
    return 0;
}

int make_device(ChildContext& context, const Step& step) {
    const char* name = nullptr;
    const int dir = open_parent_in_root(context.root_fd, context.plan.text(step.text[0]), &name);
    if (dir < 0) {
        return errno;
    }
    int error = 0;
    if (mknodat(dir, name, static_cast<mode_t>(step.n[0]), static_cast<dev_t>(step.n[1])) != 0) {
        error = errno == EEXIST && is_same_node(dir, name, step) ? 0 : errno;
    } else if (fchownat(dir, name, static_cast<uid_t>(step.n[2]), static_cast<gid_t>(step.n[3]),
                        AT_SYMLINK_NOFOLLOW) != 0) {
        error = errno;
    }
    close(dir);
    return error;
}

int make_symlink(ChildContext& context, const Step& step) {
    const char* name = nullptr;
    const int dir = open_parent_in_root(context.root_fd, context.plan.text(step.text[0]), &name);
    if (dir < 0) {
        return errno;
    }
    const int error =
        symlinkat(context.plan.text(step.text[1]), dir, name) == 0 || errno == EEXIST ? 0 : errno;
    close(dir);
    return error;
}

}  // namespace gantry::shim
