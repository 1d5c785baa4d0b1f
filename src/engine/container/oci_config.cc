#include "engine/container/oci_config.h"

#include <fmt/core.h>
#include <linux/fs.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "base/text.h"
#include "engine/container/apparmor.h"
#include "engine/container/cdi.h"
#include "engine/container/config_merge.h"
#include "engine/container/devices.h"
#include "engine/container/host_check.h"
#include "engine/container/hosts_files.h"
#include "engine/container/mount_plan.h"
#include "runtime/default_config.h"
#include "spec/seccomp_profile.h"
#include "sys/capability.h"

namespace gantry::engine {

namespace {

using spec::oci::Config;
using spec::oci::Mount;
using spec::oci::Process;

/// Where gantry-init is in a container (G16).
constexpr std::string_view kInitInContainer = "/sbin/docker-init";

runtime::ConfigOptions frame_options(const ContainerRecord& record, NetworkMode network) {
    const spec::HostConfig& host = record.host;
    return {
        .privilege =
            host.privileged ? runtime::Privilege::kPrivileged : runtime::Privilege::kDefault,
        .root =
            host.readonly_rootfs ? runtime::RootAccess::kReadOnly : runtime::RootAccess::kReadWrite,
        .terminal = record.config.tty,
        .cgroup = runtime::CgroupView::kHost,
        .shm_size = host.shm_size,
        .host_pid = host.pid_mode == "host",
        .host_ipc = host.ipc_mode == "host",
        .host_uts = host.uts_mode == "host",
        .host_network = network == NetworkMode::kHost,
        .host_cgroup = host.cgroupns_mode == "host",
    };
}

spec::oci::Capabilities capabilities_of(sys::CapSet set) {
    const std::vector<std::string> names = sys::capability_names(set);
    // SAFETY: nothing inheritable and nothing ambient (S25): a program that runs as another user
    // has none of them, whatever its file says.
    return {.bounding = names,
            .effective = names,
            .inheritable = {},
            .permitted = names,
            .ambient = {}};
}

uint64_t limit_value(int64_t value) {
    return value < 0 ? std::numeric_limits<uint64_t>::max() : static_cast<uint64_t>(value);
}

std::vector<spec::oci::Rlimit> rlimits_of(const ContainerRecord& record) {
    std::vector<spec::oci::Rlimit> limits;
    for (const spec::Ulimit& limit : record.host.resources.ulimits) {
        limits.push_back({.type = "RLIMIT_" + to_upper(limit.name),
                          .hard = limit_value(limit.hard),
                          .soft = limit_value(limit.soft)});
    }
    return limits;
}

spec::oci::User user_of(const sys::UserIds& user) {
    return {.uid = user.uid,
            .gid = user.gid,
            .umask = {},
            .additional_gids = {user.additional_gids.begin(), user.additional_gids.end()}};
}

Result<> fill_process(Process& process, const ContainerRecord& record, const sys::UserIds& user,
                      const SecurityDefaults& defaults) {
    const spec::ContainerConfig& config = record.config;
    process.terminal = config.tty;
    if (config.tty && record.host.console_size[0] != 0 && record.host.console_size[1] != 0) {
        process.console_size = {.height = record.host.console_size[0],
                                .width = record.host.console_size[1]};
    }
    process.args = command_line(config);
    if (record.host.init.value_or(false)) {
        const std::vector<std::string> init = {std::string(kInitInContainer), "--"};
        process.args.insert(process.args.begin(), init.begin(), init.end());
    }
    process.env = process_env(config, effective_hostname(record));
    process.cwd = config.working_dir.empty() ? "/" : config.working_dir;
    if (record.host.oom_score_adj != 0) {
        process.oom_score_adj = record.host.oom_score_adj;
    }
    GT_TRY_VAR(common, make_exec_process(record, user, ExecPrivilege::kContainer, defaults));
    process.user = std::move(common.user);
    process.capabilities = std::move(common.capabilities);
    process.rlimits = std::move(common.rlimits);
    process.no_new_privileges = common.no_new_privileges;
    const bool has_home = std::any_of(process.env.begin(), process.env.end(),
                                      [](const auto& entry) { return entry.starts_with("HOME="); });
    if (!has_home) {
        process.env.push_back("HOME=" + user.home);
    }
    return {};
}

Mount bind_mount(const PlannedMount& plan, const OciPaths& paths) {
    const bool recursive = plan.recursion == PlannedMount::Recursion::kRecursive;
    Mount mount{.destination = plan.target, .type = "bind", .source = plan.source, .options = {}};
    mount.options = {recursive ? "rbind" : "bind", bind_propagation(plan, paths.data_root)};
    if (plan.read_only) {
        const bool all =
            recursive && plan.read_only_recursion == PlannedMount::Recursion::kRecursive;
        mount.options.emplace_back(all ? "rro" : "ro");
    }
    return mount;
}

/// A volume, or an image, which comes with the launch as a part of a volume does.
Mount data_mount(const PlannedMount& plan, const OciPaths& paths) {
    Mount mount{.destination = plan.target, .type = "bind", .source = {}, .options = {}};
    if (plan.type == PlannedMount::Type::kVolume) {
        mount.source = fmt::format("{}/volumes/{}/_data", paths.data_root, plan.volume.str());
    }
    mount.options = {"rbind", "rprivate", plan.read_only ? "ro" : "rw"};
    return mount;
}

Mount host_file(const OciPaths& paths, std::string_view name, const spec::HostConfig& host) {
    return {.destination = fmt::format("/etc/{}", name),
            .type = "bind",
            .source = fmt::format("{}/{}", paths.network_files, name),
            .options = {"rbind", "rprivate", host.readonly_rootfs ? "ro" : "rw"}};
}

/// What the propagation of the user's binds needs of the root: a mount can only pass on what its
/// parent receives.
std::string_view root_propagation(const std::vector<PlannedMount>& plans) {
    std::string_view wanted;
    for (const PlannedMount& plan : plans) {
        if (plan.propagation.ends_with("shared")) {
            return "rshared";
        }
        if (plan.propagation.ends_with("slave")) {
            wanted = "rslave";
        }
    }
    return wanted;
}

Result<> add_mounts(Config& config, const ContainerRecord& record, const OciPaths& paths) {
    const std::vector<PlannedMount>& plans = record.mounts;
    const auto is_planned = [&plans](std::string_view target) {
        return std::any_of(plans.begin(), plans.end(),
                           [target](const PlannedMount& plan) { return plan.target == target; });
    };
    // What the user mounts himself takes the place of ours.
    std::erase_if(config.mounts, [&](const Mount& mount) {
        return is_planned(mount.destination) ||
               (record.host.ipc_mode == "none" && mount.destination == kShmInContainer);
    });
    if (!paths.ipc_namespace.empty()) {
        for (Mount& mount : config.mounts) {
            if (mount.destination == kShmInContainer) {
                mount = {std::string(kShmInContainer), "bind", "", {}};
            }
        }
    }
    for (const std::string_view file : {"resolv.conf", "hostname", "hosts"}) {
        if (!is_planned(fmt::format("/etc/{}", file))) {
            config.mounts.push_back(host_file(paths, file, record.host));
        }
    }
    if (record.host.init.value_or(false)) {
        config.mounts.push_back({.destination = std::string(kInitInContainer),
                                 .type = "bind",
                                 .source = paths.init_path,
                                 .options = {"bind", "rprivate", "ro"}});
    }
    for (const PlannedMount& plan : plans) {
        if (plan.type == PlannedMount::Type::kTmpfs) {
            GT_TRY_VAR(mount, runtime::tmpfs_mount(plan.target, plan.tmpfs_options));
            config.mounts.push_back(std::move(mount));
            continue;
        }
        config.mounts.push_back(plan.type == PlannedMount::Type::kBind ? bind_mount(plan, paths)
                                                                       : data_mount(plan, paths));
    }
    config.linux.rootfs_propagation = root_propagation(plans);
    return {};
}

void join_namespaces(Config& config, const OciPaths& paths) {
    for (spec::oci::Namespace& entry : config.linux.namespaces) {
        if (entry.type == "pid") {
            entry.path = paths.pid_namespace;
        } else if (entry.type == "ipc") {
            entry.path = paths.ipc_namespace;
        }
    }
}

void set_paths(Config& config, const spec::HostConfig& host) {
    // The runtime's own lists know this machine's processors; they stay unless the user's differ.
    if (host.masked_paths && *host.masked_paths != runtime::default_masked_paths()) {
        config.linux.masked_paths = *host.masked_paths;
    }
    if (host.readonly_paths && *host.readonly_paths != runtime::default_readonly_paths()) {
        config.linux.readonly_paths = *host.readonly_paths;
    }
}

/// /sys/fs/cgroup and what is mounted below it.
void set_cgroup_access(std::vector<Mount>& mounts, bool writable) {
    const auto is_cgroup = [](const Mount& mount) {
        return mount.destination.starts_with("/sys/fs/cgroup");
    };
    if (writable) {
        // Under cgroup v1, what makes the directory of the mounts read-only at the end.
        std::erase_if(mounts, [&](const Mount& mount) {
            return is_cgroup(mount) &&
                   std::ranges::find(mount.options, "remount") != mount.options.end();
        });
    }
    for (Mount& mount : mounts) {
        if (is_cgroup(mount)) {
            std::erase(mount.options, "ro");
            if (!writable && mount.type.starts_with("cgroup")) {
                mount.options.emplace_back("ro");
            }
        }
    }
}

/// The host's cgroups cannot be mounted from another user namespace: the container sees its own
/// group, as in Docker.
void bind_cgroups(Config& config, const OciPaths& paths, bool host_cgroup) {
    const auto bind = [&](Mount& mount, const std::string& mount_point) {
        mount.type = "bind";
        mount.source = mount_point + paths.cgroup_path;
        mount.options = {"bind", "rprivate", "ro", "nosuid", "nodev", "noexec"};
    };
    for (Mount& mount : config.mounts) {
        if (mount.type == "cgroup2" && host_cgroup) {
            bind(mount, paths.cgroups->v2_mount_point);
        }
        for (const sys::CgroupHierarchy& hierarchy : paths.cgroups->v1) {
            std::string name = join(hierarchy.controllers, ",");
            name = name.starts_with("name=") ? name.substr(5) : name;
            if (mount.type == "cgroup" && mount.destination == "/sys/fs/cgroup/" + name) {
                bind(mount, hierarchy.mount_point);
            }
        }
    }
}

/// The part of a container's config that says which user namespace it has.
void add_user_namespace(spec::oci::Linux& linux, const IdMap& map) {
    const auto mappings = [](const std::vector<sys::IdRange>& ranges) {
        std::vector<spec::oci::IdMapping> list;
        for (const sys::IdRange& range : ranges) {
            list.push_back(
                {.container_id = range.inside, .host_id = range.outside, .size = range.count});
        }
        return list;
    };
    linux.namespaces.push_back({.type = "user", .path = {}});
    linux.uid_mappings = mappings(map.uids);
    linux.gid_mappings = mappings(map.gids);
}

}  // namespace

std::optional<spec::oci::Linux> exec_namespaces(const IdMap* map) {
    if (map == nullptr) {
        return std::nullopt;
    }
    spec::oci::Linux linux;
    add_user_namespace(linux, *map);
    return linux;
}

std::string bind_propagation(const PlannedMount& plan, const std::string& data_root) {
    if (!plan.propagation.empty()) {
        return plan.propagation;
    }
    // A bind of our own tree sees later mounts there without keeping them busy.
    const bool below_us = plan.source == data_root || plan.source.starts_with(data_root + "/") ||
                          data_root.starts_with(plan.source == "/" ? "/" : plan.source + "/");
    return below_us ? "rslave" : "rprivate";
}

Result<Process> make_exec_process(const ContainerRecord& record, const sys::UserIds& user,
                                  ExecPrivilege privilege, const SecurityDefaults& defaults) {
    Process process;
    process.user = user_of(user);
    process.rlimits = rlimits_of(record);
    GT_TRY_VAR(bounding, sys::bounding_set());
    GT_TRY_VAR(capabilities, resolve_capabilities(record.host, bounding));
    process.capabilities =
        capabilities_of(privilege == ExecPrivilege::kAll ? bounding : capabilities);
    GT_TRY_VAR(security, parse_security_options(record.host.security_opt));
    process.no_new_privileges = security.no_new_privileges.value_or(defaults.no_new_privileges);
    if (privilege == ExecPrivilege::kContainer) {
        process.apparmor_profile = confinement(record);
    }
    return process;
}

namespace {

/// Whether the container's root could leave the project that its limit is about.
bool must_keep_project(const ContainerRecord& record) {
    const auto limit = storage_limit(record.host);
    return !record.host.privileged && limit && *limit > 0;
}

/// FS_IOC_FSSETXATTR, which gives files to another project. The kernel looks at half of the number.
spec::oci::SeccompRule no_change_of_project() {
    constexpr uint64_t kCommand = FS_IOC_FSSETXATTR;
    return {
        .names = {"ioctl"},
        .action = "SCMP_ACT_ERRNO",
        .errno_ret = EPERM,
        .args = {
            {.index = 1, .value = 0xffffffff, .value_two = kCommand, .op = "SCMP_CMP_MASKED_EQ"}}};
}

Result<std::optional<spec::oci::Seccomp>> chosen_profile(const ContainerRecord& record,
                                                         const SecurityDefaults& defaults) {
    GT_TRY_VAR(security, parse_security_options(record.host.security_opt));
    if (security.seccomp == SecurityOptions::Seccomp::kDefault) {
        // COMPAT: a privileged container has no filter but the one that it asks for.
        const std::string& profile = defaults.seccomp_profile;
        GT_TRY_VAR(chosen, parse_security_options(
                               {"seccomp=" +
                                (record.host.privileged ? std::string("unconfined") : profile)}));
        security = std::move(chosen);
    }
    if (security.seccomp == SecurityOptions::Seccomp::kUnconfined) {
        return std::optional<spec::oci::Seccomp>();
    }
    GT_TRY_VAR(bounding, sys::bounding_set());
    GT_TRY_VAR(capabilities, resolve_capabilities(record.host, bounding));
    utsname system{};
    if (uname(&system) < 0) {
        return fail_errno("uname");
    }
    const spec::SeccompContext context{.machine = system.machine,
                                       .capabilities = sys::capability_names(capabilities),
                                       .kernel = spec::parse_kernel_version(system.release)};
    if (security.seccomp == SecurityOptions::Seccomp::kBuiltin) {
        return std::optional(spec::default_seccomp_profile(context));
    }
    GT_TRY_VAR(profile, spec::parse_seccomp_profile(security.profile, context));
    return std::optional(std::move(profile));
}

}  // namespace

Result<std::optional<spec::oci::Seccomp>> make_seccomp(const ContainerRecord& record,
                                                       const SecurityDefaults& defaults) {
    GT_TRY_VAR(profile, chosen_profile(record, defaults));
    if (profile && must_keep_project(record)) {
        profile->syscalls.insert(profile->syscalls.begin(), no_change_of_project());
    }
    return profile;
}

Result<Config> make_oci_config(const ContainerRecord& record, const sys::UserIds& user,
                               const OciPaths& paths, const SecurityDefaults& defaults) {
    GT_TRY_VAR(network, parse_network_mode(record.host.network_mode));
    GT_TRY_VAR(config, runtime::default_config(frame_options(record, network)));
    join_namespaces(config, paths);
    GT_TRY_VAR(security, parse_security_options(record.host.security_opt));
    if (security.writable_cgroups && *security.writable_cgroups != record.host.privileged) {
        set_cgroup_access(config.mounts, *security.writable_cgroups);
    }
    if (paths.id_map != nullptr) {
        add_user_namespace(config.linux, *paths.id_map);
        bind_cgroups(config, paths, record.host.cgroupns_mode == "host");
    }
    GT_TRY(fill_process(config.process, record, user, defaults));
    config.process.apparmor_profile = confinement(record);
    GT_TRY(add_mounts(config, record, paths));
    GT_TRY_VAR(devices, grant_devices(record.host.resources));
    for (spec::oci::Device& device : devices.nodes) {
        // A privileged container has the device already, under the same name.
        std::erase_if(config.linux.devices,
                      [&device](const auto& other) { return other.path == device.path; });
        config.linux.devices.push_back(std::move(device));
    }
    GT_TRY_VAR(requested,
               find_requested_devices(record.host.resources.device_requests, paths.cdi_spec_dirs));
    add_requested_devices(config, requested);
    set_paths(config, record.host);
    if (record.host.uts_mode != "host") {
        config.hostname = record.config.hostname;
        config.domainname = record.config.domainname;
    }
    // The sandbox has Docker's own already; writing them again would take a procfs for that.
    config.linux.sysctl.clear();
    for (const auto& [name, value] : record.host.sysctls) {
        config.linux.sysctl[name] = value;
    }
    // SAFETY: only the user's annotations; an image's labels never get here (S22).
    config.annotations = record.host.annotations;
    GT_TRY_VAR(seccomp, make_seccomp(record, defaults));
    config.linux.seccomp = std::move(seccomp);
    return std::move(config);
}

}  // namespace gantry::engine
