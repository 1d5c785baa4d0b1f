// gantry-init: process 1 of a container that was started with --init.
//
// Starts the container's command as its only child, passes signals on to it, reaps whatever becomes
// its child, and ends as the command ends: with its code, or 128 plus the signal's number. It
// exists because the kernel gives process 1 no default signal actions and every orphan.
//
// Usage: gantry-init [--] COMMAND [ARG...]
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <initializer_list>

namespace {

constexpr int kNotFound = 127;
constexpr int kNotExecutable = 126;

void complain(const char* command, const char* why) {
    for (const char* part : {"gantry-init: ", command, ": ", why, "\n"}) {
        (void)!::write(STDERR_FILENO, part, std::strlen(part));
    }
}

[[noreturn]] void run_command(char** command, const sigset_t& signals) {
    // A group of its own, in the foreground if there is a terminal: ^C must reach the command and
    // what it starts, once. Without a terminal tcsetpgrp fails, and that is fine.
    ::setpgid(0, 0);
    ::signal(SIGTTOU, SIG_IGN);
    (void)::tcsetpgrp(STDIN_FILENO, ::getpid());
    ::signal(SIGTTOU, SIG_DFL);
    ::sigprocmask(SIG_SETMASK, &signals, nullptr);
    ::execvp(command[0], command);
    const int error = errno;
    complain(command[0], std::strerror(error));
    ::_exit(error == ENOENT ? kNotFound : kNotExecutable);
}

/// Reaps all that has ended. True, with STATUS, once COMMAND was among it.
bool reap(pid_t command, int& status) {
    bool ended = false;
    for (;;) {
        int one = 0;
        const pid_t pid = ::waitpid(-1, &one, WNOHANG);
        if (pid <= 0) {
            return ended;
        }
        if (pid == command) {
            status = one;
            ended = true;
        }
    }
}

int exit_code(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

int main(int argc, char** argv) {
    int first = 1;
    if (argc > 1 && std::strcmp(argv[1], "--") == 0) {
        first = 2;
    }
    if (first >= argc) {
        complain("usage", "gantry-init [--] COMMAND [ARG...]");
        return kNotExecutable;
    }
    // Only matters outside a pid namespace of our own, where orphans would go past us.
    (void)::prctl(PR_SET_CHILD_SUBREAPER, 1);

    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    // Faults of our own must kill us, not be passed on.
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) {
        ::sigdelset(&all, fault);
    }
    ::sigprocmask(SIG_SETMASK, &all, &before);

    const pid_t command = ::fork();
    if (command < 0) {
        complain(argv[first], std::strerror(errno));
        return kNotExecutable;
    }
    if (command == 0) {
        run_command(argv + first, before);
    }
    for (;;) {
        int signal = 0;
        if (::sigwait(&all, &signal) != 0) {
            continue;
        }
        if (signal != SIGCHLD) {
            (void)::kill(command, signal);
            continue;
        }
        int status = 0;
        if (reap(command, status)) {
            return exit_code(status);
        }
    }
}
