#include "engine/container/stop.h"

#include <fmt/core.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/log.h"
#include "base/scope_guard.h"
#include "base/text.h"
#include "engine/container/start.h"
#include "engine/container/stuck.h"
#include "spec/signal.h"
#include "sys/files.h"

namespace gantry::engine {

namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

/// A process that has got SIGKILL is given this long to end, and its cgroup as long again after
/// every process in it got one (F3).
constexpr seconds kKillPatience(10);
constexpr seconds kLastPatience(2);
/// Docker accepts any number; beyond a year the clock's range is nearer than a user's patience.
constexpr int kLongestTimeout = 366 * 24 * 3600;

/// What a signal means. kStop: the user wants the container to stop, so that no restart policy
/// starts it again. kShutdown: it ends because the daemon does; the next one may start it.
enum class Intent { kSignal, kStop, kShutdown };

Failure not_running(const ContainerEntry& entry) {
    return fail(Kind::kConflict, fmt::format("container {} is not running", entry.id().str()));
}

Result<int> stop_signal_of(const ContainerRecord& record) {
    if (record.config.stop_signal.empty()) {
        return SIGTERM;
    }
    return spec::parse_signal(record.config.stop_signal);
}

void thaw(const ContainerEntry& entry, const ContainerRun& run) {
    if (const auto thawed = run.cgroup.thaw(); !thawed) {
        log::debug("cannot thaw a container",
                   {{"container", entry.id().str()}, {"error", thawed.error().text()}});
    }
}

/// Sends SIGNAL to the running container and notes what it means for the restart policy. One that
/// wants the end of a paused container lets it go on; any other waits in it until it is unpaused.
/// Gives the run that it went to; null when the process has ended already.
Result<std::shared_ptr<ContainerRun>> send_signal(ContainerCore& core, const EntryPtr& entry,
                                                  int signal, Intent intent) {
    const auto operation = entry->begin();
    const SnapshotPtr snapshot = entry->snapshot();
    if (!has_process(snapshot->life)) {
        return not_running(*entry);
    }
    const bool paused = snapshot->life.phase == Phase::kPaused;
    const bool ending = intent != Intent::kSignal;
    Lifecycle life = snapshot->life;
    if (ending && (paused || (intent == Intent::kStop && !life.manually_stopped))) {
        life.phase = paused ? Phase::kRunning : life.phase;
        life.manually_stopped = life.manually_stopped || intent == Intent::kStop;
        GT_TRY(commit_life(core, *entry, operation, std::move(life)));
    }
    const auto run = entry->run();
    auto sent = run->shim.kill(signal);
    if (ending || !paused) {
        // ORDER: the signal first. What was frozen, by pause or by somebody else (R19), gets none
        // before it is thawed, not even SIGKILL, and must not run on without it.
        thaw(*entry, *run);
    }
    if (ending && paused) {
        publish_event(core, *entry->snapshot(), "unpause");
    }
    if (!sent && sent.error().kind() != Kind::kNotFound) {
        return Failure(std::move(sent).error());
    }
    publish_event(core, *snapshot, "kill", {{"signal", fmt::format("{}", signal)}});
    return run;
}

/// Ends the wait of a restart policy. True if there was one.
Result<bool> cancel_restart(ContainerCore& core, const EntryPtr& entry) {
    const auto operation = entry->begin();
    Lifecycle life = entry->snapshot()->life;
    if (life.phase != Phase::kRestarting) {
        return false;
    }
    entry->take_restart_timer(operation).reset();
    life.phase = Phase::kExited;
    life.manually_stopped = true;
    const int code = life.exit_code;
    GT_TRY(commit_life(core, *entry, operation, std::move(life)));
    entry->reopen_attaches();
    fire_all(entry->take_exited_waits(), {.exit_code = code, .error = {}});
    return true;
}

/// What the kernel says about a process: "D (disk sleep)"; empty if it says nothing.
std::string state_of_process(pid_t pid) {
    constexpr size_t kMaxStatus = 64UL * 1024;
    const auto status = sys::read_file(fmt::format("/proc/{}/status", pid).c_str(), kMaxStatus);
    if (!status) {
        return {};
    }
    for (const std::string_view line : split(*status, '\n')) {
        if (line.starts_with("State:")) {
            return std::string(trim(line.substr(line.find(':') + 1)));
        }
    }
    return {};
}

/// Waits for the end of a run that has got SIGKILL, with a second one for the whole cgroup.
Result<> wait_killed(const EntryPtr& entry, const std::shared_ptr<ContainerRun>& run) {
    if (run == nullptr || entry->wait_ended(run, steady_clock::now() + kKillPatience)) {
        return {};
    }
    if (const auto killed = run->cgroup.kill_all(); !killed) {
        log::warn("cannot kill what is in a container's cgroup",
                  {{"container", entry->id().str()}, {"error", killed.error().text()}});
    }
    if (entry->wait_ended(run, steady_clock::now() + kLastPatience)) {
        return {};
    }
    // COMPAT: Docker's words, and what they leave open.
    const pid_t pid = entry->snapshot()->life.pid;
    return fail(Kind::kTimeout,
                fmt::format("tried to kill container, but did not receive an exit event: process "
                            "{} is in state {}",
                            pid, state_of_process(pid)));
}

Result<> kill_run(ContainerCore& core, const EntryPtr& entry, Intent intent = Intent::kStop) {
    auto sent = send_signal(core, entry, SIGKILL, intent);
    if (!sent) {
        if (sent.error().kind() == Kind::kConflict) {
            return {};
        }
        log::warn("cannot kill a container through its shim",
                  {{"container", entry->id().str()}, {"error", sent.error().text()}});
    }
    return wait_killed(entry, sent ? *sent : entry->run());
}

/// In seconds; negative for never.
int stop_timeout_of(const ContainerCore& core, const ContainerRecord& record) {
    return record.config.stop_timeout ? static_cast<int>(*record.config.stop_timeout)
                                      : core.settings.defaults.stop_timeout;
}

steady_clock::time_point stop_deadline(const ContainerCore& core, const ContainerRecord& record,
                                       const StopOptions& options) {
    const int timeout = options.timeout.value_or(stop_timeout_of(core, record));
    if (timeout < 0 || timeout > kLongestTimeout) {
        return steady_clock::time_point::max();
    }
    return steady_clock::now() + seconds(timeout);
}

/// The stop of a run, without the `stop` event.
Result<> end_run(ContainerCore& core, const EntryPtr& entry, const StopOptions& options) {
    const SnapshotPtr snapshot = entry->snapshot();
    GT_TRY_VAR(signal, options.signal.empty() ? stop_signal_of(*snapshot->record)
                                              : spec::parse_signal(options.signal));
    const auto deadline = stop_deadline(core, *snapshot->record, options);
    auto sent = send_signal(core, entry, signal, Intent::kStop);
    if (!sent && sent.error().kind() == Kind::kConflict) {
        return {};
    }
    if (sent && entry->wait_ended(*sent, deadline)) {
        return {};
    }
    return kill_run(core, entry);
}

/// A run that was told to end together with the daemon.
struct Ending {
    EntryPtr entry;
    std::shared_ptr<ContainerRun> run;
    steady_clock::time_point deadline;
};

/// In seconds; negative for never. COMPAT: the container's own timeout counts, be it longer.
int shutdown_patience(const ContainerCore& core, const ContainerRecord& record, int timeout) {
    const int own = stop_timeout_of(core, record);
    if (record.config.stop_timeout || timeout < 0) {
        return own;
    }
    return own < 0 ? timeout : std::min(own, timeout);
}

void end_with_daemon(ContainerCore& core, const EntryPtr& entry, int timeout,
                     std::vector<Ending>& endings) {
    const auto record = entry->snapshot()->record;
    const StopOptions options{.signal = {}, .timeout = shutdown_patience(core, *record, timeout)};
    const auto deadline = stop_deadline(core, *record, options);
    const int signal = stop_signal_of(*record).value_or(SIGTERM);
    if (auto sent = send_signal(core, entry, signal, Intent::kShutdown)) {
        endings.push_back({.entry = entry, .run = *std::move(sent), .deadline = deadline});
    } else if (sent.error().kind() != Kind::kConflict) {
        log::warn("cannot stop a container",
                  {{"container", entry->id().str()}, {"error", sent.error().text()}});
        endings.push_back({.entry = entry, .run = entry->run(), .deadline = steady_clock::now()});
    }
}

}  // namespace

void shut_down_containers(ContainerCore& core, int timeout) {
    // ORDER: nothing starts any more; a start under way is waited for by the signal to it.
    core.shutting_down = true;
    std::vector<Ending> endings;
    for (const EntryPtr& entry : core.table.all()) {
        end_with_daemon(core, entry, timeout, endings);
    }
    std::ranges::sort(endings, {}, &Ending::deadline);
    for (const Ending& ending : endings) {
        if (!ending.entry->wait_ended(ending.run, ending.deadline)) {
            if (const auto killed = kill_run(core, ending.entry, Intent::kShutdown); !killed) {
                log::error(
                    "a container outlives the daemon",
                    {{"container", ending.entry->id().str()}, {"error", killed.error().text()}});
                continue;
            }
        }
        {
            const auto turn = ending.entry->begin();  // until `die` is out
        }
        publish_event(core, *ending.entry->snapshot(), "stop");
    }
}

namespace {

/// stop_container() without a word of whose wish it was.
Result<> stop_now(ContainerCore& core, const EntryPtr& entry, const StopOptions& options) {
    if (!options.signal.empty()) {
        GT_TRY(spec::parse_signal(options.signal));
    }
    GT_TRY_VAR(cancelled, cancel_restart(core, entry));
    if (!cancelled) {
        // A start under way is waited for: it came first.
        {
            const auto turn = entry->begin();
        }
        if (!has_process(entry->snapshot()->life)) {
            return fail(Kind::kNotModified, "container is already stopped");
        }
        GT_TRY(end_run(core, entry, options));
    }
    // ORDER: whoever recorded the end holds the container until `die` is out; `stop` comes after.
    {
        const auto turn = entry->begin();
    }
    publish_event(core, *entry->snapshot(), "stop");
    return {};
}

/// The failure of stop_now() as that of VERB; a wrong signal needs no such words.
Failure cannot(std::string_view verb, const ContainerEntry& entry, const Error& error) {
    if (error.kind() == Kind::kNotModified || error.kind() == Kind::kInvalid) {
        return fail(error.kind(), error.text());
    }
    return fail(error.kind(), fmt::format("{} {}: {}", verb, entry.snapshot()->name, error.text()));
}

}  // namespace

Result<> stop_container(ContainerCore& core, const EntryPtr& entry, const StopOptions& options) {
    if (const auto stopped = stop_now(core, entry, options); !stopped) {
        return cannot("cannot stop container:", *entry, stopped.error());
    }
    return {};
}

Result<> restart_container(ContainerCore& core, const EntryPtr& entry, const StopOptions& options) {
    entry->set_user_restart(true);
    const ScopeGuard done([&entry] { entry->set_user_restart(false); });
    if (const auto stopped = stop_now(core, entry, options);
        !stopped && stopped.error().kind() != Kind::kNotModified) {
        return cannot("Cannot restart container", *entry, stopped.error());
    }
    if (auto started = start_container(core, entry);
        !started && started.error().kind() != Kind::kNotModified) {
        return started;
    }
    publish_event(core, *entry->snapshot(), "restart");
    return {};
}

Result<> kill_container(ContainerCore& core, const EntryPtr& entry, std::string_view ref,
                        std::string_view signal) {
    int number = SIGKILL;
    if (!signal.empty()) {
        GT_TRY_VAR(parsed, spec::parse_signal(signal));
        number = parsed;
    }
    if (number == SIGKILL) {
        GT_TRY_VAR(cancelled, cancel_restart(core, entry));
        if (cancelled) {
            return {};
        }
    }
    const auto stop_signal = stop_signal_of(*entry->snapshot()->record);
    const bool stops = number == SIGKILL || (stop_signal && *stop_signal == number);
    auto sent = send_signal(core, entry, number, stops ? Intent::kStop : Intent::kSignal);
    if (!sent) {
        return fail(sent.error().kind(),
                    fmt::format("cannot kill container: {}: {}", ref, sent.error().text()));
    }
    if (number != SIGKILL) {
        return {};
    }
    if (const auto ended = wait_killed(entry, *sent); !ended) {
        return fail(ended.error().kind(),
                    fmt::format("cannot kill container: {}: {}", ref, ended.error().text()));
    }
    return {};
}

Result<> kill_and_wait(ContainerCore& core, const EntryPtr& entry) {
    GT_TRY_VAR(cancelled, cancel_restart(core, entry));
    if (cancelled) {
        return {};
    }
    return kill_run(core, entry);
}

std::optional<seconds> end_unhealthy(ContainerCore& core, const EntryPtr& entry,
                                     const std::shared_ptr<ContainerRun>& run) {
    const SnapshotPtr snapshot = entry->snapshot();
    const std::string& action = snapshot->record->host.restart_policy.on_unhealthy;
    if (action.empty() || action == "none") {
        return std::nullopt;
    }
    if (action == "restart") {
        const auto operation = entry->begin();
        Lifecycle life = entry->snapshot()->life;
        if (entry->run() != run || !life.alive() || life.manually_stopped) {
            return std::nullopt;
        }
        life.restart_wanted = true;
        record_life(core, *entry, operation, std::move(life));
    }
    log::info("a container is unhealthy", {{"container", entry->id().str()}, {"action", action}});
    const int signal =
        action == "kill" ? SIGKILL : stop_signal_of(*snapshot->record).value_or(SIGTERM);
    const auto intent = action == "stop" ? Intent::kStop : Intent::kSignal;
    if (const auto sent = send_signal(core, entry, signal, intent); !sent) {
        log::warn("cannot end an unhealthy container",
                  {{"container", entry->id().str()}, {"error", sent.error().text()}});
    }
    const int timeout = stop_timeout_of(core, *snapshot->record);
    return timeout < 0 || timeout > kLongestTimeout ? std::nullopt
                                                    : std::optional(seconds(timeout));
}

void kill_unhealthy(ContainerCore& core, const EntryPtr& entry,
                    const std::shared_ptr<ContainerRun>& run) {
    if (entry->run() == run) {
        (void)send_signal(core, entry, SIGKILL, Intent::kSignal);
    }
}

}  // namespace gantry::engine
