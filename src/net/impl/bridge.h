#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "net/endpoint.h"
#include "sys/rtnetlink.h"

namespace gantry::net {

/// The host's side of the default network.
struct Bridge {
    std::string name;
    uint32_t index = 0;  // changes when somebody deletes the interface and we make it again
    Ipv4Prefix subnet;   // its address is the gateway's
    uint16_t mtu = 1500;
};

/// Whether a container's frames may come back to it. Where the kernel filters bridged packets
/// (br_netfilter), its packet to its own published port is translated inside the bridge and must
/// leave by the port it came from. Off otherwise: a hairpin also echoes broadcasts.
enum class Hairpin { kOff, kOn };

/// The host's end of an endpoint: a port of the bridge.
struct BridgePort {
    std::string interface;
    Hairpin hairpin = Hairpin::kOff;
};

/// The subnet for a bridge called NAME: the address that such a bridge has now, else the first of
/// Docker's pools (COMPAT: behaviour J1) that overlaps no route of the host. The address in the
/// result is the gateway's. kUnavailable if all pools are taken.
Result<Ipv4Prefix> choose_subnet(sys::NetlinkSocket& socket, const std::string& name);

/// Makes the bridge, its address and its settings as BRIDGE says, wherever something is missing,
/// turns on forwarding, and fills in BRIDGE's index. Attaches those of PORTS that are not in the
/// bridge any more.
Result<> ensure_bridge(sys::NetlinkSocket& socket, Bridge& bridge,
                       const std::vector<BridgePort>& ports);

}  // namespace gantry::net
