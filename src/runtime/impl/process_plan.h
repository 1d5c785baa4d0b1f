#pragma once

#include "runtime/impl/plan_writer.h"
#include "runtime/plan_builder.h"
#include "spec/oci/runtime.h"

namespace gantry::runtime {

enum class ProcessRole { kContainer, kExec };

struct ProcessPlace {
    ProcessRole role = ProcessRole::kContainer;
    const StageOptions* stage = nullptr;
    bool user_namespace = false;
};

/// Adds what makes a process the one that PROCESS describes, from limits to exec. It is in its
/// namespaces and its root by then. CONFIG is the container's, for its personality and hooks.
Result<> add_process_steps(PlanWriter& plan, const spec::oci::Config& config,
                           const spec::oci::Process& process, const SeccompProgram& seccomp,
                           const ProcessPlace& place);

/// Adds hooks to run.
Result<> add_hooks(PlanWriter& plan, const std::vector<spec::oci::Hook>& hooks);

/// While /proc is the host's.
void add_security_label(PlanWriter& plan, const spec::oci::Process& process);

/// First of all steps, while /proc is the host's.
void add_oom_score(PlanWriter& plan, const spec::oci::Process& process);

void add_terminal(PlanWriter& plan, const spec::oci::Process& process, ProcessRole role);

}  // namespace gantry::runtime
