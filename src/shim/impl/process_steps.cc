#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/impl/executor.h"
#include "shim/impl/kernel.h"
#include "shim/impl/root_path.h"

namespace gantry::shim {

namespace {

constexpr auto kDevptsMagic = 0x1cd1;
constexpr unsigned long kTiocgptpeer = 0x5441;  // _IO('T', 0x41)

/// The multiplexer of a devpts, not what somebody put in its place (CVE-2025-52565).
int open_multiplexer(int root) {
    const int fd = open_in_root(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY);
    if (fd < 0) {
        return -1;
    }
    struct stat status = {};
    struct statfs fs = {};
    if (fstat(fd, &status) != 0 || fstatfs(fd, &fs) != 0 || !S_ISCHR(status.st_mode) ||
        status.st_rdev != makedev(5, 2) || static_cast<long>(fs.f_type) != kDevptsMagic) {
        close(fd);
        errno = ENODEV;
        return -1;
    }
    return fd;
}

int bind_console(ChildContext& context, int slave) {
    const int target = make_in_root(context.root_fd, "/dev/console", TargetType::kFile, 0755);
    if (target < 0) {
        return errno;
    }
    const int mount = open_tree(slave, "", kOpenTreeClone | kAtEmptyPath);
    const int error = mount >= 0 && move_mount(mount, target) == 0 ? 0 : errno;
    close(target);
    if (mount >= 0) {
        close(mount);
    }
    return error;
}

}  // namespace

int open_terminal(ChildContext& context, const Step& step) {
    const int master = open_multiplexer(context.root_fd);
    if (master < 0) {
        return errno;
    }
    int unlock = 0;
    winsize size = {};
    size.ws_row = static_cast<unsigned short>(step.n[0]);
    size.ws_col = static_cast<unsigned short>(step.n[1]);
    if (ioctl(master, TIOCSPTLCK, &unlock) != 0 ||
        (size.ws_row != 0 && size.ws_col != 0 && ioctl(master, TIOCSWINSZ, &size) != 0)) {
        return errno;
    }
    // TIOCGPTPEER opens the other end without a path that could be somebody else's.
    const int slave = ioctl(master, static_cast<int>(kTiocgptpeer), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0) {
        return errno;
    }
    if ((step.flags & kConsoleDevice) != 0) {
        if (const int error = bind_console(context, slave); error != 0) {
            return error;
        }
    }
    ChildMessage message = {};
    message.kind = ChildMessageKind::kTerminal;
    if (const int error = send_child_message(context.sync_fd, message, master); error != 0) {
        return error;
    }
    close(master);
    for (int fd = 0; fd < 3; ++fd) {
        if (dup2(slave, fd) < 0) {
            return errno;
        }
    }
    close(slave);
    context.terminal_fd = 0;
    return 0;
}

int start_session(ChildContext& context) {
    if (setsid() < 0) {
        return errno;
    }
    return context.terminal_fd < 0 || ioctl(0, TIOCSCTTY, 0) == 0 ? 0 : errno;
}

int own_stdio(const Step& step) {
    for (int fd = 0; fd < 3; ++fd) {
        struct stat status = {};
        if (fstat(fd, &status) != 0) {
            return errno;
        }
        // /dev/null is the host's own file.
        if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3)) {
            continue;
        }
        if (fchown(fd, static_cast<uid_t>(step.n[0]), static_cast<gid_t>(step.n[1])) != 0 &&
            errno != EINVAL && errno != EPERM && errno != EROFS) {
            return errno;
        }
    }
    return 0;
}

int enter_working_directory(ChildContext& context, const Step& step) {
    if (chdir(context.plan.text(step.text[0])) != 0) {
        return errno;
    }
    // SAFETY: "/proc/self/fd/N" could lead out of the root. The kernel's own call, since a libc may
    // hide its "(unreachable)" (CVE-2024-21626).
    char path[PATH_MAX];
    if (syscall(SYS_getcwd, path, sizeof path) < 0) {
        return errno;
    }
    return path[0] == '/' ? 0 : EXDEV;
}

int enter_pid_namespace(ChildContext& context) {
    // CLONE_PARENT: the shim becomes the parent and gets the status. This process stays outside of
    // the container's pid namespace and ends.
    int pidfd = -1;
    // SAFETY: S86. Nothing of the host is open in a process that the container can see.
    if (close_from(context.last_fd + 1) != 0) {
        return errno;
    }
    context.root_fd = -1;
    CloneArgs args = {};
    args.flags = CLONE_PARENT | CLONE_PIDFD;
    args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
    const int pid = clone3(args);
    if (pid < 0) {
        return errno;
    }
    if (pid == 0) {
        return 0;
    }
    ChildMessage message = {};
    message.kind = ChildMessageKind::kEntered;
    message.pid = pid;
    const int error = send_child_message(context.sync_fd, message, pidfd);
    if (error != 0) {
        // Nobody would ever reap or stop it.
        (void)pidfd_send_signal(pidfd, SIGKILL);
    }
    _exit(error == 0 ? 0 : 1);
}

}  // namespace gantry::shim
