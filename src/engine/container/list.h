#pragma once

#include <vector>

#include "base/error.h"
#include "engine/container/container_service.h"
#include "engine/container/core.h"
#include "spec/api/container.h"
#include "spec/filters.h"

namespace gantry::engine {

/// GET /containers/json (B3): newest first.
Result<std::vector<spec::ContainerSummary>> list_containers(const ContainerCore& core,
                                                            const ListOptions& options,
                                                            const spec::Filters& filters);

}  // namespace gantry::engine
