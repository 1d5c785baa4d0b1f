#include "cli/stream/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

namespace gantry::cli {

Result<SignalSource> SignalSource::open() {
    sigset_t set;
    sigfillset(&set);
    for (const int left_out :
         {SIGCHLD, SIGPIPE, SIGURG, SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
        sigdelset(&set, left_out);
    }
    if (::pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) {
        return fail_errno("blocking signals");
    }
    SignalSource source;
    source.fd_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!source.fd_) {
        return fail_errno("signalfd");
    }
    return source;
}

std::optional<int> SignalSource::take() {
    signalfd_siginfo info = {};
    if (::read(fd_.get(), &info, sizeof info) != sizeof info) {
        return std::nullopt;
    }
    return static_cast<int>(info.ssi_signo);
}

}  // namespace gantry::cli
