#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/unique_fd.h"
#include "sys/ipv4.h"

namespace gantry::net {

using sys::Ipv4;
using sys::Ipv4Prefix;
using sys::MacAddress;

/// The numbers are the kernel's IPPROTO_*.
enum class PortProtocol : uint8_t { kTcp = 6, kUdp = 17, kSctp = 132 };

/// "tcp", "udp", "sctp".
const char* protocol_name(PortProtocol protocol);

/// One wish of `docker run -p`.
struct PortRequest {
    PortProtocol protocol = PortProtocol::kTcp;
    uint16_t container_port = 0;
    Ipv4 host_ip;             // any: all addresses of the host
    uint16_t host_first = 0;  // 0: any free port of ip_local_port_range
    uint16_t host_last = 0;   // the first free one of [host_first, host_last] is taken
};

/// One port of the host that leads into a container. Survives in the container's record, so that
/// adopt() can be given it back.
struct PublishedPort {
    PortProtocol protocol = PortProtocol::kTcp;
    uint16_t container_port = 0;
    Ipv4 host_ip;
    uint16_t host_port = 0;

    auto operator<=>(const PublishedPort&) const = default;
};

/// A container's attachment to a network. Plain data that the engine keeps in its records.
struct Endpoint {
    EndpointId id;
    NetworkId network_id;
    std::string network_name;    // "bridge"
    std::string container_name;  // without a slash
    MacAddress mac;
    Ipv4 ip;
    uint8_t prefix_length = 0;
    Ipv4 gateway;
    std::string interface;       // inside: "eth0"
    std::string host_interface;  // its other end, a port of the bridge: "veth1a2b3c4"
};

enum class SandboxMode {
    kNone,    // a namespace with nothing but lo
    kBridge,  // an endpoint on the bridge too
};

struct SandboxRequest {
    SandboxMode mode = SandboxMode::kBridge;
    std::string container_name;
    std::optional<Ipv4> ip;  // kBridge: absent means the next free one
    std::optional<MacAddress> mac;
    std::vector<PortRequest> ports;
    /// A namespace without interfaces that becomes the sandbox (one that belongs to a container's
    /// user namespace); -1 makes one.
    int netns = -1;
};

/// What is known of a sandbox before it is ready; valid during the call that brings it.
struct SandboxPreview {
    int netns;
    const std::optional<Endpoint>& endpoint;
    const std::vector<PublishedPort>& ports;
};

/// A network namespace ready for a container. The namespace lives as long as NETNS is open or a
/// process is in it; closing both is all the tear-down its interfaces need.
struct Sandbox {
    UniqueFd netns;
    std::optional<Endpoint> endpoint;  // kBridge
    std::vector<PublishedPort> ports;  // in the order of the request
};

}  // namespace gantry::net
