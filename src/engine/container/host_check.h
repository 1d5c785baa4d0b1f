#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "engine/container/container_settings.h"
#include "engine/container/record.h"
#include "sys/capability.h"
#include "sys/cgroup_support.h"

namespace gantry::engine {

class ContainerCore;

// Everything that create refuses about a HostConfig, so that start need not. All of these are pure.
// kInvalid in Docker's words.

/// What the daemon's host can do.
struct HostFacts {
    int processors = 1;
    /// NUMA nodes.
    int memory_nodes = 1;
    bool cgroup_v2 = false;
    sys::CgroupSupport cgroups{};
    /// Containers have user namespaces (--userns-remap).
    bool remapped = false;
    std::string_view default_runtime = "gantry";
};

HostFacts host_facts(const ContainerCore& core);

/// kNotImplemented, naming the first field in use that Gantry does not have. Never ignored: a
/// container that silently lacks what was asked of it is worse than none.
Result<> check_supported(const spec::HostConfig& host);

/// Fills what is not given with the daemon's defaults, as inspect then shows it.
void set_host_defaults(spec::HostConfig& host, const HostFacts& facts,
                       const ContainerDefaults& defaults = {});

/// All of HOST together with CONFIG: modes, policies, logs, capabilities, security, sysctls, names,
/// mounts, ports, devices.
Result<> check_host_config(const spec::HostConfig& host, const spec::ContainerConfig& config);

/// What a container with ids of its own cannot have.
Result<> check_user_namespace(const spec::HostConfig& host, const HostFacts& facts);

enum class ResourceUse { kCreate, kUpdate };

/// Memory, CPU, block I/O, pids, ulimits (F13). What the kernel cannot do is taken out of RESOURCES
/// and said in WARNINGS; what makes no sense is refused. An update may leave out what is set
/// already.
Result<> adjust_resources(spec::Resources& resources, const HostFacts& facts, ResourceUse use,
                          std::vector<std::string>& warnings);

/// Known names, no soft limit above the hard one.
Result<> check_ulimits(const std::vector<spec::Ulimit>& limits);

/// The restart policy makes sense and goes together with AutoRemove (F7).
Result<> check_restart_policy(const spec::RestartPolicy& policy, bool auto_remove);

/// The request's endpoints must fit the network mode.
Result<> check_networking(const spec::NetworkingConfig& networking, const spec::HostConfig& host);

/// HostConfig.SecurityOpt, understood.
struct SecurityOptions {
    /// kDefault: as the daemon is configured.
    enum class Seccomp { kDefault, kBuiltin, kUnconfined, kProfile };
    Seccomp seccomp = Seccomp::kDefault;
    /// The profile's JSON for kProfile.
    std::string profile{};
    /// Absent: as the daemon is configured.
    std::optional<bool> no_new_privileges{};
    /// systempaths=unconfined: nothing in /proc is masked or read-only.
    bool unconfined_paths = false;
    /// "unconfined" or a name; empty: as everybody.
    std::string apparmor_profile{};
    /// writable-cgroups: whether /sys/fs/cgroup may be written to. Absent: by privileged ones only.
    std::optional<bool> writable_cgroups{};
};
Result<SecurityOptions> parse_security_options(const std::vector<std::string>& options);

/// HostConfig.StorageOpt: how many bytes the container may write; 0 for any number. kInvalid for an
/// unknown option, in Docker's words.
Result<uint64_t> storage_limit(const spec::HostConfig& host);

/// The container's capabilities (G6): the default set or all of AVAILABLE, without what is dropped,
/// with what is added. kInvalid for a name that is none.
Result<sys::CapSet> resolve_capabilities(const spec::HostConfig& host, sys::CapSet available);

/// Whose network the container has: one of its own, the host's, or another container's.
enum class NetworkMode { kBridge, kHost, kNone, kContainer };
/// kNotImplemented for user-defined networks.
Result<NetworkMode> parse_network_mode(const std::string& mode);

}  // namespace gantry::engine
