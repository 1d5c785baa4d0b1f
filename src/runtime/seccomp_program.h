#pragma once

#include "base/error.h"
#include "runtime/plan_builder.h"

namespace gantry::spec::oci {
struct Seccomp;
}

namespace gantry::runtime {

/// The filter of PROFILE as bytes for the plan; without a profile, none. Remembers what it
/// compiled: most containers of a daemon share a profile. Thread-safe.
Result<SeccompProgram> seccomp_program(const spec::oci::Seccomp* profile);

}  // namespace gantry::runtime
