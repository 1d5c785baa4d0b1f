#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "sys/cgroup.h"

namespace gantry::standalone {

/// The files through which an exec joins the container's CGROUP in each hierarchy. WANTED are the
/// values of --cgroup, "PATH" or "CONTROLLER[,CONTROLLER]:PATH" below that group; under v2 without
/// any, where the container has divided its group (no process is allowed in it then), the group of
/// its first process, INIT, is joined. kInvalid: a path that leads out, an unknown controller.
Result<std::vector<UniqueFd>> open_groups(const sys::Cgroup& cgroup, pid_t init,
                                          const std::vector<std::string>& wanted);

}  // namespace gantry::standalone
