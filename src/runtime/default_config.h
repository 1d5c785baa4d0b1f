#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "sys/capability.h"

namespace gantry::spec::oci {
struct Config;
struct Mount;
}  // namespace gantry::spec::oci

namespace gantry::runtime {

enum class Privilege { kDefault, kPrivileged };
enum class RootAccess { kReadWrite, kReadOnly };
enum class CgroupView {
    /// No cgroup mount.
    kNone,
    /// cgroup v2 or the v1 hierarchies of this host, whatever there is.
    kHost,
};

/// The choices that change the frame of a container's config.
struct ConfigOptions {
    Privilege privilege = Privilege::kDefault;
    RootAccess root = RootAccess::kReadWrite;
    bool terminal = false;
    CgroupView cgroup = CgroupView::kHost;
    /// Of /dev/shm, in bytes.
    int64_t shm_size = 67108864;
    /// Share the host's namespace instead of making one.
    bool host_pid = false;
    bool host_ipc = false;
    bool host_uts = false;
    bool host_network = false;
    bool host_cgroup = false;
    /// The highest group that the container's user namespace maps: who may ping.
    uint32_t last_gid = 2147483647;
};

/// What Docker gives every container (behaviours G6-G11, G14) with Gantry's additions to the masked
/// paths (security.md section 2): namespaces, mounts, devices, masked and read-only paths, default
/// sysctls, capabilities, cgroup device rules. The caller adds process.args, env, cwd, user, the
/// user's mounts, resources, hostname and the seccomp profile. Looks at the host: which devices
/// (privileged), which masked paths that depend on the number of processors, which cgroup
/// hierarchies, which capabilities the kernel knows.
Result<spec::oci::Config> default_config(const ConfigOptions& options);

/// The two lists alone, for HostConfig.MaskedPaths and ReadonlyPaths in inspect.
std::vector<std::string> default_masked_paths();
std::vector<std::string> default_readonly_paths();

/// The mount of a --tmpfs PATH with OPTIONS ("" for the defaults of G13, given options override by
/// name). kInvalid names an option that is not a tmpfs mount option.
Result<spec::oci::Mount> tmpfs_mount(const std::string& path, const std::string& options);

}  // namespace gantry::runtime
