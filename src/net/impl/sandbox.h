#pragma once

#include "base/error.h"
#include "base/unique_fd.h"
#include "net/endpoint.h"
#include "net/impl/bridge.h"

namespace gantry::net {

/// A network namespace with lo up and Docker's settings, and nothing else.
Result<UniqueFd> make_empty_sandbox();

/// The same with ENDPOINT's interface in it, connected to BRIDGE, with address and default route.
Result<UniqueFd> make_bridged_sandbox(const Bridge& bridge, const Endpoint& endpoint,
                                      Hairpin hairpin);

}  // namespace gantry::net
