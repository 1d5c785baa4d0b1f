#include "runtime/plan_builder.h"

#include <fmt/core.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "runtime/impl/mount_options.h"
#include "runtime/impl/process_plan.h"
#include "spec/oci/runtime.h"
#include "sys/namespace.h"

namespace gantry::runtime {

namespace {

using shim::StepKind;
using spec::oci::Config;

uint32_t flag_of(sys::Namespace kind) {
    return static_cast<uint32_t>(kind);
}

struct NamespaceKind {
    std::string_view name;
    sys::Namespace kind;
};

constexpr std::array kNamespaces = {
    NamespaceKind{"pid", sys::Namespace::kPid},
    NamespaceKind{"network", sys::Namespace::kNet},
    NamespaceKind{"mount", sys::Namespace::kMount},
    NamespaceKind{"ipc", sys::Namespace::kIpc},
    NamespaceKind{"uts", sys::Namespace::kUts},
    NamespaceKind{"cgroup", sys::Namespace::kCgroup},
};

/// Where a plan's descriptors end up in the shim.
struct FdNumbers {
    int root = -1;
    int netns = -1;
    /// Of the first of LaunchOptions::mounts.
    int mounts = -1;
};

FdNumbers fd_numbers(const LaunchOptions& options) {
    int next = shim::kFirstPlanFd + static_cast<int>(options.cgroup_tasks_fds.size()) +
               (options.cgroup_v2_fd >= 0 ? 1 : 0) + (options.oom_events_fd >= 0 ? 1 : 0);
    FdNumbers numbers;
    if (options.root_mount_fd >= 0) {
        numbers.root = next++;
    }
    if (options.netns_fd >= 0) {
        numbers.netns = next++;
    }
    numbers.mounts = next;
    return numbers;
}

bool makes_namespace(const Config& config, std::string_view type) {
    return std::ranges::any_of(config.linux.namespaces, [&](const spec::oci::Namespace& entry) {
        return entry.type == type && entry.path.empty();
    });
}

/// New namespaces by clone3, others by setns. The cgroup namespace comes after joining the cgroup,
/// which becomes its root.
Result<> add_namespaces(PlanWriter& plan, const Config& config, const FdNumbers& fds,
                        const LaunchOptions& options) {
    for (const spec::oci::Namespace& entry : config.linux.namespaces) {
        const auto* kind = std::ranges::find(kNamespaces, entry.type, &NamespaceKind::name);
        if (kind == kNamespaces.end()) {
            return fail(Kind::kNotImplemented,
                        fmt::format("{} namespaces are not supported", entry.type));
        }
        if (kind->kind == sys::Namespace::kNet && fds.netns >= 0) {
            continue;
        }
        if (entry.path.empty()) {
            if (kind->kind != sys::Namespace::kCgroup) {
                plan.header().clone_flags |= flag_of(kind->kind);
            }
        } else if (kind->kind == sys::Namespace::kPid) {
            plan.header().pid_namespace = plan.text(entry.path);
        } else if (kind->kind == sys::Namespace::kMount) {
            return fail(Kind::kNotImplemented, "joining a mount namespace is not supported");
        } else {
            plan.add(StepKind::kJoinNamespace, entry.path).flags = flag_of(kind->kind);
        }
    }
    if (!makes_namespace(config, "mount")) {
        return fail(Kind::kInvalid, "a container needs a mount namespace of its own");
    }
    if (fds.netns >= 0) {
        // ORDER: before /sys is mounted, which shows the network namespace of that moment.
        shim::Step& step = plan.add(StepKind::kJoinNamespace, "network namespace");
        step.fd = fds.netns;
        step.flags = flag_of(sys::Namespace::kNet);
    }
    if (!options.cgroup_tasks_fds.empty()) {
        plan.add(StepKind::kJoinCgroups);
    }
    if (makes_namespace(config, "cgroup")) {
        plan.add(StepKind::kUnshare, "cgroup").flags = flag_of(sys::Namespace::kCgroup);
    }
    return {};
}

Result<> add_root(PlanWriter& plan, const Config& config, const FdNumbers& fds) {
    // Docker: private, unless a volume wants to see the host's later mounts.
    const std::string& propagation = config.linux.rootfs_propagation;
    uint32_t flags = MS_PRIVATE | MS_REC;
    if (propagation == "slave" || propagation == "rslave") {
        flags = MS_SLAVE | MS_REC;
    } else if (propagation == "shared" || propagation == "rshared") {
        // The host sees mounts below the volumes; pivot_root needs only "/" itself private.
        flags = MS_SLAVE;
    } else if (!propagation.empty() && propagation != "private" && propagation != "rprivate") {
        return fail(Kind::kInvalid, fmt::format("unknown root propagation {:?}", propagation));
    }
    plan.add(StepKind::kPropagation).flags = flags;
    shim::Step& root = plan.add(StepKind::kAttachRoot, config.root.path);
    root.fd = fds.root;
    if (fds.root < 0 && !config.root.path.starts_with('/')) {
        return fail(Kind::kInvalid, "root.path must be absolute");
    }
    return {};
}

/// What may lie over files of /proc: what lxcfs gives (COMPAT: runc's list).
bool may_cover_proc(std::string_view path) {
    constexpr std::array<std::string_view, 11> kAllowed = {"/proc/cpuinfo",
                                                           "/proc/diskstats",
                                                           "/proc/meminfo",
                                                           "/proc/stat",
                                                           "/proc/swaps",
                                                           "/proc/uptime",
                                                           "/proc/loadavg",
                                                           "/proc/slabinfo",
                                                           "/proc/net/dev",
                                                           "/proc/sys/kernel/ns_last_pid",
                                                           "/proc/sys/crypto/fips_enabled"};
    return std::ranges::find(kAllowed, path) != kAllowed.end();
}

/// PATH without empty and "." parts; ".." is resolved as text, as the image cannot answer here.
std::string clean_path(std::string_view path) {
    std::vector<std::string_view> parts;
    while (!path.empty()) {
        const size_t slash = std::min(path.find('/'), path.size());
        const std::string_view part = path.substr(0, slash);
        path.remove_prefix(std::min(slash + 1, path.size()));
        if (part == "..") {
            if (!parts.empty()) {
                parts.pop_back();
            }
        } else if (!part.empty() && part != ".") {
            parts.push_back(part);
        }
    }
    std::string clean;
    for (const std::string_view part : parts) {
        clean.append("/").append(part);
    }
    return clean.empty() ? "/" : clean;
}

Result<> check_destination(const spec::oci::Mount& mount, const std::string& destination) {
    if (!mount.destination.starts_with('/') || destination == "/") {
        return fail(Kind::kInvalid,
                    fmt::format("invalid mount destination {:?}", mount.destination));
    }
    const bool in_proc = destination == "/proc" || destination.starts_with("/proc/");
    if (in_proc && mount.type != "proc" && !may_cover_proc(destination)) {
        return fail(Kind::kInvalid,
                    fmt::format("{:?} cannot be mounted because it is inside /proc", destination));
    }
    return {};
}

/// The descriptor of the prepared mount for DESTINATION; -1 without one.
int prepared_mount(const LaunchOptions& options, const FdNumbers& fds,
                   std::string_view destination) {
    const auto found = std::ranges::find(options.mounts, destination, &PreparedMount::destination);
    return found == options.mounts.end()
               ? -1
               : fds.mounts + static_cast<int>(found - options.mounts.begin());
}

/// PREPARED is the descriptor of a mount that takes the place of the source; -1 for none.
Result<> add_mount(PlanWriter& plan, const spec::oci::Mount& mount, int prepared) {
    const std::string destination = clean_path(mount.destination);
    GT_TRY(check_destination(mount, destination));
    const MountOptions options = parse_mount_options(mount.options);
    if (options.remount) {
        shim::Step& step = plan.add(StepKind::kRemount, destination);
        step.n[0] = static_cast<int64_t>(options.set);
        step.n[1] = static_cast<int64_t>(options.clear);
        return {};
    }
    if (options.bind || mount.type == "bind") {
        if (!options.data.empty()) {
            return fail(Kind::kInvalid,
                        fmt::format("invalid bind mount option {:?}", options.data));
        }
        shim::Step& step = plan.add(StepKind::kBind, destination, mount.source);
        step.flags = options.recursive ? shim::kBindRecursive : 0;
        if (prepared >= 0) {
            step.fd = prepared;
            step.flags |= shim::kBindDetached;
        }
        step.n[0] = static_cast<int64_t>(options.set);
        step.n[1] = static_cast<int64_t>(options.clear);
        step.n[2] = static_cast<int64_t>(options.propagation);
        step.n[3] = static_cast<int64_t>(options.set_all);
        return {};
    }
    if (mount.type.empty()) {
        return fail(Kind::kInvalid, fmt::format("mount {:?} has no type", destination));
    }
    std::string data = options.data;
    if (!mount.source.empty() && mount.type != "proc" && mount.type != "sysfs") {
        // What mountinfo shows, and the device of file systems that have one.
        data = "source=" + mount.source + (data.empty() ? "" : "," + data);
    }
    shim::Step& step = plan.add(StepKind::kMount, destination, mount.type, data);
    step.n[0] = static_cast<int64_t>(options.set | options.set_all);
    step.n[1] = static_cast<int64_t>(options.propagation);
    return {};
}

Result<> add_device(PlanWriter& plan, const spec::oci::Device& device) {
    mode_t type = 0;
    if (device.type == "c" || device.type == "u") {
        type = S_IFCHR;
    } else if (device.type == "b") {
        type = S_IFBLK;
    } else if (device.type == "p") {
        type = S_IFIFO;
    } else {
        return fail(Kind::kInvalid,
                    fmt::format("unknown type {:?} of device {}", device.type, device.path));
    }
    shim::Step& step = plan.add(StepKind::kDevice, clean_path(device.path));
    step.n[0] = static_cast<int64_t>(type | (device.file_mode.value_or(0666) & 07777));
    step.n[1] = static_cast<int64_t>(
        makedev(static_cast<unsigned>(device.major), static_cast<unsigned>(device.minor)));
    step.n[2] = device.uid.value_or(0);
    step.n[3] = device.gid.value_or(0);
    return {};
}

/// The links that every container has in a /dev of its own.
void add_device_links(PlanWriter& plan) {
    constexpr std::array<std::array<std::string_view, 2>, 5> kLinks = {{
        {"/dev/fd", "/proc/self/fd"},
        {"/dev/stdin", "/proc/self/fd/0"},
        {"/dev/stdout", "/proc/self/fd/1"},
        {"/dev/stderr", "/proc/self/fd/2"},
        {"/dev/ptmx", "pts/ptmx"},
    }};
    for (const auto& [link, target] : kLinks) {
        plan.add(StepKind::kSymlink, link, target);
    }
}

Result<> add_files(PlanWriter& plan, const Config& config, const LaunchOptions& options,
                   const FdNumbers& fds) {
    bool own_dev = false;
    for (const spec::oci::Mount& mount : config.mounts) {
        GT_TRY(add_mount(plan, mount, prepared_mount(options, fds, mount.destination)));
        own_dev = own_dev || (mount.destination == "/dev" && mount.type == "tmpfs");
    }
    for (const spec::oci::Device& device : config.linux.devices) {
        GT_TRY(add_device(plan, device));
    }
    if (own_dev) {
        add_device_links(plan);
    }
    return {};
}

Result<> add_restrictions(PlanWriter& plan, const Config& config) {
    for (const auto& [name, value] : config.linux.sysctl) {
        std::string path = name;
        if (path.find('/') == std::string::npos) {
            std::ranges::replace(path, '.', '/');
        }
        plan.add(StepKind::kSysctl, path, value);
    }
    for (const std::string& path : config.linux.readonly_paths) {
        plan.add(StepKind::kReadonlyPath, path);
    }
    for (const std::string& path : config.linux.masked_paths) {
        plan.add(StepKind::kMask, path);
    }
    if (config.root.readonly) {
        plan.add(StepKind::kReadonlyRoot, "/");
    }
    if (!config.hostname.empty() || !config.domainname.empty()) {
        if (!makes_namespace(config, "uts")) {
            return fail(Kind::kInvalid, "unable to set hostname without a private UTS namespace");
        }
        if (!config.hostname.empty()) {
            plan.add(StepKind::kHostname, config.hostname);
        }
        if (!config.domainname.empty()) {
            plan.add(StepKind::kDomainname, config.domainname);
        }
    }
    return {};
}

Result<> check_supported(const Config& config) {
    if (!config.linux.uid_mappings.empty() || !config.linux.gid_mappings.empty()) {
        return fail(Kind::kNotImplemented, "user namespaces are not supported");
    }
    if (!config.linux.mount_label.empty()) {
        return fail(Kind::kNotImplemented, "SELinux labels are not supported");
    }
    return {};
}

void fill_header(PlanWriter& plan, const LaunchOptions& options) {
    shim::PlanHeader& header = plan.header();
    header.stdin_mode = static_cast<shim::StdinMode>(options.stdin_mode);
    header.tasks_fds = static_cast<uint32_t>(options.cgroup_tasks_fds.size());
    header.has_v2_fd = options.cgroup_v2_fd >= 0 ? 1 : 0;
    header.has_oom_fd = options.oom_events_fd >= 0 ? 1 : 0;
    header.fd_count = static_cast<uint32_t>(plan_fds(options).size());
    header.log_driver = static_cast<shim::LogDriver>(options.log.driver);
    header.log_max_size = options.log.max_size;
    header.log_max_files = options.log.max_files;
    header.log_path = plan.text(options.log.path);
    header.log_attrs = plan.text(options.log.attrs);
    header.container_dir = plan.text(options.container_dir);
    header.fsync_exit = options.exit_record == Durability::kFsync ? 1 : 0;
}

}  // namespace

std::vector<int> plan_fds(const LaunchOptions& options) {
    std::vector<int> fds = options.cgroup_tasks_fds;
    // The order of fd_numbers().
    for (const int fd :
         {options.cgroup_v2_fd, options.oom_events_fd, options.root_mount_fd, options.netns_fd}) {
        if (fd >= 0) {
            fds.push_back(fd);
        }
    }
    for (const PreparedMount& mount : options.mounts) {
        fds.push_back(mount.fd);
    }
    return fds;
}

Result<std::string> build_container_plan(const Config& config, const LaunchOptions& options,
                                         const SeccompProgram& seccomp) {
    GT_TRY(check_supported(config));
    PlanWriter plan;
    const FdNumbers fds = fd_numbers(options);
    fill_header(plan, options);
    add_oom_score(plan, config.process);
    GT_TRY(add_namespaces(plan, config, fds, options));
    GT_TRY(add_root(plan, config, fds));
    if (!config.linux.sysctl.empty()) {
        plan.add(StepKind::kPrivateProc, "proc");
    }
    GT_TRY(add_files(plan, config, options, fds));
    add_terminal(plan, config.process, ProcessRole::kContainer);
    plan.add(StepKind::kDirectory, clean_path(config.process.cwd)).n[0] = 0755;
    GT_TRY(add_restrictions(plan, config));
    plan.add(StepKind::kPivotRoot, "/");
    GT_TRY(add_process_steps(plan, config.process, seccomp, ProcessRole::kContainer));
    return plan.finish();
}

Result<std::string> build_exec_plan(const spec::oci::Process& process, StdinMode stdin_mode,
                                    const SeccompProgram& seccomp) {
    PlanWriter plan;
    plan.header().stdin_mode = static_cast<shim::StdinMode>(stdin_mode);
    add_oom_score(plan, process);
    plan.add(StepKind::kJoinCgroups);
    plan.add(StepKind::kJoinContainer, "container").flags =
        flag_of(sys::Namespace::kMount) | flag_of(sys::Namespace::kPid) |
        flag_of(sys::Namespace::kNet) | flag_of(sys::Namespace::kIpc) |
        flag_of(sys::Namespace::kUts) | flag_of(sys::Namespace::kCgroup);
    add_terminal(plan, process, ProcessRole::kExec);
    plan.add(StepKind::kEnterPidNamespace);
    GT_TRY(add_process_steps(plan, process, seccomp, ProcessRole::kExec));
    return plan.finish();
}

}  // namespace gantry::runtime
