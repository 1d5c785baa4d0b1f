#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/id.h"
#include "net/endpoint.h"

namespace gantry::engine {

struct ContainerRecord;
struct HealthState;
struct StartedAs;

/// Docker's container states (F1), in the words of the API.
enum class Phase { kCreated, kRunning, kPaused, kRestarting, kRemoving, kExited, kDead };

std::string_view phase_name(Phase phase);
/// Empty for a word that is none.
std::optional<Phase> parse_phase(std::string_view name);

/// A place in a running container where mounts come and go. After an interruption: of what is
/// mounted there, KEEP are good; what is missing to WANTED is made again.
struct MountTouch {
    std::string target;
    size_t keep = 0;
    size_t wanted = 0;
};

/// Everything about a container that changes after its creation and outlives the daemon.
struct Lifecycle {
    Phase phase = Phase::kCreated;
    pid_t pid = 0;
    int exit_code = 0;
    /// Why the last start failed, or what the engine knows about an unusual end.
    std::string error;
    WallTime started_at{};
    WallTime finished_at{};
    bool oom_killed = false;
    /// Stopped by a user: no restart policy applies (F3, F4).
    bool manually_stopped = false;
    int restart_count = 0;
    /// Told to end for being unhealthy: whatever the restart policy says, it is started again.
    bool restart_wanted = false;
    /// Null without a health check and before the first start.
    std::shared_ptr<const HealthState> health;
    /// Of the present run, so that the next daemon can give them back to the network; absent while
    /// the container does not run.
    std::optional<net::Endpoint> endpoint;
    std::vector<net::PublishedPort> ports;
    /// With another container's network: the endpoint in there, which may outlive that container.
    std::optional<net::Endpoint> shared_endpoint;
    /// What the present run has in place of what the record says; null where they agree.
    std::shared_ptr<const StartedAs> started_as;
    /// Mounts of the present run that are being changed: a daemon that finds any was interrupted.
    std::vector<MountTouch> touched_mounts;

    /// COMPAT: a container between two runs of its restart policy counts as running.
    bool running() const {
        return phase == Phase::kRunning || phase == Phase::kPaused || phase == Phase::kRestarting;
    }
    /// There is a process.
    bool alive() const { return phase == Phase::kRunning || phase == Phase::kPaused; }
};

/// JSON for the database. parse_lifecycle() takes what format_lifecycle() wrote, kDataLoss
/// otherwise.
std::string format_lifecycle(const Lifecycle& life);
Result<Lifecycle> parse_lifecycle(std::string_view json);

/// One moment of a container. Immutable: readers keep it as long as they like.
struct ContainerSnapshot {
    std::shared_ptr<const ContainerRecord> record;
    /// Without "/".
    std::string name;
    Lifecycle life;
};

using SnapshotPtr = std::shared_ptr<const ContainerSnapshot>;

}  // namespace gantry::engine
