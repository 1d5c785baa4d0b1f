#include "shim/impl/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace gantry::shim {

namespace {

/// How long clients wait for the daemon to record an exit before they see their end regardless.
constexpr int64_t kRecordTime = 2000;
/// Idle time after which the read buffer's memory is given back.
constexpr int kTrimTime = 1000;

/// PROCESS is being set up, and a child that nobody knows may be its second process, of which we
/// are to be told: reaped now, its end would be lost. Who is told looks at the children again.
bool awaits_second_process(const Process& process) {
    return process.sync.fd >= 0 && !process.entered;
}

}  // namespace

int Shim::run() {
    if (!prepare()) {
        return 1;
    }
    // The connection was made before we were: if nobody is behind it, the daemon died.
    accept_daemon();
    if (const int error = launch(init_); error != 0) {
        ChildMessage reason = {};
        reason.error = error;
        launch_failed(init_, reason);
    }
    while (!leaving_ && !is_over()) {
        if (!environment_.loop.wait(next_timeout()) && environment_.output_used) {
            // A burst of output is over.
            (void)madvise(&environment_.buffers->output, sizeof(ReadBuffer), MADV_DONTNEED);
            log_.trim();
            environment_.output_used = false;
        }
        tick();
    }
    if (!init_.ended && init_.pid > 0) {
        (void)kill(init_.pid, SIGKILL);
    }
    return 0;
}

bool Shim::prepare() {
    (void)prctl(PR_SET_NAME, "gantry-shim", 0, 0, 0);
    // With the host's pid namespace, orphans of the container come to us instead of to init, and
    // are reaped here.
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    // Children must not be inspected by processes of the container that they join (S86).
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    umask(0);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
    // A file size limit of the daemon costs log records, not the container.
    (void)signal(SIGXFSZ, SIG_IGN);
    // The daemon's working directory must not stay busy on our account.
    (void)chdir("/");
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &child, nullptr) != 0 || !environment_.loop.open() ||
        !init_.plan.map(kPlanFd)) {
        return false;
    }
    environment_.buffers = static_cast<Buffers*>(map_memory(sizeof(Buffers)));
    const int children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (environment_.buffers == nullptr || children < 0 ||
        fcntl(kListenFd, F_SETFL, O_NONBLOCK) != 0) {
        return false;
    }
    environment_.loop.add(children_, children, EPOLLIN, &Shim::on_child, this);
    environment_.loop.add(listen_, kListenFd, EPOLLIN, &Shim::on_listen, this);

    const PlanView& plan = init_.plan.view();
    const PlanHeader& header = plan.header();
    environment_.directory = plan.text(header.container_dir);
    tasks_fds_ = static_cast<int>(header.tasks_fds);
    kept_fds_ = tasks_fds_ + (header.has_v2_fd != 0 ? 1 : 0) + (header.has_oom_fd != 0 ? 1 : 0);
    open_log();
    return true;
}

void Shim::open_log() {
    const PlanView& plan = init_.plan.view();
    const PlanHeader& header = plan.header();
    if (header.has_log_fd != 0) {
        // Out of the way: the plan's descriptors are closed once the container is set up.
        const int inherited = kFirstPlanFd + static_cast<int>(header.fd_count) - 1;
        const int fd = fcntl(inherited, F_DUPFD_CLOEXEC, kFirstPlanFd);
        const auto resume = [](void* stdio) { static_cast<Stdio*>(stdio)->resume_output(); };
        peer_.open(environment_.loop, plan, fd, resume, &init_.stdio);
    }
    if (header.log_format != LogFormat::kNone || peer_.is_open()) {
        log_.open({header.log_format, plan.text(header.log_path), header.log_max_size,
                   header.log_max_files, plan.view(header.log_attrs)},
                  peer_.is_open() ? &peer_ : nullptr);
    }
}

bool Shim::is_over() const {
    if (!init_.finished || !init_.released || init_.stdio.has_clients()) {
        return false;
    }
    for (const Process* exec = execs_; exec != nullptr; exec = exec->next) {
        if (exec->stdio.has_clients()) {
            return false;
        }
    }
    return environment_.notices.empty() || daemon_.fd < 0;
}

int Shim::next_timeout() {
    int64_t deadline = peer_.deadline();
    for (Process* process = &init_; process != nullptr;
         process = process == &init_ ? execs_ : process->next) {
        const int64_t clients = process->stdio.deadline();
        deadline = process->deadline < deadline ? process->deadline : deadline;
        deadline = clients < deadline ? clients : deadline;
    }
    if (deadline == kNever) {
        return environment_.output_used ? kTrimTime : -1;
    }
    const int64_t left = deadline - monotonic_ms();
    return left < 0 ? 0 : left > 60000 ? 60000 : static_cast<int>(left) + 1;
}

void Shim::tick() {
    const int64_t now = monotonic_ms();
    if (peer_.is_open()) {
        peer_.tick(now);
    }
    for (Process* process = &init_; process != nullptr;
         process = process == &init_ ? execs_ : process->next) {
        const bool complete = process->stdio.output_ended() &&
                              (process->number != 0 || (log_is_drained() && deleting_ < 0));
        if (process->ended && !process->finished && (complete || now >= process->deadline)) {
            finish(*process);
        }
        if (process->finished && !process->released &&
            (daemon_.fd < 0 || now >= process->deadline)) {
            process->stdio.finish_clients();
            process->deadline = kNever;
        }
        process->stdio.sweep(now);
    }
    forget_released_execs();
    send_events();
}

void Shim::on_child(Watch& watch, uint32_t) {
    signalfd_siginfo info;
    while (read(watch.fd, &info, sizeof info) > 0) {
    }
    static_cast<Shim*>(watch.owner)->collect_children();
}

/// Takes the status of PROCESS without reaping it: its pid must stay ours until the record exists.
bool Shim::peek(Process& process) {
    siginfo_t info = {};
    if (!process.running || process.ended || process.pid <= 0 ||
        waitid(P_PID, static_cast<id_t>(process.pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        info.si_pid == 0) {
        return false;
    }
    process_ended(process, info);
    return true;
}

void Shim::collect_children() {
    (void)collect_commands();
    peek(init_);
    for (Process* exec = execs_; exec != nullptr; exec = exec->next) {
        peek(*exec);
    }
    // What is left are first processes of execs, children of failed launches and orphans.
    siginfo_t info = {};
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
        if (info.si_pid == init_.pid) {
            return;  // comes first until it is reaped; finish() looks again
        }
        if (collect_commands()) {
            info = {};
            continue;
        }
        if (awaits_second_process(init_)) {
            return;
        }
        for (const Process* exec = execs_; exec != nullptr; exec = exec->next) {
            if ((exec->pid == info.si_pid && !exec->finished) || awaits_second_process(*exec)) {
                return;
            }
        }
        (void)waitid(P_PID, static_cast<id_t>(info.si_pid), nullptr, WEXITED | WNOHANG);
        info = {};
    }
}

void Shim::process_ended(Process& process, const siginfo_t& info) {
    process.ended = true;
    process.exit_code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    process.exit_time = wall_nanoseconds();
    process.oom_killed = info.si_code != CLD_EXITED && oom_killed();
    process.deadline = monotonic_ms() + kDrainTime;
    if (process.number == 0 && peer_.is_open()) {
        peer_.stop_blocking();
    }
    process.stdio.process_ended();
    if (process.number == 0 && is_foreign()) {
        delete_by_runtime();
    }
}

void Shim::finish(Process& process) {
    process.stdio.end_output();
    process.finished = true;
    process.deadline = monotonic_ms() + kRecordTime;
    if (process.number == 0) {
        // ORDER: the log is complete; the record exists before anybody is told, and before the pid
        // is given back.
        write_exit_record(process);
        phase_ = Phase::kExited;
        if (process.released) {
            release(process);
        }
    }
    (void)waitid(P_PID, static_cast<id_t>(process.pid), nullptr, WEXITED | WNOHANG);
    if (process.pidfd >= 0 && process.number != 0) {
        close(process.pidfd);
        process.pidfd = -1;
    }
    collect_children();
}

void Shim::release(Process& process) {
    process.released = true;
    process.deadline = kNever;
    process.stdio.finish_clients();
}

void Shim::forget_released_execs() {
    uint32_t kept = 0;
    for (Process** link = &execs_; *link != nullptr;) {
        Process* exec = *link;
        const bool over = exec->finished && (exec->released || kept >= kMaxKeptExits);
        if (over && !exec->stdio.has_clients()) {
            *link = exec->next;
            exec->stdio.abandon();
            if (exec->pidfd >= 0) {
                close(exec->pidfd);
            }
            exec_pool_.destroy(exec);
            continue;
        }
        // The newest come first.
        kept += exec->finished ? 1 : 0;
        link = &exec->next;
    }
}

bool Shim::oom_killed() const {
    const PlanHeader& header = init_.plan.view().header();
    if (header.has_oom_fd == 0) {
        return false;
    }
    // "oom_kill 3": the last line of v1's memory.oom_control and of v2's memory.events.
    char text[512];
    const ssize_t size = pread(kFirstPlanFd + kept_fds_ - 1, text, sizeof text - 1, 0);
    if (size <= 0) {
        return false;
    }
    text[size] = '\0';
    const char* counter = strstr(text, "oom_kill ");
    return counter != nullptr && counter[9] != '0';
}

/// "CODE TIME OOM\n" in the container's directory, whole or not at all.
void Shim::write_exit_record(const Process& process) {
    const PlanView& plan = init_.plan.view();
    const Text& dir = plan.header().container_dir;
    char path[PATH_MAX];
    char temporary[PATH_MAX];
    if (dir.size == 0 || dir.size + 16 > sizeof path) {
        return;
    }
    memcpy(path, plan.text(dir), dir.size);
    memcpy(temporary, path, dir.size);
    memcpy(path + dir.size, "/exit", 6);
    memcpy(temporary + dir.size, "/exit.tmp", 10);
    char text[64];
    char* end = append_decimal(text, static_cast<uint64_t>(process.exit_code));
    *end++ = ' ';
    end = append_decimal(end, static_cast<uint64_t>(process.exit_time));
    *end++ = ' ';
    *end++ = process.oom_killed ? '1' : '0';
    *end++ = '\n';
    const int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return;  // the daemon, if there is one, is told all the same
    }
    const bool whole = write(fd, text, static_cast<size_t>(end - text)) == end - text;
    const bool stored = plan.header().fsync_exit == 0 || fdatasync(fd) == 0;
    close(fd);
    if (whole && stored) {
        (void)rename(temporary, path);
    }
}

}  // namespace gantry::shim
