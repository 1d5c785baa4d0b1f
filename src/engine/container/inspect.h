#pragma once

#include "base/error.h"
#include "engine/container/container_service.h"
#include "engine/container/core.h"
#include "spec/api/container.h"

namespace gantry::engine {

/// GET /containers/{id}/json, from one snapshot.
Result<spec::ContainerInspect> inspect_container(const ContainerCore& core,
                                                 const ContainerEntry& entry, SizeInfo size);

/// The network that the container is in, by name: with its addresses while it runs.
spec::EndpointMap endpoint_map(const ContainerRecord& record, const Lifecycle& life);

/// What the container has written, and that with its image, in bytes. Walks the writable layer.
struct ContainerSize {
    int64_t writable = 0;
    int64_t total = 0;
};
Result<ContainerSize> measure_container(const ContainerCore& core, const ContainerRecord& record);

}  // namespace gantry::engine
