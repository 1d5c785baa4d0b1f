#pragma once

#include "net/networks.h"
#include "spec/api/network.h"

namespace gantry::api {

/// A network as GET /networks/{id} shows it.
spec::NetworkResource network_view(const net::NetworkInfo& network);

}  // namespace gantry::api
