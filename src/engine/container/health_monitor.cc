#include "engine/container/health_monitor.h"

#include <fmt/core.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "engine/container/exec_process.h"
#include "engine/container/oci_config.h"
#include "engine/container/runtimes.h"
#include "engine/container/stop.h"
#include "spec/api/exec.h"
#include "spec/duration.h"

namespace gantry::engine {

namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

/// Not the probe's fault: how long the start of its process may take.
constexpr std::chrono::seconds kStartPatience(30);
/// How long the end of a killed probe is waited for before it is reported.
constexpr std::chrono::seconds kKillPatience(1);

steady_clock::time_point steady_start(WallTime started_at) {
    return steady_clock::now() - std::max(nanoseconds(wall_now() - started_at), nanoseconds(0));
}

}  // namespace

/// One probe. `number` is 0 until its process runs.
struct HealthMonitor::Probe {
    ExecId id;
    WallTime start{};
    nanoseconds since_start{};
    std::string output;
    bool truncated = false;
    bool timed_out = false;
    /// Reported already, or of no interest.
    bool settled = false;
    uint32_t number = 0;
    UniqueFd socket;
    UniqueFd theirs;
    UniqueFd answer;
    io::LoopHandle answer_watch;
    io::LoopHandle output_watch;
    io::LoopHandle timeout;
};

HealthMonitor::HealthMonitor(ContainerCore& core, const EntryPtr& entry,
                             const std::shared_ptr<ContainerRun>& run, HealthPlan plan,
                             WallTime started_at)
    : core_(core),
      entry_(entry),
      run_(run),
      plan_(std::move(plan)),
      command_(join(plan_.argv, " ")),
      started_(steady_start(started_at)) {}

void HealthMonitor::on_loop(void (HealthMonitor::*step)()) {
    core_.parts.loop.post([self = shared_from_this(), step] {
        if (!self->ended_) {
            (self.get()->*step)();
        }
    });
}

void HealthMonitor::resume() {
    on_loop(&HealthMonitor::begin_waiting);
}

void HealthMonitor::pause() {
    on_loop(&HealthMonitor::end_waiting);
}

void HealthMonitor::stop() {
    on_loop(&HealthMonitor::end);
}

void HealthMonitor::begin_waiting() {
    waiting_ = true;
    arm();
}

void HealthMonitor::end_waiting() {
    waiting_ = false;
    timer_.reset();
    if (probe_ && !probe_->settled) {
        probe_->settled = true;
        timed_out(probe_);
    }
}

void HealthMonitor::end() {
    end_waiting();
    escalation_.reset();
    if (probe_) {
        // They hold the probe, which holds them.
        probe_->answer_watch.reset();
        probe_->output_watch.reset();
        probe_->timeout.reset();
        probe_.reset();
    }
    ended_ = true;
}

HealthStatus HealthMonitor::status() const {
    const auto entry = entry_.lock();
    const auto health = entry ? entry->snapshot()->life.health : nullptr;
    return health ? health->status : HealthStatus::kStarting;
}

void HealthMonitor::arm() {
    if (ended_ || !waiting_) {
        return;
    }
    const auto delay = next_probe_delay(plan_, status(), steady_clock::now() - started_);
    timer_ = core_.parts.loop.after(delay, [weak = weak_from_this()] {
        if (const auto self = weak.lock(); self && !self->ended_ && self->waiting_) {
            self->due();
        }
    });
}

void HealthMonitor::publish(std::string_view action, const Probe& probe) {
    if (const auto entry = entry_.lock()) {
        publish_event(core_, *entry->snapshot(), fmt::format("{}: {}", action, command_),
                      {{"execID", probe.id.str()}});
    }
}

void HealthMonitor::due() {
    const WallTime now = wall_now();
    if (probe_) {
        // Killed long ago, and still there: no second one beside it.
        const auto since_start = steady_clock::now() - started_;
        core_.background.run([self = shared_from_this(), now, since_start] {
            self->report({.start = now,
                          .end = now,
                          .exit_code = -1,
                          .output = "the previous health check has not ended"},
                         since_start);
        });
        return;
    }
    const auto probe = std::make_shared<Probe>();
    probe->id = ExecId(random_id());
    probe->start = now;
    probe->since_start = steady_clock::now() - started_;
    probe_ = probe;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        failed(probe, "cannot make a socket for the health check");
        return;
    }
    probe->socket.reset(pair[0]);
    probe->theirs.reset(pair[1]);
    core_.background.run([self = shared_from_this(), probe] {
        const Result<> result = self->send(probe);
        self->core_.parts.loop.post(
            [self, probe, problem = result ? std::string() : result.error().text()] {
                if (!self->ended_) {
                    self->sent(probe, problem);
                }
            });
    });
}

/// Asks the shim for the process. On a worker: it looks into the container's /etc/passwd.
Result<> HealthMonitor::send(const ProbePtr& probe) {
    const auto entry = entry_.lock();
    const auto run = run_.lock();
    if (!entry || !run) {
        return fail(Kind::kConflict, "container is not running");
    }
    spec::ExecCreateRequest wanted;
    wanted.cmd = plan_.argv;
    wanted.attach_stdout = true;
    wanted.attach_stderr = true;
    publish("exec_create", *probe);
    publish("exec_start", *probe);
    const SnapshotPtr snapshot = entry->snapshot();
    GT_TRY_VAR(process,
               build_exec_process(*snapshot->record, *run, wanted, {}, core_.settings.security));
    GT_TRY_VAR(seccomp, make_seccomp(*snapshot->record, core_.settings.security));
    GT_TRY_VAR(foreign, foreign_container(core_, *snapshot->record));
    runtime::ExecOptions options;
    options.process = &process;
    options.foreign = std::move(foreign);
    options.seccomp = seccomp ? &*seccomp : nullptr;
    const auto linux = exec_namespaces(core_.id_map(*snapshot->record));
    options.linux = linux ? &*linux : nullptr;
    options.client = std::move(probe->theirs);
    options.attach.standard_output = true;
    options.attach.standard_error = true;
    GT_TRY_VAR(answer, run->shim.begin_exec(options));
    probe->answer = std::move(answer);
    return {};
}

/// PROBLEM: why it could not be asked for; "" if it was.
void HealthMonitor::sent(const ProbePtr& probe, const std::string& problem) {
    if (!problem.empty()) {
        failed(probe, problem);
        return;
    }
    auto watch = core_.parts.loop.watch(probe->answer.get(), EPOLLIN,
                                        [weak = weak_from_this(), probe](uint32_t) {
                                            if (const auto self = weak.lock()) {
                                                self->answered(probe);
                                            }
                                        });
    auto output = core_.parts.loop.watch(probe->socket.get(), EPOLLIN,
                                         [weak = weak_from_this(), probe](uint32_t) {
                                             if (const auto self = weak.lock()) {
                                                 self->read_output(probe);
                                             }
                                         });
    if (!watch || !output) {
        failed(probe, "cannot wait for the health check");
        return;
    }
    probe->answer_watch = std::move(*watch);
    probe->output_watch = std::move(*output);
    probe->timeout = core_.parts.loop.after(kStartPatience, [weak = weak_from_this(), probe] {
        if (const auto self = weak.lock()) {
            self->failed(probe, "timed out starting the health check");
        }
    });
}

void HealthMonitor::answered(const ProbePtr& probe) {
    const auto keep = probe;  // the watch holds the one that was passed
    keep->answer_watch.reset();
    const auto started = runtime::ShimHandle::finish_exec(std::move(keep->answer));
    const auto run = run_.lock();
    if (!started || !run) {
        failed(keep, started ? "container is not running" : started.error().text());
        return;
    }
    keep->number = started->number;
    keep->timeout = core_.parts.loop.after(plan_.timeout, [weak = weak_from_this(), keep] {
        if (const auto self = weak.lock()) {
            self->timed_out(keep);
        }
    });
    // The end may be told on the thread that ends the run.
    run->execs.add(started->number, [weak = weak_from_this(), &core = core_,
                                     keep](const std::optional<runtime::Exit>& exit) {
        core.parts.loop.post([weak, keep, code = exit ? exit->code : -1] {
            if (const auto self = weak.lock(); self && !self->ended_) {
                self->exited(keep, code);
            }
        });
    });
    if (keep->settled) {
        timed_out(keep);
    }
}

void HealthMonitor::read_output(const ProbePtr& probe) {
    std::array<char, 16384> buffer;
    while (true) {
        const ssize_t size = recv(probe->socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (size <= 0) {
            if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
                const auto keep = probe;
                keep->output_watch.reset();
            }
            return;
        }
        const auto count = static_cast<size_t>(size);
        const size_t room = kMaxProbeOutput - probe->output.size();
        probe->output.append(buffer.data(), std::min(count, room));
        probe->truncated = probe->truncated || count > room;
    }
}

void HealthMonitor::timed_out(const ProbePtr& probe) {
    const auto keep = probe;
    keep->timed_out = true;
    if (keep->number == 0) {
        return;  // answered() comes back here
    }
    core_.background.run([run = run_.lock(), keep] {
        if (run) {
            (void)run->shim.kill(SIGKILL, keep->number);
        }
    });
    keep->timeout = core_.parts.loop.after(kKillPatience, [weak = weak_from_this(), keep] {
        if (const auto self = weak.lock(); self && !self->ended_ && !keep->settled) {
            self->finish(keep,
                         {.start = keep->start, .end = wall_now(), .exit_code = -1, .output = {}});
        }
    });
}

void HealthMonitor::exited(const ProbePtr& probe, int code) {
    const auto entry = entry_.lock();
    if (entry) {
        publish_event(core_, *entry->snapshot(), "exec_die",
                      {{"execID", probe->id.str()}, {"exitCode", fmt::format("{}", code)}});
    }
    read_output(probe);
    probe->output_watch.reset();
    if (probe_ == probe) {
        probe_.reset();
    }
    if (!probe->settled) {
        finish(probe, {.start = probe->start, .end = wall_now(), .exit_code = code, .output = {}});
    }
    probe->timeout.reset();
}

/// The probe has no process, or none that we know of.
void HealthMonitor::failed(const ProbePtr& probe, std::string reason) {
    const auto keep = probe;
    keep->answer_watch.reset();
    keep->output_watch.reset();
    keep->timeout.reset();
    if (probe_ == keep) {
        probe_.reset();
    }
    if (!keep->settled) {
        keep->output = std::move(reason);
        keep->timed_out = false;
        finish(keep, {.start = keep->start, .end = wall_now(), .exit_code = -1, .output = {}});
    }
}

void HealthMonitor::finish(const ProbePtr& probe, ProbeResult result) {
    probe->settled = true;
    result.output = probe->output + (probe->truncated ? "..." : "");
    if (probe->timed_out) {
        result.exit_code = -1;
        result.output = fmt::format("Health check exceeded timeout ({}){}{}",
                                    spec::format_duration(plan_.timeout),
                                    result.output.empty() ? "" : ": ", result.output);
    }
    core_.background.run([self = shared_from_this(), result = std::move(result),
                          since_start = probe->since_start] { self->report(result, since_start); });
}

/// Makes RESULT the container's state and arms the timer of the next probe. On a worker.
void HealthMonitor::report(const ProbeResult& result, nanoseconds since_start) {
    const auto entry = entry_.lock();
    const auto run = run_.lock();
    if (!entry || !run) {
        return;
    }
    bool became_unhealthy = false;
    {
        const auto operation = entry->begin();
        Lifecycle life = entry->snapshot()->life;
        if (entry->run() != run || life.phase != Phase::kRunning || !life.health) {
            return;
        }
        const HealthStatus before = life.health->status;
        auto state =
            std::make_shared<HealthState>(after_probe(plan_, *life.health, result, since_start));
        const HealthStatus now = state->status;
        life.health = std::move(state);
        if (now == before) {
            show_life(*entry, operation, std::move(life));
        } else {
            record_life(core_, *entry, operation, std::move(life));
            publish_event(core_, *entry->snapshot(),
                          fmt::format("health_status: {}", health_name(now)));
            became_unhealthy = now == HealthStatus::kUnhealthy;
        }
    }
    if (became_unhealthy) {
        act_on_unhealthy(entry, run);
    }
    on_loop(&HealthMonitor::arm);
}

void HealthMonitor::act_on_unhealthy(const EntryPtr& entry,
                                     const std::shared_ptr<ContainerRun>& run) {
    const auto patience = end_unhealthy(core_, entry, run);
    if (!patience) {
        return;
    }
    core_.parts.loop.post([self = shared_from_this(), entry, run, patience] {
        if (self->ended_) {
            return;
        }
        self->escalation_ = self->core_.parts.loop.after(*patience, [self, entry, run] {
            self->core_.background.run(
                [self, entry, run] { kill_unhealthy(self->core_, entry, run); });
        });
    });
}

namespace {

void begin_health(ContainerCore& core, const EntryPtr& entry,
                  const std::shared_ptr<ContainerRun>& run, const ContainerRecord& record,
                  WallTime started_at) {
    if (auto plan = health_plan(record.config)) {
        run->health =
            std::make_shared<HealthMonitor>(core, entry, run, std::move(*plan), started_at);
    }
}

}  // namespace

void follow_health(ContainerCore& core, ContainerEntry& entry, const Lifecycle& before,
                   const Lifecycle& now) {
    const auto run = entry.run();
    if (run == nullptr || before.phase == now.phase) {
        return;
    }
    if (!before.alive() && now.phase == Phase::kRunning) {
        begin_health(core, entry.shared_from_this(), run, *entry.snapshot()->record,
                     now.started_at);
    }
    if (run->health == nullptr) {
        return;
    }
    if (now.phase == Phase::kRunning) {
        run->health->resume();
    } else if (now.phase == Phase::kPaused) {
        run->health->pause();
    } else {
        run->health->stop();
    }
}

void adopt_health(ContainerCore& core, const EntryPtr& entry,
                  const std::shared_ptr<ContainerRun>& run) {
    const SnapshotPtr snapshot = entry->snapshot();
    begin_health(core, entry, run, *snapshot->record, snapshot->life.started_at);
    if (run->health != nullptr && snapshot->life.phase == Phase::kRunning) {
        run->health->resume();
    }
}

std::shared_ptr<const HealthState> health_at_start(const spec::ContainerConfig& config,
                                                   const Lifecycle& before) {
    if (!health_plan(config)) {
        return nullptr;
    }
    auto state = std::make_shared<HealthState>();
    if (before.health) {
        state->log = before.health->log;
    }
    return state;
}

}  // namespace gantry::engine
