#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "runtime/foreign.h"
#include "runtime/launcher.h"

namespace gantry::spec::oci {
struct Config;
struct Process;
}  // namespace gantry::spec::oci

namespace gantry::runtime {

// What a foreign runtime is given lies in the shim's directory: bundle/config.json, the mount
// points `rootfs` and `mount<N>` (mounts there are seen by the runtime alone), its state, and for
// each command the log that says why it failed.

/// Writes the bundle for CONFIG. The directory exists. kNotImplemented for a container whose user
/// namespace we would make.
Result<> write_bundle(const spec::oci::Config& config, const LaunchOptions& options);

/// The plan for the shim: create, wait for START, start. Pure.
Result<std::string> build_foreign_plan(const spec::oci::Config& config,
                                       const LaunchOptions& options);

/// The plan for one more process. TAG names its files in the shim's directory. Pure.
Result<std::string> build_foreign_exec_plan(const spec::oci::Process& process, StdinMode stdin_mode,
                                            const ForeignContainer& container,
                                            std::string_view tag);

/// The last error in a runtime's log (--log-format json); empty without one.
std::string read_runtime_error(const std::string& log);

}  // namespace gantry::runtime
