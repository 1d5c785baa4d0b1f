#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"
#include "engine/container/core.h"
#include "net/endpoint.h"

namespace gantry::engine {

// Namespaces of other containers: the "container:ID" modes of network, pid and ipc.

/// What MODE names behind "container:"; absent for every other mode.
std::optional<std::string_view> joined_container(std::string_view mode);

/// What cannot go together with another container's network (G19), and modes that name nobody.
/// Pure; kInvalid in Docker's words.
Result<> check_joins(const spec::HostConfig& host, const spec::ContainerConfig& config);

/// create: the containers that RECORD's modes name must exist; names become ids, so that they
/// survive a rename (E7). With another's network come its hostname and domainname. kNotFound "No
/// such container: x".
Result<> resolve_joins(const ContainerTable& table, ContainerRecord& record);

/// What a run takes from other containers; the parts that it does not share are empty.
struct JoinedNamespaces {
    UniqueFd net;
    UniqueFd pid;
    UniqueFd ipc;
    /// The user namespace that those belong to, where containers have one.
    UniqueFd user;
    /// The other's /dev/shm, a detached mount.
    UniqueFd shm;
    /// Where the other's network is connected; its address is kept for this container too, until
    /// Networks::release().
    std::optional<net::Endpoint> endpoint;
};

/// start: opens the namespaces of the containers that RECORD names. They must run (kConflict), and
/// whose ipc is joined must share it (kInvalid).
Result<JoinedNamespaces> join_others(ContainerCore& core, const ContainerRecord& record);

/// The directory with the hosts, hostname and resolv.conf that the container sees: that of the
/// container whose network it uses, else its own.
std::string network_files_dir(const ContainerCore& core, const ContainerRecord& record);

}  // namespace gantry::engine
