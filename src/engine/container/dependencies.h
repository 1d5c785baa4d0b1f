#pragma once

#include <span>
#include <vector>

#include "base/id.h"
#include "engine/container/lifecycle.h"

namespace gantry::engine {

/// What must be true of a container before another is started at boot. The words of compose.
enum class DependencyCondition { kStarted, kHealthy, kCompleted };

struct Dependency {
    ContainerId on;
    DependencyCondition condition = DependencyCondition::kStarted;

    friend bool operator==(const Dependency&, const Dependency&) = default;
};

/// Which of ALL must come before CONTAINER when the daemon starts containers by their restart
/// policies: those whose namespaces it joins; those that it links to; those of the label
/// "gantry.depends-on=NAME[:started|healthy|completed],..."; and those of the services of its
/// compose project that compose's own label "com.docker.compose.depends_on" names. Names that
/// nobody has are left out. Pure.
std::vector<Dependency> dependencies_of(const ContainerSnapshot& container,
                                        std::span<const SnapshotPtr> all);

/// Whether a dependency on the container that is in LIFE now holds anybody up.
enum class DependencyState {
    kMet,
    /// It may be met later.
    kOpen,
    /// It will not be met: the container does not run and nobody is about to start it.
    kHopeless,
};

/// HAS_CHECK: the container has a health check; without one it counts as healthy. Pure.
DependencyState dependency_state(DependencyCondition condition, const Lifecycle& life,
                                 bool has_check);

}  // namespace gantry::engine
