#include "runtime/stage_process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/impl/failure_text.h"
#include "shim/stage.h"
#include "sys/files.h"

namespace gantry::runtime {

namespace {

int base_of(int preserved) {
    return 3 + preserved;
}

/// The program as a file that nobody can write to (CVE-2019-5736): the container sees it at
/// /proc/PID/exe while it is set up.
Result<UniqueFd> open_program(std::string_view program) {
    GT_TRY_VAR(memfd, sys::make_sealed_memfd("gantry-stage", program));
    // A file that is open for writing cannot be executed (ETXTBSY).
    return sys::open_file(AT_FDCWD, fmt::format("/proc/self/fd/{}", memfd.get()).c_str(), O_RDONLY);
}

}  // namespace

int stage_first_plan_fd(int preserved) {
    return base_of(preserved) + shim::kStageFirstPlanFd;
}

int stage_start_fd(int preserved) {
    return base_of(preserved) + shim::kStageStart;
}

Result<StageProcess> StageProcess::spawn(const Request& request) {
    GT_TRY_VAR(program, open_program(request.program));
    GT_TRY_VAR(plan, sys::make_sealed_memfd("gantry-plan", request.plan));
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return fail_errno("socketpair");
    }
    StageProcess stage;
    stage.channel_.reset(pair[0]);
    const UniqueFd theirs(pair[1]);
    const int base = base_of(request.preserved);
    sys::SpawnRequest child;
    child.path = fmt::format("/proc/{}/fd/{}", getpid(), program.get());
    child.argv = {"gantry-stage", std::to_string(base)};
    for (int fd = 0; fd < base; ++fd) {
        child.fds.push_back({fd, fd});
    }
    child.fds.push_back({theirs.get(), base + shim::kStageSync});
    child.fds.push_back(
        {request.start_fd >= 0 ? request.start_fd : theirs.get(), base + shim::kStageStart});
    child.fds.push_back({plan.get(), base + shim::kStagePlan});
    int target = base + shim::kStageFirstPlanFd;
    for (const int fd : request.plan_fds) {
        child.fds.push_back({fd, target++});
    }
    GT_TRY_VAR(spawned, sys::spawn(child));
    stage.pid_ = spawned.pid;
    stage.first_ = std::move(spawned.pidfd);
    return stage;
}

void StageProcess::reap_first() {
    if (first_) {
        (void)sys::wait_child(first_.get(), sys::Wait::kBlock, sys::Reap::kYes);
        first_.reset();
    }
}

Result<StageProcess::Stage> StageProcess::next() {
    shim::ChildMessage message = {};
    iovec data = {&message, sizeof message};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    msghdr header = {};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    ssize_t size = -1;
    do {
        size = recvmsg(channel_.get(), &header, MSG_CMSG_CLOEXEC);
    } while (size < 0 && errno == EINTR);
    UniqueFd fd;
    if (const cmsghdr* item = size > 0 ? CMSG_FIRSTHDR(&header) : nullptr; item != nullptr) {
        int number = -1;
        std::memcpy(&number, CMSG_DATA(item), sizeof number);
        fd.reset(number);
    }
    if (size != static_cast<ssize_t>(sizeof message)) {
        const int process = pidfd_ ? pidfd_.get() : first_.get();
        const auto ended = sys::wait_child(process, sys::Wait::kPoll, sys::Reap::kNo);
        if (!pidfd_ || (ended && *ended && (*ended)->signal == SIGKILL)) {
            message = {};
            message.error = ECHILD;
            return Failure(stage_failure(message));
        }
        return Stage::kRunning;
    }
    message.noun[sizeof message.noun - 1] = '\0';
    switch (message.kind) {
        case shim::ChildMessageKind::kEntered:
            reap_first();
            pid_ = message.pid;
            pidfd_ = std::move(fd);
            return Stage::kEntered;
        case shim::ChildMessageKind::kTerminal: terminal_ = std::move(fd); return Stage::kTerminal;
        case shim::ChildMessageKind::kRendezvous: return Stage::kRendezvous;
        case shim::ChildMessageKind::kSeccompListener:
            listener_ = message.pid;
            return Stage::kSeccompListener;
        case shim::ChildMessageKind::kReady: return Stage::kReady;
        case shim::ChildMessageKind::kFailed: break;
    }
    return Failure(stage_failure(message));
}

Result<> StageProcess::release() {
    return sys::write_all(channel_.get(), std::string_view("", 1));
}

Result<UniqueFd> StageProcess::take_listener() {
    UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_getfd, pidfd_.get(), listener_, 0)));
    if (!fd) {
        return fail_errno("take the seccomp listener");
    }
    return fd;
}

void StageProcess::kill() {
    for (UniqueFd* process : {&first_, &pidfd_}) {
        if (*process) {
            (void)sys::send_signal(process->get(), SIGKILL);
            (void)sys::wait_child(process->get(), sys::Wait::kBlock, sys::Reap::kYes);
        }
    }
}

Result<Placeholder> Placeholder::spawn(std::string_view program) {
    GT_TRY_VAR(file, open_program(program));
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return fail_errno("pipe");
    }
    const UniqueFd theirs(ends[0]);
    UniqueFd ours(ends[1]);
    sys::SpawnRequest child;
    child.path = fmt::format("/proc/{}/fd/{}", getpid(), file.get());
    child.argv = {"gantry-stage", shim::kStageWait};
    child.fds = {{theirs.get(), STDIN_FILENO}};
    GT_TRY_VAR(spawned, sys::spawn(child));
    return Placeholder(std::move(spawned), std::move(ours));
}

Placeholder::~Placeholder() {
    pipe_.reset();
    if (child_.pidfd) {
        (void)sys::wait_child(child_.pidfd.get(), sys::Wait::kBlock, sys::Reap::kYes);
    }
}

}  // namespace gantry::runtime
