#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "spec/api/host_config.h"
#include "spec/api/network.h"

namespace gantry::cli {

/// One --network: the network and how to join it.
struct NetworkAttachment {
    std::string network;
    spec::EndpointSettings endpoint;
};

/// "mynet" or the long form "name=mynet,alias=a,ip=10.0.0.2,driver-opt=k=v,...".
Result<NetworkAttachment> parse_network_flag(std::string_view text);

/// "all", a number, or "driver=x,count=2,\"device=0,1\",capabilities=gpu" (--gpus).
Result<spec::DeviceRequest> parse_gpus_flag(std::string_view text);

}  // namespace gantry::cli
