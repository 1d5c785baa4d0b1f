#pragma once

#include "runtime/impl/plan_writer.h"
#include "runtime/launcher.h"

namespace gantry::runtime {

/// What a container's shim is told about itself: descriptors, log, records.
void fill_header(PlanWriter& plan, const LaunchOptions& options);

}  // namespace gantry::runtime
