#pragma once

#include "base/error.h"
#include "engine/container/container_service.h"
#include "engine/container/core.h"
#include "spec/api/container.h"

namespace gantry::engine {

/// POST /containers/create: see ContainerService::create().
Result<spec::ContainerCreateResponse> create_container(ContainerCore& core,
                                                       const spec::ContainerCreateRequest& request,
                                                       const CreateOptions& options);

}  // namespace gantry::engine
