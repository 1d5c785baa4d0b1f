#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "base/unique_fd.h"
#include "runtime/foreign.h"
#include "runtime/shim_handle.h"
#include "spec/api/host_config.h"
#include "sys/user_namespace.h"

namespace gantry::io {
class Loop;
class WorkerPool;
}  // namespace gantry::io
namespace gantry::net {
class Networks;
}
namespace gantry::store {
class Database;
class ImageStore;
class Snapshots;
}  // namespace gantry::store
namespace gantry::volume {
class Volumes;
}

namespace gantry::engine {

class EventBus;

/// Which output of a container somebody wants to see.
struct StreamSelection {
    bool standard_output = true;
    bool standard_error = true;
};

/// Writes a container's stored log to SOCKET as attach does with logs=1. Set by the program's
/// wiring to engine/logs; blocks until everything stored is written.
using LogReplay =
    std::function<Result<>(const ContainerId& id, int socket, const StreamSelection& streams,
                           runtime::StreamFraming framing)>;

/// What containers get that say nothing else in HostConfig.SecurityOpt.
struct SecurityDefaults {
    bool no_new_privileges = false;
    /// "builtin", "unconfined" or the JSON of a profile.
    std::string seccomp_profile = "builtin";
};

/// --userns-remap: which ids of the host those of containers are.
struct IdMap : sys::IdMaps {
    /// A namespace with these maps, for the mounts of what is stored here: there it belongs to root
    /// and others with the numbers of containers. Null: no user namespaces.
    std::shared_ptr<const UniqueFd> user_namespace;

    uid_t root_uid() const { return sys::map_id(uids, 0).value_or(0); }
    gid_t root_gid() const { return sys::map_id(gids, 0).value_or(0); }
};

/// What containers get that do not say otherwise in HostConfig.
struct ContainerDefaults {
    /// Added to those of the container, whose own of the same name count.
    std::vector<spec::Ulimit> ulimits;
    int64_t shm_size = int64_t{64} << 20;
    /// "private" or "host"; "" for private where there is cgroup v2 alone, else host.
    std::string cgroupns_mode;
    /// "private" or "shareable".
    std::string ipc_mode = "private";
    /// Run gantry-init where the container has a PID namespace of its own.
    bool init = false;
    /// Seconds from the stop signal to SIGKILL; negative for never.
    int stop_timeout = 10;
    /// Bytes that a writable layer may take; 0 for any number. Needs store::Snapshots::can_limit().
    int64_t storage_size = 0;
};

/// What the container services are told at start-up. Paths are absolute.
struct ContainerSettings {
    /// Holds containers/<id>/.
    std::string data_root;
    /// Holds shims/<id>/.
    std::string exec_root;
    /// The gantry-shim binary.
    std::string shim_path;
    /// The gantry-init binary, mounted into containers that want one (HostConfig.Init); "" if there
    /// is none.
    std::string init_path;
    /// Where ports are published whose binding names no address.
    std::string default_publish_address = "0.0.0.0";
    /// What "host-gateway" is in HostConfig.ExtraHosts; none: the bridge's address.
    std::vector<std::string> host_gateway_ips;
    /// Parent of every container's cgroup, e.g. "gantry".
    std::string cgroup_parent;
    /// The daemon's --dns, --dns-search and --dns-opt, used by containers without their own.
    std::vector<std::string> dns;
    std::vector<std::string> dns_search;
    std::vector<std::string> dns_options;
    SecurityDefaults security;
    IdMap id_map;
    /// Runtimes of others by their names, and the one for containers that name none.
    std::map<std::string, runtime::ForeignRuntime> runtimes;
    std::string default_runtime = "gantry";
    ContainerDefaults defaults;
    /// Where CDI specs are looked for, the most important last.
    std::vector<std::string> cdi_spec_dirs;
    /// The daemon's --log-driver and --log-opt.
    spec::LogConfig log;
    LogReplay log_replay;
};

/// The services below the engine that containers are made of. All of them outlive the
/// ContainerService.
struct ContainerParts {
    store::Database& database;
    store::ImageStore& images;
    store::Snapshots& snapshots;
    volume::Volumes& volumes;
    net::Networks& networks;
    io::Loop& loop;
    io::WorkerPool& workers;
    EventBus& events;
};

}  // namespace gantry::engine
