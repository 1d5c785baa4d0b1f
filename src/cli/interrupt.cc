#include "cli/interrupt.h"

#include <unistd.h>

#include <climits>
#include <csignal>

namespace gantry::cli {
namespace {

/// What the handler removes. Written only while it is not armed.
char unfinished_path[PATH_MAX];
volatile sig_atomic_t armed = 0;

/// Only async-signal-safe calls.
void handle(int signal) {
    if (armed != 0) {
        (void)::unlink(unfinished_path);
    }
    ::_exit(128 + signal);
}

}  // namespace

void exit_on_interrupt() {
    struct sigaction action = {};
    action.sa_handler = handle;
    (void)::sigaction(SIGINT, &action, nullptr);
    (void)::sigaction(SIGTERM, &action, nullptr);
}

RemoveOnInterrupt::RemoveOnInterrupt(const std::string& path) {
    if (path.size() < sizeof unfinished_path) {
        path.copy(unfinished_path, path.size());
        unfinished_path[path.size()] = '\0';
        armed = 1;
    }
}

RemoveOnInterrupt::~RemoveOnInterrupt() {
    armed = 0;
}

}  // namespace gantry::cli
