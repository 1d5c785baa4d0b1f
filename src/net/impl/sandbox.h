#pragma once

#include <functional>

#include "base/error.h"
#include "base/unique_fd.h"
#include "net/endpoint.h"
#include "net/impl/bridge.h"

namespace gantry::net {

/// Gets the namespace as soon as it exists, on the thread that fills it afterwards.
using OnNamespace = std::function<void(int netns)>;

// FRESH is a namespace that is used instead of a new one; -1 for none.

/// A network namespace with lo up and Docker's settings, and nothing else.
Result<UniqueFd> make_empty_sandbox(int fresh, const OnNamespace& opened);

/// The same with ENDPOINT's interface in it, connected to BRIDGE, with address and default route.
Result<UniqueFd> make_bridged_sandbox(const Bridge& bridge, const Endpoint& endpoint,
                                      Hairpin hairpin, int fresh, const OnNamespace& opened);

}  // namespace gantry::net
