#pragma once

#include <vector>

#include "spec/oci/linux.h"

namespace gantry::runtime {

/// The devices that every container has (runtime-spec, "Default Devices"), as a config names them.
std::vector<spec::oci::Device> default_devices();

/// What every container may do with devices, whatever its own rules say: make any, use the default
/// ones and terminals. Behind rules that deny more.
std::vector<spec::oci::DeviceCgroup> default_device_rules();

}  // namespace gantry::runtime
