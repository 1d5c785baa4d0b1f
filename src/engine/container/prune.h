#pragma once

#include "base/error.h"
#include "engine/container/container_service.h"
#include "engine/container/core.h"
#include "spec/api/container.h"
#include "spec/filters.h"

namespace gantry::engine {

/// POST /containers/prune: removes the containers that do not run and that FILTERS let through;
/// what somebody starts or removes meanwhile is left alone. kConflict while another prune runs. A
/// dry run removes nothing and tells what would go.
Result<spec::ContainersPruneReport> prune_containers(ContainerCore& core,
                                                     const spec::Filters& filters, PruneMode mode);

}  // namespace gantry::engine
