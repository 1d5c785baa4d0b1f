#pragma once

#include "runtime/impl/plan_writer.h"
#include "runtime/plan_builder.h"

namespace gantry::runtime {

enum class ProcessRole { kContainer, kExec };

/// Adds what makes a process the one that PROCESS describes, from limits to exec. It is in its
/// namespaces and its root by then.
Result<> add_process_steps(PlanWriter& plan, const spec::oci::Process& process,
                           const SeccompProgram& seccomp, ProcessRole role);

/// First of all steps, while /proc is the host's.
void add_oom_score(PlanWriter& plan, const spec::oci::Process& process);

void add_terminal(PlanWriter& plan, const spec::oci::Process& process, ProcessRole role);

}  // namespace gantry::runtime
