#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/error.h"
#include "engine/container/core.h"
#include "engine/container/update.h"
#include "spec/api/container.h"

namespace gantry::engine {

/// GET /containers/{id}/revisions, oldest first.
Result<std::vector<spec::ContainerRevision>> list_revisions(ContainerCore& core,
                                                            const ContainerEntry& entry);

/// Makes the container what it was at revision TO, or at the one before its present one: as a new
/// revision, so that this can be undone, too. kNotFound for a revision that is none (any more),
/// kConflict for a container that was never changed.
Result<spec::ContainerUpdateResponse> roll_back(ContainerCore& core, const EntryPtr& entry,
                                                std::optional<int64_t> to, Apply apply);

}  // namespace gantry::engine
