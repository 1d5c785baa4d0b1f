#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "engine/container/core.h"
#include "engine/container/groundwork.h"
#include "net/endpoint.h"

namespace gantry::engine {

/// A container that is set up and waits before exec.
struct Launched {
    std::shared_ptr<ContainerRun> run;
    std::optional<net::Endpoint> endpoint;
    std::optional<net::Endpoint> shared_endpoint;
    std::vector<net::PublishedPort> ports;
    /// Finish it before anything starts in the container, whose network it still connects.
    std::unique_ptr<Groundwork> groundwork;
};

/// Prepares everything that a run needs (network sandbox, root file system, cgroup, files, user)
/// and launches the shim. Leaves nothing behind on failure. Blocks for the kernel; the entry's
/// Operation is held.
Result<Launched> launch_container(ContainerCore& core, const ContainerSnapshot& snapshot);

}  // namespace gantry::engine
