#pragma once

#include <map>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/unique_fd.h"
#include "net/endpoint.h"

namespace gantry::net {

/// Which ports of the host are published. Each is also held by a bound socket, so that no process
/// of the host can take it and a port that one has already is found out. The sockets never see a
/// connection: the rules lead those away before. Not thread-safe.
class PortTable {
public:
    /// Reads the range for ports that the user did not choose from ip_local_port_range.
    PortTable();

    /// Takes the first free port that REQUEST allows. The texts are Docker's, without the endpoint:
    /// "Bind for 0.0.0.0:80 failed: port is already allocated" (kInternal, as Docker answers 500).
    Result<PublishedPort> take(const PortRequest& request);

    void give_back(const PublishedPort& port);

private:
    using Key = std::pair<PortProtocol, uint16_t>;

    Result<> take_one(const PortRequest& request, uint16_t host_port);
    bool is_taken(PortProtocol protocol, uint16_t port, Ipv4 ip) const;

    std::multimap<Key, std::pair<Ipv4, UniqueFd>> taken_;
    uint16_t ephemeral_first_ = 49153;
    uint16_t ephemeral_last_ = 65535;
};

}  // namespace gantry::net
