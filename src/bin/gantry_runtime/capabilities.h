#pragma once

#include "base/error.h"
#include "spec/oci/runtime.h"

namespace gantry::standalone {

/// Takes out of PROCESS the capabilities that nobody can give it, with a warning for each
/// (runtime-spec: not a reason to fail): unknown ones; those that we do not have ourselves, unless
/// a user namespace gives them (LINUX is the container's); ambient ones that are not permitted and
/// inheritable, too.
Result<> settle_capabilities(spec::oci::Process& process, const spec::oci::Linux& linux);

}  // namespace gantry::standalone
