#pragma once

#include <string_view>

#include "base/error.h"
#include "spec/api/container.h"

namespace gantry::engine {

class ContainerService;

/// GET /containers/{id}/top: the processes of a container as `ps ARGS` on the host prints them, by
/// pid. kConflict when it does not run; kInvalid for arguments that ps or we do not know.
Result<spec::TopResponse> list_processes(ContainerService& containers, std::string_view ref,
                                         std::string_view args);

}  // namespace gantry::engine
