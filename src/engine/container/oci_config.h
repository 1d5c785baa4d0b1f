#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "engine/container/container_settings.h"
#include "engine/container/record.h"
#include "spec/oci/runtime.h"
#include "sys/cgroup_layout.h"
#include "sys/user_db.h"

namespace gantry::engine {

/// Where on the host the parts of a container's config are.
struct OciPaths {
    /// hosts, hostname and resolv.conf are mounted from this directory.
    std::string network_files;
    /// gantry-init, for HostConfig.Init.
    std::string init_path;
    /// Binds from below it do not propagate back (I5).
    std::string data_root;
    /// Those of other containers to join; "" for none.
    std::string pid_namespace;
    std::string ipc_namespace;
    /// The user namespace's; null without one.
    const IdMap* id_map = nullptr;
    /// The container's group in them.
    const sys::CgroupLayout* cgroups = nullptr;
    std::string cgroup_path{};
    std::vector<std::string> cdi_spec_dirs{};
};

/// With another's ipc_namespace its mount of this comes with the launch
/// (runtime::LaunchOptions::mounts).
inline constexpr std::string_view kShmInContainer = "/dev/shm";

/// The OCI config of a container's start: Docker's frame (runtime/default_config.h) filled with
/// what the record says and who USER turned out to be. Resources are the cgroup's business, see
/// cgroup_limits().
Result<spec::oci::Config> make_oci_config(const ContainerRecord& record, const sys::UserIds& user,
                                          const OciPaths& paths, const SecurityDefaults& defaults);

/// What an exec needs to know of the user namespace of its container, whose ids are MAP; empty for
/// null.
std::optional<spec::oci::Linux> exec_namespaces(const IdMap* map);

/// Whether an exec has its container's capabilities or all there are (exec --privileged).
enum class ExecPrivilege { kContainer, kAll };

/// What an exec has in common with its container: capabilities, limits, no_new_privileges.
Result<spec::oci::Process> make_exec_process(const ContainerRecord& record,
                                             const sys::UserIds& user, ExecPrivilege privilege,
                                             const SecurityDefaults& defaults);

/// The container's seccomp filter; absent when it has none.
Result<std::optional<spec::oci::Seccomp>> make_seccomp(const ContainerRecord& record,
                                                       const SecurityDefaults& defaults);

/// How a bind's mounts travel: as its plan says, else by its source.
std::string bind_propagation(const PlannedMount& plan, const std::string& data_root);

}  // namespace gantry::engine
