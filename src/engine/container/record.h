#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "engine/container/mount_plan.h"
#include "spec/api/container.h"

namespace gantry::engine {

/// What a container was created as: complete after defaults and the image's config were merged in,
/// and checked. Immutable: a change makes another one, which install_record() puts in its place.
/// One JSON document per part in the database.
struct ContainerRecord {
    ContainerId id;
    WallTime created{};
    ImageId image;
    /// In the database under the name that the container was created with; ContainerSnapshot has
    /// the present one.
    spec::ContainerConfig config;
    spec::HostConfig host;
    /// As requested.
    spec::NetworkingConfig networking;
    /// All that is mounted, complete: what `config` and `host` ask for and what other containers
    /// lend, with the volumes by their ids.
    std::vector<PlannedMount> mounts;
    /// How often it was changed, and 1.
    int64_t revision = 1;

    /// Entrypoint and Cmd together; never empty.
    std::vector<std::string> argv() const;
    /// Whether the daemon may forget it after a power cut: it is removed at boot anyway.
    bool ephemeral() const { return host.auto_remove; }
    /// Whether it has a user namespace where the daemon gives containers one.
    bool wants_user_namespace() const { return host.userns_mode != "host"; }
};

}  // namespace gantry::engine
