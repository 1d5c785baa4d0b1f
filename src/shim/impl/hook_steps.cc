#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/impl/executor.h"
#include "shim/impl/kernel.h"

namespace gantry::shim {

namespace {

constexpr size_t kMaxStrings = 1024;

/// The state as a file, so that a hook that does not read it costs nothing; -1 with errno.
int make_state_file(const ChildContext& context) {
    const int fd = memfd_create("state", MFD_CLOEXEC);
    if (fd < 0 || context.hook_state == nullptr) {
        return fd;
    }
    const Text& before = context.hook_state->text[0];
    const Text& after = context.hook_state->text[1];
    char pid[24];
    const auto digits = static_cast<size_t>(put_number(pid, static_cast<uint64_t>(getpid())) - pid);
    if (write(fd, context.plan.text(before), before.size) != before.size ||
        write(fd, pid, digits) != static_cast<ssize_t>(digits) ||
        write(fd, context.plan.text(after), after.size) != after.size ||
        lseek(fd, 0, SEEK_SET) != 0) {
        close(fd);
        errno = EIO;
        return -1;
    }
    return fd;
}

void point_at(const char** table, const PlanView& plan, const Text& text, int64_t count) {
    const char* entry = plan.text(text);
    for (int64_t i = 0; i < count; ++i) {
        table[i] = entry;
        entry += strlen(entry) + 1;
    }
    table[count] = nullptr;
}

[[noreturn]] void exec_hook(const ChildContext& context, const Step& step, int state) {
    static const char* arguments[kMaxStrings];
    static const char* environment[kMaxStrings];
    point_at(arguments, context.plan, step.text[1], step.n[0]);
    point_at(environment, context.plan, step.text[2], step.n[1]);
    (void)dup2(state, 0);
    // SAFETY: execve(2) takes char* const* for historical reasons and writes to neither.
    execve(context.plan.text(step.text[0]), const_cast<char**>(arguments),
           const_cast<char**>(environment));
    _exit(127);
}

/// 0, or the errno that stands for how it ended.
int wait_for_hook(int pid, int pidfd, int64_t timeout_seconds) {
    int error = 0;
    if (timeout_seconds > 0) {
        pollfd waiting = {pidfd, POLLIN, 0};
        const int64_t limit = timeout_seconds > INT_MAX / 1000 ? INT_MAX / 1000 : timeout_seconds;
        if (poll(&waiting, 1, static_cast<int>(limit * 1000)) == 0) {
            (void)pidfd_send_signal(pidfd, SIGKILL);
            error = ETIMEDOUT;
        }
    }
    siginfo_t info = {};
    if (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) != 0) {
        return errno;
    }
    const bool good = info.si_code == CLD_EXITED && info.si_status == 0;
    return error != 0 ? error : good ? 0 : ECANCELED;
}

}  // namespace

int run_hook(ChildContext& context, const Step& step) {
    if (step.n[0] < 0 || step.n[1] < 0 || step.n[0] >= static_cast<int64_t>(kMaxStrings) ||
        step.n[1] >= static_cast<int64_t>(kMaxStrings)) {
        return E2BIG;
    }
    const int state = make_state_file(context);
    if (state < 0) {
        return errno;
    }
    int pidfd = -1;
    CloneArgs args = {};
    args.flags = CLONE_PIDFD;
    args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
    args.exit_signal = SIGCHLD;
    const int pid = clone3(args);
    if (pid == 0) {
        exec_hook(context, step, state);
    }
    const int error = pid > 0 ? wait_for_hook(pid, pidfd, step.n[2]) : errno;
    close(state);
    if (pidfd >= 0) {
        close(pidfd);
    }
    return error;
}

}  // namespace gantry::shim
