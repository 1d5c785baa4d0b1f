#pragma once

#include <string>
#include <vector>

#include "spec/api/container.h"
#include "spec/api/image.h"

namespace gantry::cli {

/// A container, and what it has without having been told to.
struct RecreateSource {
    spec::ContainerInspect container;
    /// Of its image; empty if that is gone.
    spec::ImageRunConfig image;
    /// What the daemon chooses for containers that say nothing.
    std::string log_driver;
    std::string runtime;
    std::string cgroupns;

    /// Without "/".
    std::string name() const {
        return container.name.substr(container.name.starts_with('/') ? 1 : 0);
    }
};

/// The variables, in their order, that CONTAINER has and the image does not give it.
std::vector<std::string> own_environment(const RecreateSource& source);
spec::StringMap own_labels(const RecreateSource& source);
/// Exposed ports that neither the image exposes nor a binding.
std::vector<std::string> own_exposed_ports(const RecreateSource& source);
/// Anonymous volumes that are not the image's.
std::vector<std::string> own_volumes(const RecreateSource& source);
/// "peer:alias" each, as --link wants it.
std::vector<std::string> own_links(const RecreateSource& source);
/// "" when the daemon chose it, or the host or another container gave it.
std::string own_hostname(const RecreateSource& source);
bool has_own_health(const RecreateSource& source);

/// What of the container's command has to be said. With an entrypoint the image's command does not
/// count.
struct OwnCommand {
    bool says_entrypoint = false;
    std::vector<std::string> entrypoint;
    std::vector<std::string> cmd;
};
OwnCommand own_command(const RecreateSource& source);

/// Neither privileged nor with paths of /proc and /sys open for another reason.
bool has_open_paths(const spec::HostConfig& host);

}  // namespace gantry::cli
