#pragma once

#include <string_view>
#include <vector>

#include "base/error.h"
#include "engine/container/record.h"
#include "spec/oci/runtime.h"
#include "sys/device_rule.h"

namespace gantry::engine {

/// HostConfig.Devices and DeviceCgroupRules make sense. Pure: the devices themselves are looked at
/// when the container starts.
Result<> check_devices(const spec::Resources& resources);

/// One line of --device-cgroup-rule: "c 1:3 mr", "b *:* m".
Result<sys::DeviceRule> parse_device_rule(std::string_view text);

/// Devices of the host for a container, and what its cgroup must allow for them.
struct GrantedDevices {
    std::vector<spec::oci::Device> nodes;
    std::vector<sys::DeviceRule> rules;
};

/// Looks at the devices on the host; a directory stands for all devices in it.
Result<GrantedDevices> grant_devices(const spec::Resources& resources);

}  // namespace gantry::engine
