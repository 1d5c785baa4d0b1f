#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/impl/command.h"
#include "shim/impl/executor.h"
#include "shim/impl/kernel.h"

// Steps of a container that another OCI runtime makes: they happen on the host, in a mount
// namespace of their own, and run that runtime's command line.

namespace gantry::shim {

namespace {

/// How long a runtime that has made a process may take to hand over its terminal.
constexpr int kConsolePatienceMs = 10000;

/// TEXT in a file without a name; -1 with errno.
int make_input(const PlanView& plan, const Text& text) {
    const int fd = memfd_create("input", MFD_CLOEXEC);
    if (fd >= 0 && write(fd, plan.text(text), text.size) != static_cast<ssize_t>(text.size)) {
        close(fd);
        errno = EIO;
        return -1;
    }
    return fd;
}

/// The number in the file PATH, which is removed; -1 with errno.
int take_pid(const char* path) {
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    char text[24] = {};
    const ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    (void)unlink(path);
    const int pid = size > 0 ? atoi(text) : 0;
    errno = EINVAL;
    return pid > 0 ? pid : -1;
}

/// The descriptor that comes with the first message on SOCKET; -1 with errno.
int receive_descriptor(int socket) {
    char byte[256];
    iovec data = {byte, sizeof byte};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    msghdr header = {};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    const ssize_t size = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    const cmsghdr* item = size > 0 ? CMSG_FIRSTHDR(&header) : nullptr;
    if (item == nullptr) {
        errno = size < 0 ? errno : EPROTO;
        return -1;
    }
    int fd = -1;
    memcpy(&fd, CMSG_DATA(item), sizeof fd);
    return fd;
}

}  // namespace

int place_mount(ChildContext& context, const Step& step) {
    const char* path = context.plan.text(step.text[0]);
    struct stat status = {};
    if (fstat(step.fd, &status) != 0) {
        return errno;
    }
    if (S_ISDIR(status.st_mode)) {
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            return errno;
        }
    } else if (const int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); file >= 0) {
        close(file);
    } else {
        return errno;
    }
    const int target = open(path, O_PATH | O_CLOEXEC);
    if (target < 0) {
        return errno;
    }
    const int error = move_mount(step.fd, target) == 0 ? 0 : errno;
    close(target);
    return error;
}

int run_command(ChildContext& context, const Step& step) {
    // What the program leaves behind stays ours until the shim knows of it (adopt_process): a child
    // of the shim that ended before would be taken for nobody's.
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    int input = -1;
    if (step.text[2].size != 0) {
        input = make_input(context.plan, step.text[2]);
        if (input < 0) {
            return errno;
        }
    }
    Command command;
    const bool fits = command.set(context.plan.text(step.text[0]), step.n[0], step.n[1]);
    const int pid = fits ? command.spawn(step.flags, input) : -1;
    int error = pid > 0 ? 0 : fits ? errno : E2BIG;
    siginfo_t info = {};
    if (error == 0 && waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) != 0) {
        error = errno;
    }
    if (input >= 0) {
        close(input);
    }
    const bool good = info.si_code == CLD_EXITED && info.si_status == 0;
    return error != 0 ? error : good ? 0 : ECANCELED;
}

int adopt_process(ChildContext& context, const Step& step) {
    const int pid = take_pid(context.plan.text(step.text[0]));
    if (pid < 0) {
        return errno;
    }
    const int pidfd = pidfd_open(pid);
    if (pidfd < 0) {
        return errno;
    }
    ChildMessage message = {};
    message.kind = ChildMessageKind::kEntered;
    message.pid = pid;
    const int error = send_child_message(context.sync_fd, message, pidfd);
    close(pidfd);
    // ORDER: the shim has taken it in before we end and it becomes a child of the shim.
    return error != 0 ? error : meet_parent(context);
}

int listen_for_console(ChildContext& context, const Step& step) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    const Text& path = step.text[0];
    if (path.size >= sizeof address.sun_path) {
        return ENAMETOOLONG;
    }
    memcpy(address.sun_path, context.plan.text(path), path.size);
    context.console_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (context.console_fd < 0 ||
        bind(context.console_fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
            0 ||
        listen(context.console_fd, 1) != 0) {
        return errno;
    }
    return 0;
}

int take_console(ChildContext& context, const Step& step) {
    pollfd waiting = {context.console_fd, POLLIN, 0};
    if (poll(&waiting, 1, kConsolePatienceMs) <= 0) {
        return ETIMEDOUT;
    }
    const int peer = accept4(context.console_fd, nullptr, nullptr, SOCK_CLOEXEC);
    const int terminal = peer >= 0 ? receive_descriptor(peer) : -1;
    int error = terminal >= 0 ? 0 : errno;
    if (error == 0) {
        ChildMessage message = {};
        message.kind = ChildMessageKind::kTerminal;
        error = send_child_message(context.sync_fd, message, terminal);
        close(terminal);
    }
    if (peer >= 0) {
        close(peer);
    }
    close(context.console_fd);
    (void)unlink(context.plan.text(step.text[0]));
    return error;
}

}  // namespace gantry::shim
