#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "spec/api/container_config.h"
#include "spec/api/container_state.h"

namespace gantry::engine {

enum class HealthStatus { kStarting, kHealthy, kUnhealthy };

/// "starting", "healthy", "unhealthy".
std::string_view health_name(HealthStatus status);

/// How one probe ended. -1: it could not be run, or took too long.
struct ProbeResult {
    WallTime start{};
    WallTime end{};
    int exit_code = 0;
    std::string output;
};

/// What the health checks of a container have found. Immutable once it is in a Lifecycle; the
/// status and the streak outlive the daemon, the log does not.
struct HealthState {
    HealthStatus status = HealthStatus::kStarting;
    int failing_streak = 0;
    /// The last five, oldest first.
    std::vector<ProbeResult> log;
};

/// A container's health check with Docker's defaults filled in (F14).
struct HealthPlan {
    std::vector<std::string> argv;
    std::chrono::nanoseconds interval{};
    std::chrono::nanoseconds timeout{};
    std::chrono::nanoseconds start_period{};
    std::chrono::nanoseconds start_interval{};
    int retries = 0;
};

/// How much of a probe's output is kept.
inline constexpr size_t kMaxProbeOutput = 4096;

/// The health check that CONFIG asks for; none for "NONE", for no test and for a kind of test that
/// Gantry does not know (an image may hold anything).
std::optional<HealthPlan> health_plan(const spec::ContainerConfig& config);

/// kInvalid, in Docker's words, for times under a millisecond, negative retries and a test that
/// could never be run.
Result<> check_health_config(const spec::HealthConfig& health);

/// The user's check completed by the image's, field by field (G3).
void merge_health(std::optional<spec::HealthConfig>& config,
                  const std::optional<spec::HealthConfig>& image);

/// How long to wait from now, SINCE_START into the run, until the next probe begins.
std::chrono::nanoseconds next_probe_delay(const HealthPlan& plan, HealthStatus status,
                                          std::chrono::nanoseconds since_start);

/// The state after one more probe, which began SINCE_START into the run.
HealthState after_probe(const HealthPlan& plan, HealthState before, ProbeResult result,
                        std::chrono::nanoseconds since_start);

spec::Health describe_health(const HealthState& state);

}  // namespace gantry::engine
