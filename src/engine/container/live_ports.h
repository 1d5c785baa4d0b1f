#pragma once

#include <vector>

#include "base/error.h"
#include "engine/container/core.h"
#include "net/endpoint.h"

namespace gantry::engine {

/// What is to be done about the ports of a running container, so that they become those of a
/// changed record.
struct PortDifference {
    std::vector<net::PublishedPort> removed;
    std::vector<net::PortRequest> added;
    std::vector<net::PublishedPort> kept;
};

/// A port that is published stays where it is as long as one of WANTED is content with it. Pure.
PortDifference compare_ports(const std::vector<net::PublishedPort>& published,
                             const std::vector<net::PortRequest>& wanted);

/// Changes the ports of a running container and takes that back when it is destroyed, unless it was
/// kept. INVARIANT: the entry's Operation is held meanwhile.
class LivePorts {
public:
    LivePorts(ContainerCore& core, ContainerId id) : core_(core), id_(std::move(id)) {}
    LivePorts(const LivePorts&) = delete;
    LivePorts& operator=(const LivePorts&) = delete;
    ~LivePorts();

    /// Gives all that is published then. Docker's words for a port that is in use.
    Result<std::vector<net::PublishedPort>> change(const ContainerSnapshot& before,
                                                   const ContainerRecord& next);
    void keep() { done_ = false; }

private:
    ContainerCore& core_;
    const ContainerId id_;
    bool done_ = false;
    std::vector<net::PublishedPort> removed_;
    std::vector<net::PublishedPort> added_;
};

}  // namespace gantry::engine
