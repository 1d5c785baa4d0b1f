#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "spec/api/container_config.h"
#include "spec/api/host_config.h"

namespace gantry::spec {

// Gantry's own: changes of a container that Docker makes only by a new one.

/// The member "Change" of an update request. What is absent or empty stays as it is; what is to be
/// removed goes before anything is added, so that one request can replace.
struct ContainerChange {
    /// "NAME=VALUE" each.
    std::vector<std::string> env;
    std::vector<std::string> env_remove;
    StringMap labels;
    std::vector<std::string> labels_remove;
    /// [] takes it away.
    std::optional<std::vector<std::string>> cmd;
    std::optional<std::vector<std::string>> entrypoint;
    PortMap ports_add;
    /// null: every binding of that port.
    PortMap ports_remove;
    /// In the notations of HostConfig.Binds and HostConfig.Mounts.
    std::vector<std::string> binds_add;
    std::vector<Mount> mounts_add;
    /// Where they are in the container.
    std::vector<std::string> mounts_remove;
    /// "restart": what cannot be done while the container runs is done at once, by a restart. "":
    /// it waits for the next start.
    std::string apply;
};

/// What came of a change: inline in the answer to an update that had one, and of a rollback.
struct ChangeOutcome {
    int64_t revision = 0;
    /// "Env", "Cmd", "Entrypoint", "Labels", "Ports", "Mounts", "Links", "Resources",
    /// "RestartPolicy": what is in effect, and what waits for the next start.
    std::vector<std::string> live;
    std::vector<std::string> next_start;
    bool restarted = false;
};

/// One element of GET /containers/{id}/revisions.
struct ContainerRevision {
    int64_t revision = 0;
    WallTime created{};
    /// What is different from the one before: "Env +A -B", "Ports +8080:80/tcp".
    std::vector<std::string> changes;
    /// The container is this one now.
    bool current = false;
    ContainerConfig config;
    HostConfig host_config;
};

}  // namespace gantry::spec
