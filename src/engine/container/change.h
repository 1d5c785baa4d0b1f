#pragma once

#include "base/error.h"
#include "engine/container/record.h"
#include "spec/api/change.h"

namespace gantry::engine {

/// Makes of RECORD what CHANGE asks for, but for the mounts that are planned of it: see
/// plan_changed_mounts(). kInvalid for values that make no sense, for what is to be removed and is
/// not there, and for what is there already. Pure.
Result<> apply_change(ContainerRecord& record, const spec::ContainerChange& change);

/// All that create checks of a container's Config and HostConfig, of one that is made already.
Result<> check_changed_record(const ContainerRecord& record);

/// AFTER's mounts, planned of its config: those that BEFORE has already are taken as they are, with
/// their volumes. kInvalid in Docker's words. Pure.
Result<std::vector<PlannedMount>> plan_changed_mounts(const ContainerRecord& before,
                                                      const ContainerRecord& after);

}  // namespace gantry::engine
