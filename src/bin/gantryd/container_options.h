#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "bin/gantryd/options.h"

namespace gantry::daemon {

// The settings that containers get which do not say otherwise. Each takes the values of one flag or
// key, at least one; kInvalid in dockerd's words where it has some.

using Values = std::vector<std::string>;

/// "nofile=1024:2048", "core=-1".
Result<> set_default_ulimits(Options& options, const Values& values);
Result<> set_default_shm_size(Options& options, const Values& values);
Result<> set_default_cgroupns_mode(Options& options, const Values& values);
Result<> set_default_ipc_mode(Options& options, const Values& values);
Result<> set_default_stop_timeout(Options& options, const Values& values);
/// Seconds; negative for as long as the containers' own stop timeouts say.
Result<> set_shutdown_timeout(Options& options, const Values& values);
/// What "host-gateway" stands for in --add-host; IPv4 and IPv6.
Result<> set_host_gateway_ips(Options& options, const Values& values);
/// The address of published ports that name none.
Result<> set_publish_address(Options& options, const Values& values);
/// "native.cgroupdriver=cgroupfs" is what there is.
Result<> set_exec_options(Options& options, const Values& values);
Result<> set_storage_driver(Options& options, const Values& values);
/// "overlay2.size=10G".
Result<> set_storage_options(Options& options, const Values& values);

}  // namespace gantry::daemon
