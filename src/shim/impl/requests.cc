#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim/impl/kernel.h"
#include "shim/impl/shim.h"

namespace gantry::shim {

namespace {

/// Answered later, on the channel that was put aside.
constexpr int kDeferred = -1;

}  // namespace

void Shim::on_listen(Watch& watch, uint32_t) {
    static_cast<Shim*>(watch.owner)->accept_daemon();
}

void Shim::accept_daemon() {
    const int fd = accept4(kListenFd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return;
    }
    if (daemon_.fd >= 0) {
        environment_.loop.suspend(daemon_);
        close(daemon_.fd);
    }
    environment_.loop.add(daemon_, fd, EPOLLIN, &Shim::on_daemon, this);
    // A new daemon knows nothing of what the old one was told.
    environment_.notices.clear();
    rotations_told_ = dropped_told_ = 0;
    init_.exit_told = false;
    for (Process* exec = execs_; exec != nullptr; exec = exec->next) {
        exec->exit_told = false;
    }
}

void Shim::lose_daemon() {
    environment_.loop.suspend(daemon_);
    close(daemon_.fd);
    daemon_.fd = -1;
    if (!start_received_) {
        leaving_ = true;
    }
}

void Shim::on_daemon(Watch& watch, uint32_t events) {
    auto& shim = *static_cast<Shim*>(watch.owner);
    if ((events & EPOLLIN) != 0) {
        shim.receive_request();
    } else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
        shim.lose_daemon();
    }
    // EPOLLOUT: tick() sends what waits.
}

void Shim::receive_request() {
    Received received = {};
    char* message = environment_.buffers->message;
    iovec data = {message, sizeof(Buffers::message)};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxFds)];
    msghdr header = {};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    const ssize_t size = recvmsg(daemon_.fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (size <= 0) {
        lose_daemon();
        return;
    }
    const cmsghdr* item = CMSG_FIRSTHDR(&header);
    if (item != nullptr && item->cmsg_type == SCM_RIGHTS &&
        item->cmsg_len >= CMSG_LEN(sizeof(int))) {
        received.fd_count = static_cast<uint32_t>((item->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(received.fds, CMSG_DATA(item), received.fd_count * sizeof(int));
    }
    received.request = reinterpret_cast<const Request*>(message);
    received.payload = message + sizeof(Request);
    int error = EPROTO;
    if (size >= static_cast<ssize_t>(sizeof(Request)) && (header.msg_flags & MSG_TRUNC) == 0 &&
        received.fd_count > 0) {
        received.payload_size = static_cast<uint32_t>(size - static_cast<ssize_t>(sizeof(Request)));
        error = handle(received);
    }
    // handle() took what it kept out of the array.
    if (error != kDeferred && received.fd_count > 0 && received.fds[0] >= 0) {
        answer_error(received.fds[0], error);
        received.fds[0] = -1;
    }
    for (uint32_t i = 0; i < received.fd_count; ++i) {
        if (received.fds[i] >= 0) {
            close(received.fds[i]);
        }
    }
}

int Shim::handle(Received& received) {
    const Request& request = *received.request;
    if (request.kind == RequestKind::kHello) {
        return hello(received);
    }
    if (request.kind == RequestKind::kStart) {
        return start(received);
    }
    if (request.kind == RequestKind::kExec) {
        return exec(received);
    }
    Process* process = find(request.process);
    if (process == nullptr) {
        return ESRCH;
    }
    switch (request.kind) {
        case RequestKind::kSignal:
            if (process->number == 0 && is_foreign()) {
                const int error = signal_by_runtime(received, static_cast<int>(request.a));
                return error != 0 ? error : kDeferred;
            }
            return signal_process(*process, static_cast<int>(request.a));
        case RequestKind::kResize: return process->stdio.resize(request.a, request.b);
        case RequestKind::kCloseStdin: process->stdio.close_input_when_drained(); return 0;
        case RequestKind::kAttach: return attach(*process, received);
        case RequestKind::kTakeCompressedLog:
            return log_.file().is_open() && log_.file().take_compressed(request.c) ? 0 : ENOENT;
        case RequestKind::kClearLog:
            if (log_.file().is_open()) {
                log_.file().clear();
            }
            return 0;
        case RequestKind::kForgetExec:
            if (!process->finished || process->number == 0) {
                return EBUSY;
            }
            release(*process);
            return 0;
        case RequestKind::kRelease:
            if (process->number != 0) {
                return EINVAL;
            }
            // A daemon that kills what it does not want may let go before the end has come: nobody
            // will ask for that exit.
            if (process->finished) {
                release(*process);
            } else {
                process->released = true;
            }
            return 0;
        default: return ENOSYS;
    }
}

int Shim::hello(Received& received) {
    if (phase_ == Phase::kPreparing) {
        if (init_.answer_fd >= 0) {
            close(init_.answer_fd);
        }
        init_.answer_fd = received.fds[0];
        received.fds[0] = -1;
        return kDeferred;
    }
    answer(received.fds[0], phase_ == Phase::kFailed ? failure_ : describe_container(),
           init_.pidfd);
    received.fds[0] = -1;
    leaving_ = leaving_ || phase_ == Phase::kFailed;
    return kDeferred;
}

int Shim::start(Received& received) {
    if (phase_ == Phase::kFailed) {
        leaving_ = true;
        return ECHILD;
    }
    if (phase_ != Phase::kReady || start_received_) {
        return EALREADY;
    }
    start_received_ = true;
    init_.answer_fd = received.fds[0];
    received.fds[0] = -1;
    // A child that died in between shows as the end of its channel, soon.
    (void)send(init_.sync.fd, "", 1, MSG_NOSIGNAL);
    return kDeferred;
}

Client::Options Shim::client_options(const Received& received) const {
    return {received.request->flags, received.request->c, received.payload, received.request->a};
}

int Shim::attach(Process& process, Received& received) {
    const Request& request = *received.request;
    if (received.fd_count < 2 || request.a > kMaxDetachKeys || request.b > kMaxEarlyInput ||
        request.a + request.b != received.payload_size) {
        return EPROTO;
    }
    const int error = process.stdio.add_client(received.fds[1], client_options(received),
                                               received.payload + request.a, request.b);
    if (error == 0) {
        received.fds[1] = -1;
    }
    return error;
}

int Shim::exec(Received& received) {
    const Request& request = *received.request;
    const bool with_client = (request.flags & kExecClient) != 0;
    if (phase_ != Phase::kRunning || init_.ended) {
        return ESRCH;
    }
    if (received.fd_count != (with_client ? 3U : 2U) || request.a > kMaxDetachKeys ||
        request.b > kMaxEarlyInput || request.a + request.b != received.payload_size) {
        return EPROTO;
    }
    Process* exec = exec_pool_.make();
    if (exec == nullptr) {
        return ENOMEM;
    }
    exec->number = next_exec_;
    int error = exec->plan.map(received.fds[1]) ? 0 : EINVAL;
    if (error == 0) {
        error = launch(*exec);
    }
    if (error == 0 && with_client) {
        error = exec->stdio.add_client(received.fds[2], client_options(received),
                                       received.payload + request.a, request.b);
        if (error == 0) {
            received.fds[2] = -1;
        } else {
            (void)pidfd_send_signal(exec->pidfd, SIGKILL);
            environment_.loop.suspend(exec->sync);
            close(exec->sync.fd);
        }
    }
    if (error != 0) {
        exec->stdio.abandon();
        if (exec->pidfd >= 0) {
            close(exec->pidfd);
        }
        exec_pool_.destroy(exec);
        return error;
    }
    ++next_exec_;
    exec->next = execs_;
    execs_ = exec;
    exec->answer_fd = received.fds[0];
    received.fds[0] = -1;
    return kDeferred;
}

int Shim::signal_process(Process& process, int signal) {
    if (!process.running || process.ended) {
        return ESRCH;
    }
    return pidfd_send_signal(process.pidfd, signal) == 0 ? 0 : errno;
}

Process* Shim::find(uint32_t number) {
    if (number == 0) {
        return &init_;
    }
    Process* exec = execs_;
    while (exec != nullptr && exec->number != number) {
        exec = exec->next;
    }
    return exec;
}

Answer Shim::describe_container() const {
    Answer reply = {};
    reply.version = kProtocolVersion;
    reply.phase = phase_;
    reply.pid = init_.pid;
    reply.exit_code = init_.exit_code;
    reply.exit_time = init_.exit_time;
    reply.oom_killed = init_.oom_killed ? 1 : 0;
    return reply;
}

void Shim::answer_error(int fd, int error) {
    Answer reply = describe_container();
    reply.error = error;
    answer(fd, reply);
}

/// Sends REPLY on the private channel FD and closes it. A sender who waits no more is no error.
void Shim::answer(int fd, const Answer& reply, int pass_fd) {
    if (fd < 0) {
        return;
    }
    Answer copy = reply;
    iovec data = {&copy, sizeof copy};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr header = {};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    if (pass_fd >= 0) {
        header.msg_control = control;
        header.msg_controllen = sizeof control;
        cmsghdr* item = CMSG_FIRSTHDR(&header);
        item->cmsg_level = SOL_SOCKET;
        item->cmsg_type = SCM_RIGHTS;
        item->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(item), &pass_fd, sizeof pass_fd);
    }
    (void)sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
}

bool Shim::send_event(const EventMessage& event) {
    if (send(daemon_.fd, &event, sizeof event, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
        return true;
    }
    if (errno == EAGAIN) {
        environment_.loop.change(daemon_, EPOLLIN | EPOLLOUT);
    }
    return false;  // a broken connection reports itself
}

/// False: later.
bool Shim::send_log_events() {
    const LogFile& file = log_.file();
    EventMessage event = {};
    if (rotations_told_ != file.rotations()) {
        event.kind = EventKind::kLogRotated;
        if (!send_event(event)) {
            return false;
        }
        rotations_told_ = file.rotations();
    }
    const uint64_t dropped = file.dropped() + peer_.dropped();
    if (dropped != dropped_told_ && (dropped_told_ == 0 || init_.finished)) {
        event.kind = EventKind::kLogDropped;
        event.notify_id = dropped;
        event.exit_code = file.dropped() > 0 ? file.drop_reason() : peer_.drop_reason();
        if (!send_event(event)) {
            return false;
        }
        dropped_told_ = dropped;
    }
    return true;
}

void Shim::send_events() {
    if (daemon_.fd < 0) {
        environment_.notices.clear();
        return;
    }
    while (!environment_.notices.empty()) {
        if (!send_event(environment_.notices.front())) {
            return;
        }
        environment_.notices.pop();
    }
    if (!send_log_events()) {
        return;
    }
    for (Process* process = &init_; process != nullptr;
         process = process == &init_ ? execs_ : process->next) {
        if (!process->finished || process->exit_told) {
            continue;
        }
        const EventMessage event = {
            process->number == 0 ? EventKind::kExited : EventKind::kExecExited,
            process->number,
            process->exit_code,
            process->oom_killed ? 1U : 0U,
            process->exit_time,
            0};
        if (!send_event(event)) {
            return;
        }
        process->exit_told = true;
    }
    environment_.loop.change(daemon_, EPOLLIN);
}

}  // namespace gantry::shim
