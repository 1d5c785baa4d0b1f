#pragma once

#include "cli/recreate/flag_list.h"
#include "spec/api/host_config.h"

namespace gantry::cli {

/// The flags for limits and devices.
void add_resources(FlagList& flags, const spec::Resources& resources);

/// Billionths of a CPU as --cpus wants them: "1.5".
std::string cpus_text(int64_t nano_cpus);
/// A device as --device and compose want it.
std::string device_text(const spec::DeviceMapping& device);
std::string ulimit_text(const spec::Ulimit& limit);

}  // namespace gantry::cli
