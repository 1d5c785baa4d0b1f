#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "net/impl/address_pool.h"
#include "net/impl/bridge.h"
#include "net/impl/port_table.h"
#include "net/impl/ruleset.h"
#include "net/impl/watch.h"
#include "net/networks.h"
#include "sys/nftables.h"

namespace gantry::net {

/// An endpoint, the container that it was made for (empty once that is released) and all that are
/// behind it.
struct Held {
    Attached attached;
    ContainerId owner;
    std::set<ContainerId> holders;
};

/// A container that publishes something may want to reach itself that way.
inline Hairpin hairpin_of(const Attached& attached) {
    return attached.ports.empty() ? Hairpin::kOff : Hairpin::kOn;
}

/// What change_ports() does: FREED are the removed ports whose place on the host no added one takes
/// over.
struct PortChange {
    std::vector<PublishedPort> removed;
    std::vector<PublishedPort> added;
    std::vector<PublishedPort> freed;
    std::vector<PublishedPort> taken;
};

class Networks::Impl {
public:
    Impl(NetworksConfig config, Bridge bridge, sys::NetlinkSocket nft, Watch watch)
        : config_(std::move(config)),
          subnet_(bridge.subnet),
          watch_(std::move(watch)),
          nft_(std::move(nft)),
          bridge_(std::move(bridge)),
          addresses_(subnet_, subnet_.address) {}

    Result<Sandbox> create_sandbox(const ContainerId& container, const SandboxRequest& request,
                                   const std::function<void(const SandboxPreview&)>& early);
    Result<> adopt(const ContainerId& container, const Endpoint& endpoint,
                   const std::vector<PublishedPort>& ports);
    Result<std::vector<PublishedPort>> change_ports(const ContainerId& container,
                                                    const std::vector<PublishedPort>& removed,
                                                    const std::vector<PortRequest>& added);
    std::optional<Endpoint> share(const ContainerId& joiner, const ContainerId& holder);
    Result<> adopt_shared(const ContainerId& joiner, const Endpoint& endpoint);
    void rename(const ContainerId& container, const std::string& old_name, const std::string& name);
    Result<> release(const ContainerId& container);
    Result<> reconcile();
    Result<WatchResult> on_event();
    std::vector<NetworkInfo> list() const;
    std::optional<Endpoint> find_endpoint(const ContainerId& container) const;
    int watch_fd() const { return watch_.fd(); }

private:
    /// What one container takes from the shared tables; given back unless committed.
    Result<Attached> allocate(const SandboxRequest& request);
    void give_back(const Attached& attached);
    Result<PortChange> reserve_ports(const Held& held, const std::vector<PublishedPort>& removed,
                                     const std::vector<PortRequest>& added) GT_REQUIRES(mutex_);
    Result<> rewrite_ports(const Attached& before, const PortChange& change)
        GT_REQUIRES(table_mutex_);
    static Result<> allow_hairpin(const Endpoint& endpoint);
    void forget_flows(const Endpoint& endpoint, const PortChange& change) GT_REQUIRES(table_mutex_);
    Result<> publish(const ContainerId& container, const Attached& attached);
    Result<> add_to_table(const Attached& attached) GT_REQUIRES(table_mutex_);
    Result<> commit_removal(sys::NftTransaction& transaction) GT_REQUIRES(table_mutex_);
    Held* find_held(const ContainerId& container) GT_REQUIRES(mutex_);
    void forget(const ContainerId& container) GT_REQUIRES(mutex_);
    Result<> write_table() GT_REQUIRES(table_mutex_);

    const NetworksConfig config_;
    const Ipv4Prefix subnet_;  // with the gateway as address
    Watch watch_;

    // Lock order: table_mutex_ before mutex_.
    //
    // table_mutex_ is held over transactions of some microseconds, because what they write and what
    // state_ says must change together; mutex_ never is held over anything.
    Mutex table_mutex_;
    sys::NetlinkSocket nft_ GT_GUARDED_BY(table_mutex_);
    bool written_ GT_GUARDED_BY(table_mutex_) = false;

    mutable Mutex mutex_;
    Bridge bridge_ GT_GUARDED_BY(mutex_);
    AddressPool addresses_ GT_GUARDED_BY(mutex_);
    PortTable ports_ GT_GUARDED_BY(mutex_);
    std::map<EndpointId, Held> held_ GT_GUARDED_BY(mutex_);
    /// Every holder of held_.
    std::map<ContainerId, EndpointId> endpoint_of_ GT_GUARDED_BY(mutex_);
};

}  // namespace gantry::net
