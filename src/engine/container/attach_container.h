#pragma once

#include "base/error.h"
#include "engine/container/attach.h"
#include "engine/container/core.h"

namespace gantry::engine {

/// POST /containers/{id}/attach (C6): see ContainerService::attach().
Result<StreamTicket> attach_container(ContainerCore& core, const EntryPtr& entry,
                                      const AttachRequest& request);

/// Detach keys in Docker's notation as the bytes to look for; the default for "".
Result<std::string> detach_key_bytes(std::string_view notation);

}  // namespace gantry::engine
