#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "runtime/launcher.h"

namespace gantry::spec::oci {
struct Config;
struct Process;
}  // namespace gantry::spec::oci

namespace gantry::runtime {

/// A compiled seccomp filter; no bytes: none.
struct SeccompProgram {
    std::string bytes;
    uint32_t flags = 0;
};

/// Compiles CONFIG to the LaunchPlan (shim/plan.h) of a container. Pure: looks at nothing but its
/// arguments; descriptors in OPTIONS only count. Numbers of plan descriptors are given in the order
/// of plan_fds().
///
/// kInvalid for what no runtime accepts (no arguments, relative paths, mounts over /proc);
/// kNotImplemented names the field that Gantry does not support: nothing is ignored.
Result<std::string> build_container_plan(const spec::oci::Config& config,
                                         const LaunchOptions& options,
                                         const SeccompProgram& seccomp);

/// The descriptors that go with the plan, kept ones first.
std::vector<int> plan_fds(const LaunchOptions& options);

/// As above for one more process in a container.
Result<std::string> build_exec_plan(const spec::oci::Process& process, StdinMode stdin_mode,
                                    const SeccompProgram& seccomp);

}  // namespace gantry::runtime
