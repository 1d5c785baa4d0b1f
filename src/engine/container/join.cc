#include "engine/container/join.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <array>
#include <utility>

#include "net/networks.h"
#include "sys/files.h"
#include "sys/mounts.h"
#include "sys/namespace.h"
#include "sys/process.h"
#include "sys/root_dir.h"

namespace gantry::engine {

namespace {

constexpr std::string_view kPrefix = "container:";
/// Containers that use each other's networks in a row.
constexpr int kMaxChain = 16;

Result<> conflict(bool found, std::string_view what) {
    return found ? fail(Kind::kInvalid, fmt::format("conflicting options: {}", what)) : Result<>();
}

/// A container whose namespaces can be joined: it has a process.
struct Peer {
    SnapshotPtr snapshot;
    std::shared_ptr<ContainerRun> run;
};

/// NOT_RUNNING is the beginning of the error for one that does not run.
Result<Peer> find_peer(const ContainerCore& core, std::string_view id,
                       std::string_view not_running) {
    GT_TRY_VAR(entry, core.table.find(id));
    Peer peer{.snapshot = entry->snapshot(), .run = entry->run()};
    if (peer.snapshot->life.phase == Phase::kRestarting) {
        return fail(
            Kind::kConflict,
            fmt::format("Container {} is restarting, wait until the container is running", id));
    }
    if (!peer.snapshot->life.alive() || peer.run == nullptr) {
        return fail(Kind::kConflict, fmt::format("{}{}", not_running, id));
    }
    return peer;
}

Result<UniqueFd> open_namespace_of(const Peer& peer, sys::Namespace kind) {
    GT_TRY_VAR(fd, sys::open_namespace(peer.run->shim.pid(), kind));
    // The pid may have been another process' already.
    GT_TRY_VAR(gone, sys::wait_gone(peer.run->shim.init_pidfd(), 0));
    if (gone) {
        return fail(Kind::kConflict,
                    fmt::format("container {} is not running", peer.snapshot->record->id.str()));
    }
    return std::move(fd);
}

/// The peer's /dev/shm. Only a process that is in its mount namespace can copy the mount.
Result<UniqueFd> clone_shm(const Peer& peer) {
    GT_TRY_VAR(mounts, open_namespace_of(peer, sys::Namespace::kMount));
    UniqueFd shm;
    GT_TRY(sys::run_on_own_thread([&]() -> Result<> {
        GT_TRY(sys::enter_namespace(mounts.get(), sys::Namespace::kMount));
        GT_TRY_VAR(root, sys::RootDir::open("/"));
        GT_TRY_VAR(dir, root.open_at("dev/shm", O_PATH | O_DIRECTORY));
        struct statfs status{};
        // SAFETY: the peer may have put anything there; it shares its memory and nothing else.
        if (::fstatfs(dir.get(), &status) < 0 || status.f_type != TMPFS_MAGIC) {
            return fail(Kind::kConflict,
                        fmt::format("can't join IPC of container {}: its /dev/shm is no tmpfs",
                                    peer.snapshot->record->id.str()));
        }
        GT_TRY_VAR(mount, sys::clone_mount(dir.get(), "", sys::Tree::kOne));
        shm = std::move(mount);
        return {};
    }));
    return shm;
}

/// Namespaces are of use only together with the user namespace that they belong to.
Result<> join_user(const ContainerCore& core, const ContainerRecord& record, const Peer& peer,
                   JoinedNamespaces& joined) {
    if (core.id_map(record) != core.id_map(*peer.snapshot->record)) {
        return fail(Kind::kConflict,
                    fmt::format("cannot join namespaces of container {}, which is in another user "
                                "namespace",
                                peer.snapshot->record->id.str()));
    }
    if (core.id_map(record) == nullptr) {
        return {};
    }
    GT_TRY_VAR(user, open_namespace_of(peer, sys::Namespace::kUser));
    if (joined.user) {
        GT_TRY_VAR(one, sys::namespace_inode(joined.user.get()));
        GT_TRY_VAR(other, sys::namespace_inode(user.get()));
        if (one != other) {
            return fail(Kind::kConflict,
                        "cannot join namespaces of containers in different user namespaces");
        }
    }
    joined.user = std::move(user);
    return {};
}

Result<> join_ipc(const ContainerCore& core, const ContainerRecord& record, std::string_view id,
                  JoinedNamespaces& joined) {
    const std::string cannot = fmt::format("can't join IPC of container {}: ", id);
    GT_TRY_VAR(peer, find_peer(core, id, cannot + "it does not run: "));
    const spec::HostConfig& host = peer.snapshot->record->host;
    if (host.ipc_mode == "private" || host.ipc_mode == "none") {
        return fail(Kind::kInvalid, cannot +
                                        "non-shareable IPC (hint: use IpcMode:shareable for "
                                        "the donor container)");
    }
    GT_TRY(join_user(core, record, peer, joined));
    GT_TRY_VAR(ipc, open_namespace_of(peer, sys::Namespace::kIpc));
    GT_TRY_VAR(shm, clone_shm(peer));
    joined.ipc = std::move(ipc);
    joined.shm = std::move(shm);
    return {};
}

}  // namespace

std::optional<std::string_view> joined_container(std::string_view mode) {
    return mode.starts_with(kPrefix) ? std::optional(mode.substr(kPrefix.size())) : std::nullopt;
}

Result<> check_joins(const spec::HostConfig& host, const spec::ContainerConfig& config) {
    if (host.network_mode == kPrefix || host.network_mode == "container") {
        return fail(Kind::kInvalid, "invalid container format container:<name|id>");
    }
    if (joined_container(host.pid_mode) == "") {
        return fail(Kind::kInvalid, fmt::format("invalid PID mode: {}", host.pid_mode));
    }
    if (joined_container(host.ipc_mode) == "") {
        return fail(Kind::kInvalid, fmt::format("invalid IPC mode: {}", host.ipc_mode));
    }
    const bool joined = joined_container(host.network_mode).has_value();
    const bool no_endpoint = joined || host.network_mode == "host" || host.network_mode == "none";
    GT_TRY(
        conflict(no_endpoint && !config.mac_address.empty(), "mac-address and the network mode"));
    if (!joined) {
        return {};
    }
    GT_TRY(conflict(!config.hostname.empty(), "hostname and the network mode"));
    GT_TRY(conflict(!host.links.empty(),
                    "container type network can't be used with links. This would result in "
                    "undefined behavior"));
    GT_TRY(conflict(!(host.dns.empty() && host.dns_search.empty() && host.dns_options.empty()),
                    "dns and the network mode"));
    GT_TRY(conflict(!host.extra_hosts.empty(), "custom host-to-IP mapping and the network mode"));
    GT_TRY(conflict(!host.port_bindings.empty() || host.publish_all_ports,
                    "port publishing and the container type network mode"));
    return conflict(!config.exposed_ports.empty(),
                    "port exposing and the container type network mode");
}

Result<> resolve_joins(const ContainerTable& table, ContainerRecord& record) {
    spec::HostConfig& host = record.host;
    for (std::string* mode : {&host.network_mode, &host.pid_mode, &host.ipc_mode}) {
        const auto ref = joined_container(*mode);
        if (!ref) {
            continue;
        }
        GT_TRY_VAR(peer, table.find(*ref));
        if (mode == &host.network_mode) {
            const ContainerRecord& other = *peer->snapshot()->record;
            record.config.hostname = other.config.hostname;
            record.config.domainname = other.config.domainname;
        }
        *mode = std::string(kPrefix) + peer->id().str();
    }
    return {};
}

Result<JoinedNamespaces> join_others(ContainerCore& core, const ContainerRecord& record) {
    JoinedNamespaces joined;
    if (const auto id = joined_container(record.host.network_mode)) {
        GT_TRY_VAR(peer, find_peer(core, *id, "cannot join network of a non running container: "));
        // ORDER: first its address is kept for us too, then we look whether it still runs.
        joined.endpoint = core.parts.networks.share(record.id, peer.snapshot->record->id);
        GT_TRY(join_user(core, record, peer, joined));
        GT_TRY_VAR(net, open_namespace_of(peer, sys::Namespace::kNet));
        joined.net = std::move(net);
    }
    if (const auto id = joined_container(record.host.pid_mode)) {
        GT_TRY_VAR(peer, find_peer(core, *id, "cannot join PID of a non running container: "));
        GT_TRY(join_user(core, record, peer, joined));
        GT_TRY_VAR(pid, open_namespace_of(peer, sys::Namespace::kPid));
        joined.pid = std::move(pid);
    }
    if (const auto id = joined_container(record.host.ipc_mode)) {
        GT_TRY(join_ipc(core, record, *id, joined));
    }
    return joined;
}

std::string network_files_dir(const ContainerCore& core, const ContainerRecord& record) {
    const ContainerRecord* owner = &record;
    SnapshotPtr keep;
    for (int i = 0; i < kMaxChain; ++i) {
        const auto id = joined_container(owner->host.network_mode);
        const EntryPtr entry = id ? core.table.find_id(ContainerId(std::string(*id))) : nullptr;
        if (entry == nullptr) {
            break;
        }
        keep = entry->snapshot();
        owner = keep->record.get();
    }
    return core.container_dir(owner->id);
}

}  // namespace gantry::engine
