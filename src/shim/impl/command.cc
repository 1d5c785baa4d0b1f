#include "shim/impl/command.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/impl/kernel.h"
#include "shim/plan.h"

namespace gantry::shim {

bool Command::set(const char* strings, int64_t arguments, int64_t environment) {
    if (arguments < 1 || arguments > kMost || environment < 0 || environment > kMost) {
        return false;
    }
    for (int64_t i = 0; i < arguments + environment; ++i) {
        (i < arguments ? arguments_[i] : environment_[i - arguments]) = strings;
        strings += strlen(strings) + 1;
    }
    argument_count_ = arguments;
    return true;
}

void Command::add_argument(const char* argument) {
    arguments_[argument_count_++] = argument;
}

int Command::spawn(uint32_t flags, int input) const {
    CloneArgs args = {};
    args.exit_signal = SIGCHLD;
    const int pid = clone3(args);
    if (pid == 0) {
        execute(flags, input);
    }
    return pid;
}

void Command::execute(uint32_t flags, int input) const {
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    restore_signals();
    umask(022);
    if ((flags & kCommandQuiet) != 0) {
        const int null = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3; ++fd) {
            (void)dup2(null, fd);
        }
    }
    if (input >= 0) {
        (void)dup2(input, kCommandInput);
    }
    (void)close_from(kCommandInput + (input >= 0 ? 1 : 0));
    // SAFETY: execve(2) takes char* const* for historical reasons and writes to neither.
    execve(arguments_[0], const_cast<char**>(arguments_), const_cast<char**>(environment_));
    _exit(127);
}

void restore_signals() {
    struct sigaction action = {};
    action.sa_handler = SIG_DFL;
    for (int signal = 1; signal < _NSIG; ++signal) {
        (void)sigaction(signal, &action, nullptr);  // fails for SIGKILL and SIGSTOP only
    }
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace gantry::shim
