#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "shim/impl/executor.h"
#include "shim/impl/kernel.h"

namespace gantry::shim {

namespace {

constexpr int kCloneNewtime = 0x80;
constexpr uint64_t kCloneParent = CLONE_PARENT;

/// /proc/PID/NAME = VALUE, in one write.
int write_to_process(int pid, const char* name, const char* value, size_t size) {
    char path[64] = "/proc/";
    char* end = put_number(path + 6, static_cast<uint64_t>(pid));
    *end++ = '/';
    memcpy(end, name, strlen(name) + 1);
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    const int error = write(fd, value, size) == static_cast<ssize_t>(size) ? 0 : errno;
    close(fd);
    return error;
}

int map_ids(const PlanView& plan, const Step& step, int pid) {
    const Text& uids = step.text[1];
    const Text& gids = step.text[2];
    int error = 0;
    if ((step.flags & kDenySetgroups) != 0) {
        // ORDER: without privileges gid_map can be written only after this.
        error = write_to_process(pid, "setgroups", "deny", 4);
    }
    if (error == 0 && gids.size != 0) {
        error = write_to_process(pid, "gid_map", plan.text(gids), gids.size);
    }
    if (error == 0 && uids.size != 0) {
        error = write_to_process(pid, "uid_map", plan.text(uids), uids.size);
    }
    return error;
}

/// The child waits until its ids are mapped: before that it is nobody.
int wait_for_mapping(const int (&pipe)[2]) {
    char byte = 0;
    close(pipe[1]);
    if (read(pipe[0], &byte, 1) != 1) {
        _exit(1);  // the reason is told by who closed it
    }
    close(pipe[0]);
    return 0;
}

}  // namespace

int make_time_namespace(ChildContext& context, const Step& step) {
    if (unshare(kCloneNewtime) != 0) {
        return errno;
    }
    const Text& offsets = step.text[0];
    const int fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    const int error =
        offsets.size == 0 || write(fd, context.plan.text(offsets), offsets.size) == offsets.size
            ? 0
            : errno;
    close(fd);
    return error;
}

int give_birth(ChildContext& context, const Step& step) {
    // CLONE_PARENT: who started us gets the child and its status.
    int pidfd = -1;
    int pipe[2];
    if (pipe2(pipe, O_CLOEXEC) != 0) {
        return errno;
    }
    CloneArgs args = {};
    args.flags = static_cast<uint64_t>(step.n[0]) | kCloneParent | CLONE_PIDFD;
    args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
    if (step.fd >= 0) {
        args.flags |= kCloneIntoCgroup;
        args.cgroup = static_cast<uint64_t>(step.fd);
    }
    const int pid = clone3(args);
    if (pid < 0) {
        return errno;
    }
    if (pid == 0) {
        return wait_for_mapping(pipe);
    }
    close(pipe[0]);
    int error = map_ids(context.plan, step, pid);
    if (error == 0) {
        ChildMessage message = {};
        message.kind = ChildMessageKind::kEntered;
        message.pid = pid;
        error = send_child_message(context.sync_fd, message, pidfd);
    }
    if (error == 0) {
        error = write(pipe[1], "", 1) == 1 ? 0 : errno;
    }
    if (error != 0) {
        (void)pidfd_send_signal(pidfd, SIGKILL);
        return error;
    }
    _exit(0);
}

int meet_parent(ChildContext& context) {
    ChildMessage message = {};
    message.kind = ChildMessageKind::kRendezvous;
    return tell_and_wait(context.sync_fd, message);
}

}  // namespace gantry::shim
