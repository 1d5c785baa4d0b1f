#pragma once

#include <optional>

#include "base/error.h"
#include "engine/container/container_settings.h"
#include "engine/container/record.h"
#include "engine/container/run.h"
#include "spec/api/exec.h"
#include "spec/oci/runtime.h"

namespace gantry::engine {

/// The process of an exec (C11, G5): the container's environment, directory, user, capabilities and
/// limits where REQUEST says nothing else. The user is looked up in the container's root.
Result<spec::oci::Process> build_exec_process(const ContainerRecord& record,
                                              const ContainerRun& run,
                                              const spec::ExecCreateRequest& request,
                                              const spec::ExecStartRequest& start,
                                              const SecurityDefaults& defaults);

/// kInvalid for what could never be started.
Result<> check_exec_request(const spec::ExecCreateRequest& request);

}  // namespace gantry::engine
