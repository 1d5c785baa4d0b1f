#pragma once

#include <vector>

#include "base/error.h"
#include "engine/container/lifecycle.h"
#include "engine/container/record.h"
#include "net/endpoint.h"

namespace gantry::engine {

/// What is to be published: HostConfig.PortBindings and, with PublishAllPorts, every exposed port
/// without a binding (J3, J4). A binding without an address gets DEFAULT_IP. Pure.
Result<std::vector<net::PortRequest>> plan_ports(const spec::HostConfig& host,
                                                 const spec::ContainerConfig& config,
                                                 net::Ipv4 default_ip);

/// NetworkSettings.Ports: what is published now, and null for what is only exposed. Empty while the
/// container does not run. Pure.
spec::PortMap port_map(const ContainerRecord& record, const Lifecycle& life);

/// The same as a list shows it. Pure.
std::vector<spec::PortSummary> port_summaries(const ContainerRecord& record, const Lifecycle& life);

}  // namespace gantry::engine
