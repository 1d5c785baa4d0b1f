// Ports that are published and taken back while their container runs.

#include <fmt/core.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/failpoint.h"
#include "net/impl/networks_impl.h"

namespace gantry::net {
namespace {

using sys::NetlinkSocket;
using sys::NftFamily;
using sys::NftTransaction;

bool same_place(const PublishedPort& a, const PublishedPort& b) {
    return a.protocol == b.protocol && a.host_ip == b.host_ip && a.host_port == b.host_port;
}

}  // namespace

/// Takes the ports of the host that are new; on failure nothing is taken.
Result<PortChange> Networks::Impl::reserve_ports(const Held& held,
                                                 const std::vector<PublishedPort>& removed,
                                                 const std::vector<PortRequest>& added) {
    PortChange change{.removed = removed, .added = {}, .freed = removed, .taken = {}};
    for (const PortRequest& wish : added) {
        const PublishedPort wanted{wish.protocol, wish.container_port, wish.host_ip,
                                   wish.host_first};
        const auto reused = std::ranges::find_if(
            change.freed, [&](const PublishedPort& port) { return same_place(port, wanted); });
        if (wish.host_first == wish.host_last && reused != change.freed.end()) {
            change.freed.erase(reused);
            change.added.push_back(wanted);
            continue;
        }
        auto port = ports_.take(wish);
        if (!port) {
            for (const PublishedPort& taken : change.taken) {
                ports_.give_back(taken);
            }
            return Failure(std::move(port).error().in(fmt::format(
                "driver failed programming external connectivity on endpoint {} ({})",
                held.attached.endpoint.container_name, held.attached.endpoint.id.str())));
        }
        change.taken.push_back(*port);
        change.added.push_back(*port);
    }
    return change;
}

Result<> Networks::Impl::rewrite_ports(const Attached& before, const PortChange& change) {
    if (before.ports.empty() && !change.added.empty()) {
        GT_TRY(allow_hairpin(before.endpoint));
    }
    GT_FAILPOINT("net.ports");
    if (written_) {
        NftTransaction transaction(NftFamily::kInet, config_.table);
        put_port_removal(transaction, change.removed);
        put_ports(transaction, before.endpoint.ip, change.added);
        auto done = transaction.commit(nft_);
        if (done || done.error().sys_errno() != ENOENT) {
            return done;
        }
        // Somebody has flushed the table.
    }
    return write_table();
}

Result<> Networks::Impl::allow_hairpin(const Endpoint& endpoint) {
    GT_TRY_VAR(route, NetlinkSocket::open(NETLINK_ROUTE));
    sys::NetlinkMessages batch;
    sys::put_hairpin(batch, endpoint.host_interface);
    return route.transact(batch);
}

/// What began under the old rules would go on by them. Not worth failing for.
void Networks::Impl::forget_flows(const Endpoint& endpoint, const PortChange& change) {
    for (const PublishedPort& port : change.removed) {
        (void)sys::forget_connections_through(nft_, static_cast<uint8_t>(port.protocol),
                                              port.host_port, endpoint.ip);
    }
    for (const PublishedPort& port : change.added) {
        if (port.protocol == PortProtocol::kUdp) {
            (void)sys::forget_connections_at(nft_, static_cast<uint8_t>(port.protocol),
                                             port.host_port);
        }
    }
}

Result<std::vector<PublishedPort>> Networks::Impl::change_ports(
    const ContainerId& container, const std::vector<PublishedPort>& removed,
    const std::vector<PortRequest>& added) {
    const MutexLock table(table_mutex_);
    PortChange change;
    Attached before;
    {
        const MutexLock lock(mutex_);
        Held* held = find_held(container);
        if (held == nullptr || held->owner != container) {
            return fail(Kind::kNotFound,
                        fmt::format("container {} has no endpoint", container.str()));
        }
        before = held->attached;
        GT_TRY_VAR(reserved, reserve_ports(*held, removed, added));
        change = std::move(reserved);
        std::vector<PublishedPort>& ports = held->attached.ports;
        std::erase_if(ports, [&](const auto& port) { return std::ranges::count(removed, port); });
        ports.insert(ports.end(), change.added.begin(), change.added.end());
    }
    auto done = rewrite_ports(before, change);
    {
        const MutexLock lock(mutex_);
        Held* held = find_held(container);
        if (!done && held != nullptr) {
            held->attached.ports = before.ports;
        }
        for (const PublishedPort& port : done ? change.freed : change.taken) {
            ports_.give_back(port);
        }
    }
    GT_TRY(std::move(done));
    forget_flows(before.endpoint, change);
    return change.added;
}

}  // namespace gantry::net
