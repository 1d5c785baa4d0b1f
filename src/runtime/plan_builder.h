#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "runtime/launcher.h"

namespace gantry::spec::oci {
struct Config;
struct Linux;
struct Mount;
struct Process;
}  // namespace gantry::spec::oci

namespace gantry::runtime {

/// A compiled seccomp filter; no bytes: none.
struct SeccompProgram {
    std::string bytes;
    uint32_t flags = 0;
};

/// Who executes a plan, beside the shim.
struct StageOptions {
    /// Number of the first plan descriptor (shim/stage.h).
    int first_fd = 0;
    /// The FIFO for START; -1: START comes from the parent.
    int start_fd = -1;
    /// What hooks in the container get on stdin, around the pid.
    struct HookInput {
        std::string before_pid;
        std::string after_pid;
    };
    HookInput create_hooks;
    HookInput start_hooks;
    bool new_keyring = true;
    bool pivot_root = true;
    /// For a caller without privileges on the host: everything happens in the user namespace.
    bool rootless = false;
};

/// Whether the mount's owners are to be mapped: LaunchOptions::idmap_fds has an entry for it.
bool wants_idmap(const spec::oci::Mount& mount);

/// Whether the container has a user namespace of its own.
bool has_user_namespace(const spec::oci::Linux& linux);

/// Compiles CONFIG to the LaunchPlan (shim/plan.h) of a container. Pure: looks at nothing but its
/// arguments; descriptors in OPTIONS only count. Numbers of plan descriptors are given in the order
/// of plan_fds().
///
/// kInvalid for what no runtime accepts (no arguments, relative paths, mounts over /proc);
/// kNotImplemented names the field that Gantry does not support: nothing is ignored.
Result<std::string> build_container_plan(const spec::oci::Config& config,
                                         const LaunchOptions& options,
                                         const SeccompProgram& seccomp,
                                         const StageOptions* stage = nullptr);

/// The descriptors that go with the plan, kept ones first.
std::vector<int> plan_fds(const LaunchOptions& options);

/// What a plan for one more process in a container needs to know.
struct ExecPlanOptions {
    StdinMode stdin_mode = StdinMode::kNone;
    /// The container's, for its own user and time namespaces and its mappings; null: it has none.
    const spec::oci::Linux* linux = nullptr;
    const StageOptions* stage = nullptr;
    /// For a stage: v1 `tasks` files, the v2 directory, the container's first process; see
    /// exec_plan_fds().
    std::vector<int> cgroup_tasks_fds;
    int cgroup_v2_fd = -1;
    int init_pidfd = -1;
};

Result<std::string> build_exec_plan(const spec::oci::Process& process,
                                    const SeccompProgram& seccomp, const ExecPlanOptions& options);

std::vector<int> exec_plan_fds(const ExecPlanOptions& options);

}  // namespace gantry::runtime
