#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/impl/cgroup_of.h"
#include "shim/impl/command.h"
#include "shim/impl/kernel.h"
#include "shim/impl/shim.h"

namespace gantry::shim {

namespace {

void close_fd(int& fd) {
    if (fd >= 0) {
        close(fd);
        fd = -1;
    }
}

/// The namespace that children are born in, for a scope.
class BirthNamespace {
public:
    /// 0 or an errno; an empty PATH changes nothing.
    int enter(const char* path) {
        if (path[0] == '\0') {
            return 0;
        }
        own_ = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
        const int target = open(path, O_RDONLY | O_CLOEXEC);
        const int error = own_ >= 0 && target >= 0 && setns(target, CLONE_NEWPID) == 0 ? 0 : errno;
        if (target >= 0) {
            close(target);
        }
        return error;
    }
    ~BirthNamespace() {
        if (own_ >= 0) {
            (void)setns(own_, CLONE_NEWPID);
            close(own_);
        }
    }

private:
    int own_ = -1;
};

}  // namespace

int Shim::launch(Process& process) {
    const PlanHeader& header = process.plan.view().header();
    int pair[2];
    if (const int error = process.stdio.open(
            environment_, process.number, header.terminal != 0, header.stdin_mode,
            process.number == 0 && log_.is_open() ? &log_ : nullptr);
        error != 0) {
        return error;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return errno;
    }
    const int error = spawn_child(process, pair[1]);
    close(pair[1]);
    process.stdio.close_child_ends();
    if (error != 0) {
        close(pair[0]);
        return error;
    }
    if (is_foreign() && !process.stdio.is_terminal()) {
        // What its runtime writes when it fails is told otherwise, and no output of the
        // container's.
        process.stdio.withhold_output();
    }
    environment_.loop.add(process.sync, pair[0], EPOLLIN, &Shim::on_sync, this);
    return 0;
}

int Shim::spawn_child(Process& process, int sync_fd) {
    const PlanHeader& plan = process.plan.view().header();
    const PlanHeader& container = init_.plan.view().header();
    BirthNamespace birth;
    if (process.number == 0) {
        if (const int error = birth.enter(process.plan.view().text(plan.pid_namespace));
            error != 0) {
            return error;
        }
    }
    CloneArgs args = {};
    args.flags = (process.number == 0 ? plan.clone_flags : 0) | CLONE_PIDFD;
    args.pidfd = reinterpret_cast<uint64_t>(&process.pidfd);
    args.exit_signal = SIGCHLD;
    // A plan with a birth of its own joins there, so that the first process is not counted.
    const bool joins = process.number != 0 ? !is_foreign() : plan.has_birth == 0;
    if (container.has_v2_fd != 0 && joins) {
        args.flags |= kCloneIntoCgroup;
        args.cgroup = static_cast<uint64_t>(kFirstPlanFd) + container.tasks_fds;
    }
    int pid = clone3(args);
    if (pid < 0 && errno == EBUSY && process.number != 0) {
        // The container has divided its group: an exec goes where its first process went.
        const int group = open_cgroup_of(init_.pid, static_cast<int>(args.cgroup));
        if (group >= 0) {
            args.cgroup = static_cast<uint64_t>(group);
            pid = clone3(args);
            const int error = errno;
            if (pid != 0) {
                close(group);
            }
            errno = error;
        }
    }
    if (pid == 0) {
        run_child(process, sync_fd);
    }
    process.pid = pid;
    return pid > 0 ? 0 : errno;
}

void Shim::run_child(Process& process, int sync_fd) {
    static ChildContext context;
    // SAFETY: P3. Everything of the shim and the host is gone before anything else happens; what
    // stays is stdio, the channel to the shim and the plan's own descriptors.
    for (int i = 0; i < 3; ++i) {
        (void)dup2(process.stdio.child_fd(i), i);
    }
    (void)dup3(sync_fd, kListenFd, O_CLOEXEC);
    const bool is_init = process.number == 0;
    if (is_init) {
        close(kPlanFd);
    } else {
        (void)dup3(init_.pidfd, kPlanFd, O_CLOEXEC);
        context.init_pidfd = kPlanFd;
    }
    const PlanHeader& container = init_.plan.view().header();
    (void)close_from(kFirstPlanFd + (is_init ? static_cast<int>(container.fd_count) : kept_fds_));
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    restore_signals();
    context.plan = process.plan.view();
    context.sync_fd = kListenFd;
    context.last_fd = kListenFd;
    context.tasks_fd = kFirstPlanFd;
    context.tasks_fds = container.tasks_fds;
    execute(context);
}

void Shim::on_sync(Watch& watch, uint32_t) {
    auto& shim = *static_cast<Shim*>(watch.owner);
    Process* process = &shim.init_;
    for (Process* exec = shim.execs_; process != nullptr && &process->sync != &watch;
         exec = exec->next) {
        process = exec;
    }
    ChildMessage message = {};
    iovec data = {&message, sizeof message};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    msghdr header = {};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    const ssize_t size = recvmsg(watch.fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    int fd = -1;
    if (const cmsghdr* item = size > 0 ? CMSG_FIRSTHDR(&header) : nullptr; item != nullptr) {
        memcpy(&fd, CMSG_DATA(item), sizeof fd);
    }
    if (size == static_cast<ssize_t>(sizeof message)) {
        message.noun[sizeof message.noun - 1] = '\0';
        shim.child_said(*process, message, fd);
    } else {
        shim.child_closed(*process);
    }
}

void Shim::child_said(Process& process, const ChildMessage& message, int fd) {
    switch (message.kind) {
        case ChildMessageKind::kTerminal:
            if (fd >= 0) {
                process.stdio.set_terminal(fd);
            }
            return;
        case ChildMessageKind::kEntered:
            close_fd(process.pidfd);
            process.pidfd = fd;
            process.pid = message.pid;
            process.entered = true;
            return;
        case ChildMessageKind::kRendezvous:
            // What was told before is known now: that is all that a plan of the daemon waits for.
            (void)send(process.sync.fd, "", 1, MSG_NOSIGNAL);
            return;
        case ChildMessageKind::kSeccompListener:
            // The daemon's plans have none.
            return;
        case ChildMessageKind::kReady:
            // What only the set-up needed; the root's mount above all, which would stay busy.
            for (int extra = kFirstPlanFd + kept_fds_;
                 extra < kFirstPlanFd + static_cast<int>(init_.plan.view().header().fd_count);
                 ++extra) {
                close(extra);
            }
            phase_ = Phase::kReady;
            if (process.answer_fd >= 0) {
                answer(process.answer_fd, describe_container(), process.pidfd);
                process.answer_fd = -1;
            }
            return;
        case ChildMessageKind::kFailed: launch_failed(process, message); return;
    }
}

void Shim::child_closed(Process& process) {
    const bool started =
        process.number == 0 ? start_received_ && phase_ == Phase::kReady : process.entered;
    if (started) {
        executed(process);
        return;
    }
    ChildMessage reason = {};
    reason.error = ECHILD;  // it was killed
    launch_failed(process, reason);
}

void Shim::executed(Process& process) {
    environment_.loop.suspend(process.sync);
    close_fd(process.sync.fd);
    process.running = true;
    process.stdio.release_output();
    if (process.number == 0) {
        phase_ = Phase::kRunning;
    } else {
        process.plan.unmap();
    }
    Answer reply = describe_container();
    reply.process = process.number;
    reply.pid = process.pid;
    answer(process.answer_fd, reply);
    process.answer_fd = -1;
    collect_children();  // it may have ended before we knew that it ran
}

void Shim::launch_failed(Process& process, const ChildMessage& reason) {
    environment_.loop.suspend(process.sync);
    close_fd(process.sync.fd);
    Answer reply = {};
    reply.version = kProtocolVersion;
    reply.error = reason.error;
    reply.step = static_cast<uint32_t>(reason.step);
    reply.exec_failure = reason.exec_failure;
    reply.process = process.number;
    reply.phase = process.number == 0 ? Phase::kFailed : phase_;
    memcpy(reply.noun, reason.noun, sizeof reply.noun);
    if (process.pidfd >= 0) {
        (void)pidfd_send_signal(process.pidfd, SIGKILL);
    }
    if (process.number == 0) {
        phase_ = Phase::kFailed;
        failure_ = reply;
        leaving_ = process.answer_fd >= 0;
    } else {
        process.finished = process.released = process.exit_told = true;
        // Its number is not known to the daemon; nothing of it stays.
        process.stdio.abandon();
    }
    if (process.answer_fd >= 0) {
        answer(process.answer_fd, reply);
        process.answer_fd = -1;
    }
    collect_children();  // it may have ended while it still had a name
}

}  // namespace gantry::shim
