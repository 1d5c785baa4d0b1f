#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "net/endpoint.h"

namespace gantry::net {

struct NetworksConfig {
    std::string bridge = "gantry0";
    std::string table = "gantry";      // nftables, families inet and bridge: one per daemon
    std::optional<Ipv4Prefix> subnet;  // with the gateway as address if its host part is not 0
    uint16_t mtu = 1500;
    NetworkId network_id;  // empty: derived from the bridge's name, the same at every start
};

/// One network as the API shows it.
struct NetworkInfo {
    NetworkId id;
    std::string name;    // "bridge", "host", "none"
    std::string driver;  // "bridge", "host", "null"
    std::string bridge;  // name of the interface; empty unless driver is "bridge"
    std::optional<Ipv4Prefix> subnet;
    Ipv4 gateway;
    uint16_t mtu = 0;
    std::vector<std::pair<ContainerId, Endpoint>> endpoints;
};

/// What on_event() found.
enum class WatchResult { kNothing, kRepaired };

/// The networks of one daemon: the default bridge with its addresses, its endpoints and the ports
/// published on the host, all of it in one bridge interface and one nftables table.
///
/// The kernel's state is a function of ours: reconcile() writes all of it again in one transaction,
/// everything else only changes single elements. What a daemon that died has left is replaced at
/// open(). All members may be called from any thread of the daemon's own network namespace; they
/// block on netlink for well below a millisecond, create_sandbox() for one or two. No call waits
/// for an interface to be destroyed. Never logs.
class Networks {
public:
    /// Makes the bridge (or takes over the one of that name), turns forwarding on and writes the
    /// table. Without a configured subnet the first of Docker's pools (J1) that no route of the
    /// host overlaps is taken, or the one that the bridge has already.
    ///
    /// ORDER: call adopt() for the containers that still run before create_sandbox(), so that their
    /// addresses and ports are not given away.
    static Result<std::unique_ptr<Networks>> open(NetworksConfig config);

    ~Networks();

    /// Makes the namespace for a container, its endpoint and its published ports. All or nothing.
    ///
    /// A port that another container or process has is kInternal with Docker's text: "driver failed
    /// programming external connectivity on endpoint NAME (ID): Bind for 0.0.0.0:80 failed: port is
    /// already allocated". An address outside the subnet or in use is kInvalid or kConflict.
    ///
    /// EARLY, if given, is called once the namespace exists and address and ports are reserved, on
    /// a thread of the sandbox: what needs only the namespace can go on beside the connecting. It
    /// is not called when it does not come so far; it must not block on this call's end.
    Result<Sandbox> create_sandbox(const ContainerId& container, const SandboxRequest& request,
                                   const std::function<void(const SandboxPreview&)>& early = {});

    /// Takes back the endpoint of a container that survived us: reserves its address and its ports.
    /// Follow a series of these with one reconcile(). A port that somebody took meanwhile is an
    /// error, but the container is adopted without it.
    Result<> adopt(const ContainerId& container, const Endpoint& endpoint,
                   const std::vector<PublishedPort>& ports);

    /// Publishes ADDED and takes REMOVED, some of the container's ports, back: all or nothing, and
    /// without a moment in which a port that is in both is free. Gives what was published, in the
    /// order of ADDED. Connections to a removed port are cut. Errors are those of create_sandbox();
    /// kNotFound for a container that has no endpoint of its own.
    Result<std::vector<PublishedPort>> change_ports(const ContainerId& container,
                                                    const std::vector<PublishedPort>& removed,
                                                    const std::vector<PortRequest>& added);

    /// JOINER takes part in the endpoint that HOLDER has or shares: address and rules stay until
    /// the last of them is released, published ports only until the container is that they were
    /// published for. Empty when HOLDER has no endpoint: then nothing is kept for JOINER either.
    std::optional<Endpoint> share(const ContainerId& joiner, const ContainerId& holder);

    /// adopt() for a joiner. The container that the endpoint was made for may be gone, or come
    /// later.
    Result<> adopt_shared(const ContainerId& joiner, const Endpoint& endpoint);

    /// The container has another name from now on; its endpoint too, unless it is only shared with
    /// it. Unknown containers are fine.
    void rename(const ContainerId& container, const std::string& old_name, const std::string& name);

    /// Frees the container's ports and, unless it is shared, its address; unknown containers are
    /// fine. The namespace goes when its last fd and process do.
    Result<> release(const ContainerId& container);

    /// Writes everything again: bridge, address, ports of the bridge, forwarding, the whole table.
    Result<> reconcile();

    /// Becomes readable when somebody changed our table or the bridge's address; call on_event()
    /// then, from any thread. It repairs what was changed.
    int watch_fd() const;
    Result<WatchResult> on_event();

    /// The bridge, "host" and "none", in Docker's order.
    std::vector<NetworkInfo> list() const;
    std::optional<Endpoint> find_endpoint(const ContainerId& container) const;

private:
    class Impl;
    explicit Networks(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

/// Removes what open() made, for tests and for an uninstall: the table and the bridge.
Result<> remove_networks(const NetworksConfig& config);

}  // namespace gantry::net
