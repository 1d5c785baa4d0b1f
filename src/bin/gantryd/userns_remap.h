#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "sys/user_namespace.h"

namespace gantry::daemon {

/// What --userns-remap=VALUE means: "default", "user", "user:group", or numbers for either. The
/// ranges are those of /etc/subuid and /etc/subgid; for "default" (Docker's user dockremap) they
/// are added there if they are missing. Empty ranges for "". kInvalid in Docker's words: `No subuid
/// ranges found for user "x" in /etc/subuid`.
Result<sys::IdMaps> read_id_maps(const std::string& value);

}  // namespace gantry::daemon
