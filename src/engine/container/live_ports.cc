#include "engine/container/live_ports.h"

#include <algorithm>
#include <utility>

#include "base/failpoint.h"
#include "base/log.h"
#include "engine/container/ports.h"
#include "net/networks.h"

namespace gantry::engine {

namespace {

bool satisfies(const net::PublishedPort& port, const net::PortRequest& wish) {
    const bool any = wish.host_first == 0;
    return port.protocol == wish.protocol && port.container_port == wish.container_port &&
           port.host_ip == wish.host_ip &&
           (any || (port.host_port >= wish.host_first && port.host_port <= wish.host_last));
}

/// How many ports of the host would do.
unsigned freedom(const net::PortRequest& wish) {
    return wish.host_first == 0 ? 0x10000U : 1U + wish.host_last - wish.host_first;
}

net::PortRequest request_of(const net::PublishedPort& port) {
    return {.protocol = port.protocol,
            .container_port = port.container_port,
            .host_ip = port.host_ip,
            .host_first = port.host_port,
            .host_last = port.host_port};
}

}  // namespace

PortDifference compare_ports(const std::vector<net::PublishedPort>& published,
                             const std::vector<net::PortRequest>& wanted) {
    PortDifference difference{.removed = published, .added = {}, .kept = {}};
    std::vector<net::PortRequest> wishes = wanted;
    // ORDER: who wants a certain port chooses first.
    std::ranges::stable_sort(wishes, {}, freedom);
    for (const net::PortRequest& wish : wishes) {
        const auto port = std::ranges::find_if(
            difference.removed, [&](const auto& candidate) { return satisfies(candidate, wish); });
        if (port == difference.removed.end()) {
            difference.added.push_back(wish);
            continue;
        }
        difference.kept.push_back(*port);
        difference.removed.erase(port);
    }
    return difference;
}

Result<std::vector<net::PublishedPort>> LivePorts::change(const ContainerSnapshot& before,
                                                          const ContainerRecord& next) {
    const auto address = sys::parse_ipv4(core_.settings.default_publish_address);
    GT_TRY_VAR(wanted, plan_ports(next.host, next.config, address.value_or(net::Ipv4{})));
    PortDifference difference = compare_ports(before.life.ports, wanted);
    std::vector<net::PublishedPort> ports = std::move(difference.kept);
    if (!difference.removed.empty() || !difference.added.empty()) {
        GT_FAILPOINT("container.update.ports");
        GT_TRY_VAR(added,
                   core_.parts.networks.change_ports(id_, difference.removed, difference.added));
        done_ = true;
        removed_ = std::move(difference.removed);
        added_ = added;
        ports.insert(ports.end(), added.begin(), added.end());
    }
    return ports;
}

LivePorts::~LivePorts() {
    if (!done_) {
        return;
    }
    std::vector<net::PortRequest> again;
    std::ranges::transform(removed_, std::back_inserter(again), request_of);
    if (const auto undone = core_.parts.networks.change_ports(id_, added_, again); !undone) {
        log::warn("cannot take back a change of ports",
                  {{"container", id_.str()}, {"error", undone.error().text()}});
    }
}

}  // namespace gantry::engine
