#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "shim/impl/executor.h"
#include "shim/impl/kernel.h"

namespace gantry::shim {

int join_namespace(ChildContext& context, const Step& step) {
    int fd = step.fd;
    if (fd < 0) {
        fd = open(context.plan.text(step.text[0]), O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            return errno;
        }
    }
    const int error = setns(fd, static_cast<int>(step.flags)) == 0 ? 0 : errno;
    close(fd);
    return error;
}

int join_container(ChildContext& context, const Step& step) {
    const int pidfd = step.fd >= 0 ? step.fd : context.init_pidfd;
    if (setns(pidfd, static_cast<int>(step.flags)) != 0) {
        return errno;
    }
    context.root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return context.root_fd >= 0 ? 0 : errno;
}

int join_cgroups(ChildContext& context) {
    for (uint32_t i = 0; i < context.tasks_fds; ++i) {
        // "0" in a v1 `tasks` file moves the writing thread and takes no global lock, unlike
        // cgroup.procs, whose worst case is an RCU wait (limits.md 1.4).
        if (pwrite(context.tasks_fd + static_cast<int>(i), "0", 1, 0) != 1) {
            return errno;
        }
    }
    return 0;
}

int set_propagation(const Step& step) {
    return mount(nullptr, "/", nullptr, step.flags, nullptr) == 0 ? 0 : errno;
}

int attach_root(ChildContext& context, const Step& step) {
    context.host_root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (context.host_root_fd < 0) {
        return errno;
    }
    if ((step.flags & kRootInPlace) != 0) {
        context.root_fd = open(context.plan.text(step.text[0]), O_PATH | O_DIRECTORY | O_CLOEXEC);
        return context.root_fd >= 0 ? 0 : errno;
    }
    context.root_fd =
        (step.flags & kBindSlot) != 0 ? context.slots[step.slot % kMaxSlots] : step.fd;
    if (context.root_fd < 0) {
        context.root_fd =
            open_tree(AT_FDCWD, context.plan.text(step.text[0]), kOpenTreeClone | kAtRecursive);
        if (context.root_fd < 0) {
            return errno;
        }
    }
    // On top of "/" itself: needs no directory of the host. We go on seeing the host's root until
    // pivot_root, because our root does not follow what is mounted over it.
    return move_mount(context.root_fd, context.host_root_fd) == 0 ? 0 : errno;
}

int make_root_readonly(ChildContext& context) {
    return mount_setattr(context.root_fd, 0, kMountAttrReadonly, 0, 0) == 0 ? 0 : errno;
}

int pivot_into_root(ChildContext& context, const Step& step) {
    if ((step.flags & kChroot) != 0) {
        // Where the root is the kernel's first one (an initramfs), which cannot be exchanged.
        const bool moved = fchdir(context.root_fd) == 0 && chroot(".") == 0 && chdir("/") == 0;
        return moved ? 0 : errno;
    }
    // pivot_root(".", ".") stacks the old root on the new one, from where it is detached: no
    // directory in the image is needed for it.
    if (fchdir(context.root_fd) != 0 || pivot_root(".", ".") != 0 ||
        fchdir(context.host_root_fd) != 0 ||
        mount(nullptr, ".", nullptr, MS_SLAVE | MS_REC, nullptr) != 0 ||
        umount2(".", MNT_DETACH) != 0 || chdir("/") != 0) {
        return errno;
    }
    close(context.host_root_fd);
    context.host_root_fd = -1;
    return 0;
}

int make_private_proc(ChildContext& context) {
    const int fs = fsopen("proc");
    if (fs < 0) {
        return errno;
    }
    int error = 0;
    if (fsconfig(fs, kFsconfigCreate, nullptr, nullptr) != 0) {
        error = errno;
    } else if ((context.proc_fd =
                    fsmount(fs, kMountAttrNosuid | kMountAttrNodev | kMountAttrNoexec)) < 0) {
        error = errno;
    }
    close(fs);
    return error;
}

int write_sysctl(ChildContext& context, const Step& step) {
    // SAFETY: a procfs of our own and no links: whatever the image put at /proc, the value cannot
    // land in another file (CVE-2025-52881).
    char path[512] = "sys/";
    const Text& name = step.text[0];
    if (name.size >= sizeof path - 4) {
        return ENAMETOOLONG;
    }
    memcpy(path + 4, context.plan.text(name), name.size + 1);
    const int fd = openat2(context.proc_fd, path, O_WRONLY | O_CLOEXEC,
                           kResolveBeneath | kResolveNoXdev | kResolveNoSymlinks);
    if (fd < 0) {
        return errno;
    }
    const Text& value = step.text[1];
    const int error = write(fd, context.plan.text(value), value.size) == value.size ? 0 : errno;
    close(fd);
    return error;
}

}  // namespace gantry::shim
