#include "net/networks.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "api/network_view.h"
#include "api/route.h"
#include "engine/container/container_service.h"
#include "spec/api/network.h"
#include "spec/filters.h"

namespace gantry::api {
namespace {

bool passes(const spec::NetworkResource& network, const spec::Filters& filters) {
    // Every network of today is predefined and none has labels.
    return filters.match_exact("driver", network.driver) &&
           filters.match_exact("scope", network.scope) && filters.match_exact("type", "builtin") &&
           filters.match_regexp("name", network.name) && filters.match_regexp("id", network.id) &&
           filters.match_labels("label", network.labels);
}

Result<> list(Call& call) {
    GT_TRY_VAR(filters, spec::Filters::parse(call.query.get("filters")));
    GT_TRY(filters.check_keys({"dangling", "driver", "id", "label", "name", "scope", "type"}));
    GT_TRY_VAR(only_unused, filters.bool_value("dangling", false));
    std::vector<spec::NetworkResource> networks;
    for (const net::NetworkInfo& info : call.services.networks.list()) {
        spec::NetworkResource network = network_view(info);
        // Predefined networks never count as dangling.
        if (!only_unused && passes(network, filters)) {
            // Lists leave the containers out (API 1.28).
            network.containers.clear();
            networks.push_back(std::move(network));
        }
    }
    return call.send_json(200, spec::to_json(networks));
}

/// Full id, name, then a prefix of the id (behaviours E5).
Result<net::NetworkInfo> find(const Call& call) {
    const std::vector<net::NetworkInfo> networks = call.services.networks.list();
    for (const net::NetworkInfo& network : networks) {
        if (network.id.str() == call.name || network.name == call.name) {
            return network;
        }
    }
    const auto has_prefix = [&](const net::NetworkInfo& network) {
        return network.id.str().starts_with(call.name);
    };
    const auto first = std::ranges::find_if(networks, has_prefix);
    if (first == networks.end()) {
        return fail(Kind::kNotFound, fmt::format("network {} not found", call.name));
    }
    if (std::ranges::count_if(networks, has_prefix) > 1) {
        return fail(Kind::kInvalid,
                    fmt::format("network {} is ambiguous (several networks have this id prefix)",
                                call.name));
    }
    return *first;
}

Result<> inspect(Call& call) {
    GT_TRY_VAR(network, find(call));
    return call.send_json(200, spec::to_json(network_view(network)));
}

Result<> remove(Call& call) {
    GT_TRY_VAR(network, find(call));
    return fail(Kind::kForbidden,
                fmt::format("{} is a pre-defined network and cannot be removed", network.name));
}

constexpr std::array kRoutes{
    Route{"GET", "/networks", list},
    Route{"GET", "/networks/", list},
    Route{"GET", "/networks/{}", inspect},
    Route{"DELETE", "/networks/{}", remove},
};

}  // namespace

std::span<const Route> network_routes() {
    return kRoutes;
}

}  // namespace gantry::api
