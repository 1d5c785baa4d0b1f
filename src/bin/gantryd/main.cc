#include <fmt/core.h>
#include <malloc.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "base/log.h"
#include "bin/gantryd/daemon.h"
#include "bin/gantryd/notify.h"
#include "bin/gantryd/options.h"
#include "engine/system/system_service.h"

namespace gantry::daemon {
namespace {

/// The signals that end the daemon, blocked in every thread to come and read from an fd.
Result<UniqueFd> take_signals() {
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
        ::sigaddset(&set, signal);
    }
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC));
    if (!fd) {
        return fail_errno("signalfd");
    }
    return fd;
}

/// Returns at SIGTERM or SIGINT. There is nothing to reload: SIGHUP is noted and ignored.
void wait_for_end(int signals, const Options& options) {
    for (;;) {
        signalfd_siginfo info{};
        if (::read(signals, &info, sizeof info) != sizeof info) {
            continue;
        }
        if (info.ssi_signo == SIGHUP) {
            log::warn("SIGHUP ignored: the configuration is read at the start only");
            continue;
        }
        log::info(options.live_restore ? "stopping; containers run on" : "stopping",
                  {{"signal", info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT"}});
        return;
    }
}

Result<> serve(const Options& options) {
    log::configure(options.log_level, options.log_format);
    ::umask(022);
    GT_TRY_VAR(signals, take_signals());
    GT_TRY_VAR(daemon, Daemon::start(options));
    notify_service_manager("READY=1");
    wait_for_end(signals.get(), options);
    notify_service_manager("STOPPING=1");
    daemon->stop(options);
    return {};
}

/// Memory goes back to the kernel: threads come and go, and what one took must not stay with its
/// arena; a big buffer that was freed must not teach malloc to keep the next one.
void limit_idle_memory() {
    ::mallopt(M_ARENA_MAX, 2);
    ::mallopt(M_MMAP_THRESHOLD, 128 << 10);
    ::mallopt(M_TRIM_THRESHOLD, 256 << 10);
}

int run(const std::vector<std::string>& args) {
    limit_idle_memory();
    auto options = read_options(args);
    if (!options) {
        fmt::print(stderr, "gantryd: {}\nSee 'gantryd --help'.\n", options.error().text());
        return 125;
    }
    switch (options->mode) {
        case Options::Mode::kHelp: fmt::print("{}", options_help()); return 0;
        case Options::Mode::kVersion:
            fmt::print("gantryd version {}\n", engine::gantry_version());
            return 0;
        case Options::Mode::kValidate: fmt::print("configuration OK\n"); return 0;
        case Options::Mode::kRun: break;
    }
    auto served = serve(*options);
    if (!served) {
        log::error(served.error().text());
        return 1;
    }
    return 0;
}

}  // namespace
}  // namespace gantry::daemon

int main(int argc, char** argv) {
    return gantry::daemon::run(std::vector<std::string>(argv + 1, argv + argc));
}
