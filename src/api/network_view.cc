#include "api/network_view.h"

#include <string>
#include <utility>

#include "sys/ipv4.h"

namespace gantry::api {
namespace {

/// What Docker says of its default bridge; clients look these options up.
spec::StringMap bridge_options(const net::NetworkInfo& network) {
    return {
        {"com.docker.network.bridge.default_bridge", "true"},
        {"com.docker.network.bridge.enable_icc", "true"},
        {"com.docker.network.bridge.enable_ip_masquerade", "true"},
        {"com.docker.network.bridge.host_binding_ipv4", "0.0.0.0"},
        {"com.docker.network.bridge.name", network.bridge},
        {"com.docker.network.driver.mtu", std::to_string(network.mtu)},
    };
}

spec::EndpointResource endpoint_view(const net::Endpoint& endpoint) {
    spec::EndpointResource view;
    view.name = endpoint.container_name;
    view.endpoint_id = endpoint.id.str();
    view.mac_address = sys::format_mac(endpoint.mac);
    view.ipv4_address = sys::format_prefix({endpoint.ip, endpoint.prefix_length});
    return view;
}

}  // namespace

spec::NetworkResource network_view(const net::NetworkInfo& network) {
    spec::NetworkResource view;
    view.name = network.name;
    view.id = network.id.str();
    view.scope = "local";
    view.driver = network.driver;
    view.ipam.driver = "default";
    if (network.subnet) {
        spec::IpamPool pool;
        pool.subnet = sys::format_prefix({network.subnet->network(), network.subnet->length});
        pool.gateway = sys::format_ipv4(network.gateway);
        view.ipam.config.push_back(std::move(pool));
    }
    if (!network.bridge.empty()) {
        view.options = bridge_options(network);
    }
    for (const auto& [container, endpoint] : network.endpoints) {
        view.containers.emplace(container.str(), endpoint_view(endpoint));
    }
    return view;
}

}  // namespace gantry::api
