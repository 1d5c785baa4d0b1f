#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "engine/container/container_service.h"
#include "engine/container/core.h"

namespace gantry::engine {

/// POST /containers/{id}/stop (F3). Holds no operation while it waits for the process.
Result<> stop_container(ContainerCore& core, const EntryPtr& entry, const StopOptions& options);

/// POST /containers/{id}/restart: stop, then start. A container with AutoRemove survives it.
Result<> restart_container(ContainerCore& core, const EntryPtr& entry, const StopOptions& options);

/// POST /containers/{id}/kill (F4). REF is what the user called the container, for error texts.
Result<> kill_container(ContainerCore& core, const EntryPtr& entry, std::string_view ref,
                        std::string_view signal);

/// Ends all containers because the daemon ends: nothing is started any more, each gets its stop
/// signal, and SIGKILL after its own stop timeout or, without one, after TIMEOUT seconds (negative:
/// the default stop timeout) if that is shorter. Nobody counts as stopped by a user, so that the
/// next daemon starts what the restart policies want. What resists is logged and left.
void shut_down_containers(ContainerCore& core, int timeout);

/// What RestartPolicy.OnUnhealthy asks for, for a run whose health checks fail: sends the signal,
/// waits for nothing. Gives the time after which kill_unhealthy() is due; absent for never.
std::optional<std::chrono::seconds> end_unhealthy(ContainerCore& core, const EntryPtr& entry,
                                                  const std::shared_ptr<ContainerRun>& run);
void kill_unhealthy(ContainerCore& core, const EntryPtr& entry,
                    const std::shared_ptr<ContainerRun>& run);

/// SIGKILL, and the end of the run within 12 s; kTimeout if the process is stuck in the kernel. A
/// container that does not run is success.
Result<> kill_and_wait(ContainerCore& core, const EntryPtr& entry);

}  // namespace gantry::engine
