#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/impl/command.h"
#include "shim/impl/executor.h"
#include "shim/impl/shim.h"

// What the shim itself wants of another OCI runtime, whose container this is.

namespace gantry::shim {

namespace {

/// How long the runtime may take to delete what it has of an ended container. The end is told
/// afterwards: who hears of it can rely on nothing being left.
constexpr int64_t kDeleteTime = 10000;

}  // namespace

bool Shim::is_foreign() const {
    return init_.plan.view().header().delete_arguments != 0;
}

int Shim::signal_by_runtime(Received& received, int signal) {
    if (!init_.running || init_.ended) {
        return ESRCH;
    }
    const PlanView& plan = init_.plan.view();
    const PlanHeader& header = plan.header();
    char number[24];
    *put_number(number, static_cast<uint64_t>(signal)) = '\0';
    Command command;
    if (!command.set(plan.text(header.kill_command), header.kill_arguments,
                     header.command_environment)) {
        return E2BIG;
    }
    command.add_argument(number);
    SentSignal* sent = signal_pool_.make();
    if (sent == nullptr) {
        return ENOMEM;
    }
    sent->pid = command.spawn(kCommandQuiet, -1);
    if (sent->pid < 0) {
        const int error = errno;
        signal_pool_.destroy(sent);
        return error;
    }
    sent->answer_fd = received.fds[0];
    received.fds[0] = -1;
    sent->next = signals_;
    signals_ = sent;
    return 0;
}

void Shim::delete_by_runtime() {
    const PlanView& plan = init_.plan.view();
    const PlanHeader& header = plan.header();
    Command command;
    if (command.set(plan.text(header.delete_command), header.delete_arguments,
                    header.command_environment)) {
        deleting_ = command.spawn(kCommandQuiet, -1);
        init_.deadline = monotonic_ms() + kDeleteTime;
    }
}

bool Shim::collect_commands() {
    bool any = false;
    siginfo_t info = {};
    const auto ended = [&info](int pid) {
        info = {};
        return waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG) == 0 &&
               info.si_pid == pid;
    };
    for (SentSignal** link = &signals_; *link != nullptr;) {
        SentSignal* sent = *link;
        if (!ended(sent->pid)) {
            link = &sent->next;
            continue;
        }
        const bool good = info.si_code == CLD_EXITED && info.si_status == 0;
        // The one reason that there is: the process has ended.
        answer_error(sent->answer_fd, good ? 0 : ESRCH);
        *link = sent->next;
        signal_pool_.destroy(sent);
        any = true;
    }
    if (deleting_ > 0 && ended(deleting_)) {
        deleting_ = -1;
        init_.deadline = monotonic_ms() + kDrainTime;
        any = true;
    }
    return any;
}

}  // namespace gantry::shim
