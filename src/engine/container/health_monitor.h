#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/unique_fd.h"
#include "engine/container/core.h"
#include "engine/container/health.h"
#include "io/loop.h"

namespace gantry::engine {

/// Runs the health checks of one run of a container.
///
/// All of its state belongs to the loop's thread; the public functions may be called from anywhere
/// and take effect soon. A probe costs a worker for as long as its process is described, never for
/// as long as it runs: a probe that hangs holds up nothing but itself.
class HealthMonitor : public std::enable_shared_from_this<HealthMonitor> {
public:
    HealthMonitor(ContainerCore& core, const EntryPtr& entry,
                  const std::shared_ptr<ContainerRun>& run, HealthPlan plan, WallTime started_at);

    /// The first probe comes one interval after this.
    void resume();
    /// No probes until resume(); one that runs is killed and does not count.
    void pause();
    /// For good.
    void stop();

private:
    struct Probe;
    using ProbePtr = std::shared_ptr<Probe>;

    void on_loop(void (HealthMonitor::*step)());
    void begin_waiting();
    void end_waiting();
    void end();
    void arm();
    void due();
    Result<> send(const ProbePtr& probe);
    void sent(const ProbePtr& probe, const std::string& problem);
    void answered(const ProbePtr& probe);
    void read_output(const ProbePtr& probe);
    void timed_out(const ProbePtr& probe);
    void exited(const ProbePtr& probe, int code);
    void failed(const ProbePtr& probe, std::string reason);
    void finish(const ProbePtr& probe, ProbeResult result);
    void report(const ProbeResult& result, std::chrono::nanoseconds since_start);
    void act_on_unhealthy(const EntryPtr& entry, const std::shared_ptr<ContainerRun>& run);
    void publish(std::string_view action, const Probe& probe);
    HealthStatus status() const;

    ContainerCore& core_;
    const std::weak_ptr<ContainerEntry> entry_;
    const std::weak_ptr<ContainerRun> run_;
    const HealthPlan plan_;
    const std::string command_;
    /// When the run began, by the clock that nobody sets.
    const std::chrono::steady_clock::time_point started_;
    bool waiting_ = false;
    bool ended_ = false;
    /// The probe that is under way, or one that was given up and has not ended.
    ProbePtr probe_;
    io::LoopHandle timer_;
    /// Until a container that was told to stop for being unhealthy is killed.
    io::LoopHandle escalation_;
};

/// Begins, holds or ends the health checks of the entry's run as the step from BEFORE to NOW asks.
/// Part of every change of a container's state.
void follow_health(ContainerCore& core, ContainerEntry& entry, const Lifecycle& before,
                   const Lifecycle& now);

/// For a run that was found alive at boot.
void adopt_health(ContainerCore& core, const EntryPtr& entry,
                  const std::shared_ptr<ContainerRun>& run);

/// The state with which a run begins; null when CONFIG has no health check.
std::shared_ptr<const HealthState> health_at_start(const spec::ContainerConfig& config,
                                                   const Lifecycle& before);

}  // namespace gantry::engine
