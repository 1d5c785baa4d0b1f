#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "engine/container/devices.h"
#include "spec/api/host_config.h"
#include "spec/oci/runtime.h"

namespace gantry::engine {

/// What HostConfig.DeviceRequests mean on this host.
struct RequestedDevices {
    std::vector<std::string> env;
    GrantedDevices devices;
    std::vector<spec::oci::Mount> mounts;
    std::vector<uint32_t> gids;
};

/// Looks the devices up in the CDI specs of SPEC_DIRS (the most important last): driver "cdi" by
/// their full names, GPUs ("" and "nvidia" with the capability "gpu") as devices of the kind
/// nvidia.com/gpu. kInternal `could not select device driver "" with capabilities: [[gpu]]` and
/// "CDI device injection failed: unresolvable CDI devices x" as Docker has it. Reads the specs at
/// each call.
Result<RequestedDevices> find_requested_devices(const std::vector<spec::DeviceRequest>& requests,
                                                const std::vector<std::string>& spec_dirs);

/// Puts them into a container's config, whose process' user is set.
void add_requested_devices(spec::oci::Config& config, const RequestedDevices& requested);

}  // namespace gantry::engine
