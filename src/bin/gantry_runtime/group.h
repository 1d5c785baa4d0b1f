#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "bin/gantry_runtime/commands.h"
#include "runtime/stage_process.h"
#include "sys/cgroup.h"

namespace gantry::standalone {

/// A container's cgroup while its process is made.
struct Group {
    std::optional<sys::Cgroup> cgroup;
    std::vector<UniqueFd> tasks;
    UniqueFd v2_dir;
    /// Keeps a scope of systemd alive until the container's process is in it.
    std::optional<runtime::Placeholder> placeholder;
};

/// Writes to RECORD what its cgroup, or its scope with --systemd-cgroup, will be called.
Result<> name_group(const Globals& globals, Record& record);

/// Makes the group with its limits. With --systemd-cgroup systemd does, and its answer becomes
/// RECORD's cgroup; who is not root, may not make one and wants no limit gets none. kConflict if
/// processes are in a group of that name.
Result<Group> make_group(const Globals& globals, Record& record);

/// Kills what is in the group and removes it; what is gone already is success.
Result<> remove_group(const Record& record, std::chrono::milliseconds patience);

}  // namespace gantry::standalone
