#include "net/networks.h"

#include <fmt/core.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/failpoint.h"
#include "base/scope_guard.h"
#include "base/text.h"
#include "net/impl/networks_impl.h"
#include "net/impl/sandbox.h"

namespace gantry::net {
namespace {

using sys::NetlinkSocket;
using sys::NftFamily;
using sys::NftTransaction;

constexpr const char* kBridgeNetwork = "bridge";

/// The same id at every start, without keeping it anywhere: the FNV-1a hash of a name, drawn out to
/// 64 hex digits.
NetworkId derived_id(std::string_view name) {
    uint64_t hash = 0xcbf29ce484222325;
    const auto mix = [&hash](unsigned char byte) { hash = (hash ^ byte) * 0x100000001b3; };
    for (const char c : name) {
        mix(static_cast<unsigned char>(c));
    }
    std::string id;
    for (unsigned char part = 0; part < 4; ++part) {
        mix(part);
        id += fmt::format("{:016x}", hash);
    }
    return NetworkId(std::move(id));
}

std::string host_interface_name() {
    return "veth" + random_id().substr(0, 7);
}

}  // namespace

Result<Attached> Networks::Impl::allocate(const SandboxRequest& request) {
    Attached attached;
    Endpoint& endpoint = attached.endpoint;
    endpoint.id = EndpointId(random_id());
    endpoint.network_id = config_.network_id;
    endpoint.network_name = kBridgeNetwork;
    endpoint.container_name = request.container_name;
    endpoint.mac = request.mac.value_or(sys::random_mac());
    endpoint.prefix_length = subnet_.length;
    endpoint.gateway = subnet_.address;
    endpoint.interface = "eth0";
    endpoint.host_interface = host_interface_name();

    const MutexLock lock(mutex_);
    if (request.ip) {
        GT_TRY(addresses_.take(*request.ip));
        endpoint.ip = *request.ip;
    } else {
        GT_TRY_VAR(ip, addresses_.take_next());
        endpoint.ip = ip;
    }
    for (const PortRequest& wish : request.ports) {
        auto port = ports_.take(wish);
        if (!port) {
            for (const PublishedPort& taken : attached.ports) {
                ports_.give_back(taken);
            }
            addresses_.give_back(endpoint.ip);
            return Failure(std::move(port).error().in(
                fmt::format("driver failed programming external connectivity on endpoint {} ({})",
                            request.container_name, endpoint.id.str())));
        }
        attached.ports.push_back(*port);
    }
    return attached;
}

void Networks::Impl::give_back(const Attached& attached) {
    const MutexLock lock(mutex_);
    for (const PublishedPort& port : attached.ports) {
        ports_.give_back(port);
    }
    addresses_.give_back(attached.endpoint.ip);
}

Result<> Networks::Impl::publish(const ContainerId& container, const Attached& attached) {
    const MutexLock table(table_mutex_);
    {
        const MutexLock lock(mutex_);
        held_.insert_or_assign(attached.endpoint.id, Held{attached, container, {container}});
        endpoint_of_.insert_or_assign(container, attached.endpoint.id);
    }
    auto written = add_to_table(attached);
    if (!written) {
        const MutexLock lock(mutex_);
        forget(container);
        return written;
    }
    for (const PublishedPort& port : attached.ports) {
        if (port.protocol == PortProtocol::kUdp) {
            // Without it a client that never pauses is not answered; not worth failing a start.
            (void)sys::forget_connections_at(nft_, static_cast<uint8_t>(port.protocol),
                                             port.host_port);
        }
    }
    return {};
}

Result<> Networks::Impl::add_to_table(const Attached& attached) {
    if (written_) {
        NftTransaction transaction(NftFamily::kInet, config_.table);
        put_endpoint(transaction, attached);
        auto added = transaction.commit(nft_);
        if (added || added.error().sys_errno() != ENOENT) {
            return added;
        }
        // Somebody has flushed the table.
    }
    return write_table();
}

Result<> Networks::Impl::commit_removal(NftTransaction& transaction) {
    if (!written_) {
        return {};
    }
    auto removed = transaction.commit(nft_);
    if (!removed && removed.error().sys_errno() == ENOENT) {
        written_ = false;  // somebody flushed the table: the next change writes all of it
        return {};
    }
    return removed;
}

Held* Networks::Impl::find_held(const ContainerId& container) {
    const auto id = endpoint_of_.find(container);
    if (id == endpoint_of_.end()) {
        return nullptr;
    }
    const auto held = held_.find(id->second);
    return held == held_.end() ? nullptr : &held->second;
}

/// Takes CONTAINER out of its endpoint's holders, and the endpoint away with the last.
void Networks::Impl::forget(const ContainerId& container) {
    Held* held = find_held(container);
    if (held == nullptr) {
        return;
    }
    held->holders.erase(container);
    if (held->owner == container) {
        held->owner = ContainerId();
        held->attached.ports.clear();
    }
    if (held->holders.empty()) {
        held_.erase(held->attached.endpoint.id);
    }
    endpoint_of_.erase(container);
}

Result<Sandbox> Networks::Impl::create_sandbox(
    const ContainerId& container, const SandboxRequest& request,
    const std::function<void(const SandboxPreview&)>& early) {
    Sandbox sandbox;
    const auto opened = [&](int netns) {
        if (early) {
            early({netns, sandbox.endpoint, sandbox.ports});
        }
    };
    if (request.mode == SandboxMode::kNone) {
        GT_TRY_VAR(netns, make_empty_sandbox(request.netns, opened));
        sandbox.netns = std::move(netns);
        return sandbox;
    }
    if (find_endpoint(container)) {
        return fail(Kind::kConflict,
                    fmt::format("endpoint with name {} already exists in network {}",
                                request.container_name, kBridgeNetwork));
    }
    GT_TRY_VAR(attached, allocate(request));
    ScopeGuard undo([&] { give_back(attached); });
    Bridge bridge;
    {
        const MutexLock lock(mutex_);
        bridge = bridge_;
    }
    sandbox.endpoint = attached.endpoint;
    sandbox.ports = attached.ports;
    GT_TRY_VAR(netns, make_bridged_sandbox(bridge, attached.endpoint, hairpin_of(attached),
                                           request.netns, opened));
    sandbox.netns = std::move(netns);
    GT_FAILPOINT("net.publish");
    GT_TRY(publish(container, attached));
    undo.commit();
    return sandbox;
}

Result<> Networks::Impl::adopt(const ContainerId& container, const Endpoint& endpoint,
                               const std::vector<PublishedPort>& ports) {
    const MutexLock lock(mutex_);
    if (endpoint_of_.contains(container)) {
        return fail(Kind::kConflict, fmt::format("container {} has an endpoint", container.str()));
    }
    Held& held = held_[endpoint.id];
    if (held.holders.empty()) {  // else a container that shares it came before
        if (auto taken = addresses_.take(endpoint.ip); !taken) {
            held_.erase(endpoint.id);
            return taken;
        }
        held.attached.endpoint = endpoint;
    }
    // A port that somebody took while we were away is lost, the container and its address are not.
    held.owner = container;
    held.holders.insert(container);
    endpoint_of_[container] = endpoint.id;
    std::optional<Error> failed;
    for (const PublishedPort& port : ports) {
        auto taken = ports_.take(
            {port.protocol, port.container_port, port.host_ip, port.host_port, port.host_port});
        if (taken) {
            held.attached.ports.push_back(*taken);
        } else if (!failed) {
            failed.emplace(std::move(taken).error());
        }
    }
    if (failed) {
        return Failure(std::move(*failed));
    }
    return {};
}

std::optional<Endpoint> Networks::Impl::share(const ContainerId& joiner,
                                              const ContainerId& holder) {
    // A release that has begun sees either no joiner or this one.
    const MutexLock table(table_mutex_);
    const MutexLock lock(mutex_);
    Held* held = find_held(holder);
    if (held == nullptr) {
        return std::nullopt;
    }
    held->holders.insert(joiner);
    endpoint_of_[joiner] = held->attached.endpoint.id;
    return held->attached.endpoint;
}

Result<> Networks::Impl::adopt_shared(const ContainerId& joiner, const Endpoint& endpoint) {
    const MutexLock lock(mutex_);
    Held& held = held_[endpoint.id];
    if (held.holders.empty()) {
        if (auto taken = addresses_.take(endpoint.ip); !taken) {
            held_.erase(endpoint.id);
            return taken;
        }
        held.attached.endpoint = endpoint;
    }
    held.holders.insert(joiner);
    endpoint_of_[joiner] = endpoint.id;
    return {};
}

void Networks::Impl::rename(const ContainerId& container, const std::string& old_name,
                            const std::string& name) {
    const MutexLock lock(mutex_);
    Held* held = find_held(container);
    if (held != nullptr && held->attached.endpoint.container_name == old_name) {
        held->attached.endpoint.container_name = name;
    }
}

Result<> Networks::Impl::release(const ContainerId& container) {
    const MutexLock table(table_mutex_);
    Held held;
    {
        const MutexLock lock(mutex_);
        const Held* found = find_held(container);
        if (found == nullptr) {
            return {};
        }
        held = *found;
    }
    const bool last = held.holders.size() == 1;
    NftTransaction transaction(NftFamily::kInet, config_.table);
    if (last) {
        put_endpoint_removal(transaction, held.attached);
        GT_TRY(commit_removal(transaction));
    } else if (held.owner == container && !held.attached.ports.empty()) {
        put_port_removal(transaction, held.attached.ports);
        GT_TRY(commit_removal(transaction));
    }
    if (last && !held.attached.ports.empty()) {
        // Only a matter of time without it: connections to nobody expire by themselves.
        (void)sys::forget_connections_to(nft_, held.attached.endpoint.ip);
    }
    // ORDER: the rules first, or the address' next owner would get this one's connections.
    const MutexLock lock(mutex_);
    if (held.owner == container) {
        for (const PublishedPort& port : held.attached.ports) {
            ports_.give_back(port);
        }
    }
    if (last) {
        addresses_.give_back(held.attached.endpoint.ip);
    }
    forget(container);
    return {};
}

Result<> Networks::Impl::write_table() {
    RulesetInput input{.bridge = config_.bridge, .subnet = subnet_, .attached = {}};
    {
        const MutexLock lock(mutex_);
        for (const auto& [id, held] : held_) {
            input.attached.push_back(held.attached);
        }
    }
    NftTransaction transaction(NftFamily::kInet, config_.table);
    put_ruleset(transaction, input);
    GT_TRY(transaction.commit(nft_));
    written_ = true;
    return {};
}

Result<> Networks::Impl::reconcile() {
    GT_TRY_VAR(route, NetlinkSocket::open(NETLINK_ROUTE));
    const MutexLock table(table_mutex_);
    Bridge bridge;
    std::vector<BridgePort> ports;
    {
        const MutexLock lock(mutex_);
        bridge = bridge_;
        for (const auto& [id, held] : held_) {
            ports.push_back({held.attached.endpoint.host_interface, hairpin_of(held.attached)});
        }
    }
    GT_TRY(ensure_bridge(route, bridge, ports));
    {
        const MutexLock lock(mutex_);
        bridge_.index = bridge.index;
    }
    return write_table();
}

Result<WatchResult> Networks::Impl::on_event() {
    GT_TRY_VAR(changed, watch_.read());
    if (!changed) {
        return WatchResult::kNothing;
    }
    GT_TRY(reconcile());
    return WatchResult::kRepaired;
}

std::vector<NetworkInfo> Networks::Impl::list() const {
    NetworkInfo bridge{.id = config_.network_id,
                       .name = kBridgeNetwork,
                       .driver = "bridge",
                       .bridge = config_.bridge,
                       .subnet = Ipv4Prefix{subnet_.network(), subnet_.length},
                       .gateway = subnet_.address,
                       .mtu = config_.mtu,
                       .endpoints = {}};
    {
        const MutexLock lock(mutex_);
        for (const auto& [id, held] : held_) {
            // What outlived its container is shown as the one's who still uses it.
            bridge.endpoints.emplace_back(held.owner.empty() ? *held.holders.begin() : held.owner,
                                          held.attached.endpoint);
        }
    }
    std::vector<NetworkInfo> networks;
    networks.push_back(std::move(bridge));
    for (const auto& [name, driver] : {std::pair("host", "host"), std::pair("none", "null")}) {
        NetworkInfo plain;
        plain.id = derived_id(fmt::format("{} beside {}", name, config_.bridge));
        plain.name = name;
        plain.driver = driver;
        networks.push_back(std::move(plain));
    }
    return networks;
}

std::optional<Endpoint> Networks::Impl::find_endpoint(const ContainerId& container) const {
    const MutexLock lock(mutex_);
    const auto id = endpoint_of_.find(container);
    return id == endpoint_of_.end() ? std::nullopt
                                    : std::optional(held_.at(id->second).attached.endpoint);
}

Networks::Networks(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Networks::~Networks() = default;

Result<std::unique_ptr<Networks>> Networks::open(NetworksConfig config) {
    GT_TRY_VAR(route, NetlinkSocket::open(NETLINK_ROUTE));
    GT_TRY_VAR(nft, NetlinkSocket::open(NETLINK_NETFILTER));
    if (config.network_id.empty()) {
        config.network_id = derived_id(config.bridge);
    }
    Bridge bridge{.name = config.bridge, .index = 0, .subnet = {}, .mtu = config.mtu};
    if (config.subnet) {
        bridge.subnet = *config.subnet;
        if (bridge.subnet.address == bridge.subnet.network()) {
            bridge.subnet.address.value += 1;
        }
    } else {
        GT_TRY_VAR(chosen, choose_subnet(route, config.bridge));
        bridge.subnet = chosen;
    }
    GT_TRY(ensure_bridge(route, bridge, {}));
    // ORDER: watch after our own changes to the bridge and before the first look at the table.
    GT_TRY_VAR(watch, Watch::open({.table = config.table,
                                   .own_port_id = nft.port_id(),
                                   .gateway = bridge.subnet.address}));
    return std::unique_ptr<Networks>(new Networks(std::make_unique<Impl>(
        std::move(config), std::move(bridge), std::move(nft), std::move(watch))));
}

Result<Sandbox> Networks::create_sandbox(const ContainerId& container,
                                         const SandboxRequest& request,
                                         const std::function<void(const SandboxPreview&)>& early) {
    return impl_->create_sandbox(container, request, early);
}

Result<> Networks::adopt(const ContainerId& container, const Endpoint& endpoint,
                         const std::vector<PublishedPort>& ports) {
    return impl_->adopt(container, endpoint, ports);
}

Result<std::vector<PublishedPort>> Networks::change_ports(const ContainerId& container,
                                                          const std::vector<PublishedPort>& removed,
                                                          const std::vector<PortRequest>& added) {
    return impl_->change_ports(container, removed, added);
}

std::optional<Endpoint> Networks::share(const ContainerId& joiner, const ContainerId& holder) {
    return impl_->share(joiner, holder);
}

Result<> Networks::adopt_shared(const ContainerId& joiner, const Endpoint& endpoint) {
    return impl_->adopt_shared(joiner, endpoint);
}

void Networks::rename(const ContainerId& container, const std::string& old_name,
                      const std::string& name) {
    impl_->rename(container, old_name, name);
}

Result<> Networks::release(const ContainerId& container) {
    return impl_->release(container);
}

Result<> Networks::reconcile() {
    return impl_->reconcile();
}

int Networks::watch_fd() const {
    return impl_->watch_fd();
}

Result<WatchResult> Networks::on_event() {
    return impl_->on_event();
}

std::vector<NetworkInfo> Networks::list() const {
    return impl_->list();
}

std::optional<Endpoint> Networks::find_endpoint(const ContainerId& container) const {
    return impl_->find_endpoint(container);
}

Result<> remove_networks(const NetworksConfig& config) {
    GT_TRY_VAR(nft, NetlinkSocket::open(NETLINK_NETFILTER));
    NftTransaction transaction(NftFamily::kInet, config.table);
    for (const NftFamily family : {NftFamily::kInet, NftFamily::kBridge}) {
        transaction.use(family);
        transaction.add_table();  // so that there is one to delete
        transaction.delete_table();
    }
    GT_TRY(transaction.commit(nft));
    GT_TRY_VAR(route, NetlinkSocket::open(NETLINK_ROUTE));
    GT_TRY_VAR(link, sys::find_link(route, config.bridge));
    if (!link) {
        return {};
    }
    sys::NetlinkMessages batch;
    sys::put_link_delete(batch, link->index);
    return route.transact(batch);
}

}  // namespace gantry::net
