#pragma once

#include <latch>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "engine/container/core.h"
#include "engine/container/host_check.h"
#include "net/endpoint.h"
#include "sys/cgroup.h"

namespace gantry::engine {

/// The container's cgroup and the descriptors that lead into it.
struct PreparedCgroup {
    sys::Cgroup group;
    std::vector<UniqueFd> tasks;
    UniqueFd v2;
    UniqueFd oom_events;
};

/// What a run needs from network and cgroups, made on a thread of its own, because it takes as long
/// as all the rest: first what the shim is launched with, the namespace and the cgroup, then,
/// beside the container's set-up, what connects the namespace.
///
/// Gives nothing back: on failure the owner releases the container's network and removes its
/// cgroup, after finish() or the destructor.
class Groundwork {
public:
    /// What the shim is launched with.
    struct Base {
        UniqueFd netns;   // empty with the host's network
        UniqueFd userns;  // empty without a user namespace
        std::optional<net::Endpoint> endpoint;
        std::vector<net::PublishedPort> ports;
        PreparedCgroup cgroup;
    };

    /// JOINED_NET is the network namespace of another container, where that is the container's;
    /// JOINED_USER the user namespace, where it is shared with another.
    static Result<std::unique_ptr<Groundwork>> begin(ContainerCore& core,
                                                     const ContainerSnapshot& snapshot,
                                                     UniqueFd joined_net, UniqueFd joined_user);
    Groundwork(const Groundwork&) = delete;
    Groundwork& operator=(const Groundwork&) = delete;
    /// Waits for the thread.
    ~Groundwork();

    /// Waits until there is something to launch with. Call once.
    Result<Base> base();
    /// Waits until the container's network is usable. Its error is told once.
    Result<> finish();

private:
    Groundwork(ContainerCore& core, std::shared_ptr<const ContainerRecord> record,
               std::optional<net::SandboxRequest> request, UniqueFd joined_net,
               UniqueFd joined_user);

    void work();
    Result<> make_user_namespace();
    void give_up(Error error);
    void lay_base(const net::SandboxPreview* sandbox);

    ContainerCore& core_;
    const std::shared_ptr<const ContainerRecord> record_;
    /// Empty with the network of the host or of another container.
    std::optional<net::SandboxRequest> request_;
    UniqueFd joined_net_;
    UniqueFd userns_;
    /// Belongs to userns_; empty: made by net.
    UniqueFd netns_;

    // Written by the thread: the base before the latch falls, the end before the thread does.
    std::latch laid_{1};
    std::optional<Result<Base>> base_;
    Result<> end_;
    std::thread thread_;
};

}  // namespace gantry::engine
