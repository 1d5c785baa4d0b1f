#pragma once

#include <string_view>

#include "base/error.h"
#include "engine/container/core.h"

namespace gantry::engine {

/// POST /containers/{id}/rename (E7). The container has one name at every moment, in the database
/// and for who looks it up. kInvalid for an empty, bad or unchanged name, kConflict for one in use.
Result<> rename_container(ContainerCore& core, const EntryPtr& entry, std::string_view new_name);

}  // namespace gantry::engine
