#include "runtime/plan_builder.h"

#include <fmt/core.h>
#include <linux/mount.h>
#include <sched.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "runtime/impl/build_context.h"
#include "runtime/impl/plan_header.h"
#include "runtime/impl/process_plan.h"
#include "spec/oci/runtime.h"
#include "sys/namespace.h"

namespace gantry::runtime {

namespace {

using shim::StepKind;
using spec::oci::Config;

/// Docker: private, unless a volume wants to see the host's later mounts.
Result<uint32_t> propagation_flags(const std::string& propagation) {
    if (propagation.empty() || propagation == "private" || propagation == "rprivate" ||
        propagation == "unbindable" || propagation == "runbindable") {
        return MS_PRIVATE | MS_REC;
    }
    if (propagation == "slave" || propagation == "rslave") {
        return MS_SLAVE | MS_REC;
    }
    if (propagation == "shared" || propagation == "rshared") {
        // The host sees mounts below the volumes; pivot_root needs only "/" itself private.
        return MS_SLAVE;
    }
    return fail(Kind::kInvalid, fmt::format("unknown root propagation {:?}", propagation));
}

Result<> add_root(BuildContext& context) {
    const Config& config = context.config;
    GT_TRY_VAR(flags, propagation_flags(config.linux.rootfs_propagation));
    if (context.root < 0 && !config.root.path.starts_with('/')) {
        return fail(Kind::kInvalid, "root.path must be absolute");
    }
    if (!has_namespace(config.linux, "mount")) {
        context.plan.add(StepKind::kAttachRoot, config.root.path).flags = shim::kRootInPlace;
        return {};
    }
    context.plan.add(StepKind::kPropagation).flags = flags;
    shim::Step& root = context.plan.add(StepKind::kAttachRoot, config.root.path);
    root.fd = context.root;
    if (context.root < 0 && context.open_early) {
        root.flags = shim::kBindSlot;
        root.slot = context.root_slot;
    }
    return {};
}

/// Shared or unbindable at the end, when nothing else has to be mounted.
void add_final_propagation(BuildContext& context) {
    const std::string& propagation = context.config.linux.rootfs_propagation;
    if (context.stage == nullptr || !has_namespace(context.config.linux, "mount")) {
        return;
    }
    if (propagation == "shared" || propagation == "rshared") {
        context.plan.add(StepKind::kPropagation).flags = MS_SHARED;
    } else if (propagation == "unbindable" || propagation == "runbindable") {
        context.plan.add(StepKind::kPropagation).flags = MS_UNBINDABLE;
    }
}

Result<> add_restrictions(PlanWriter& plan, const Config& config) {
    for (const auto& [name, value] : config.linux.sysctl) {
        std::string path = name;
        if (path.find('/') == std::string::npos) {
            std::ranges::replace(path, '.', '/');
        }
        plan.add(StepKind::kSysctl, path, value);
    }
    if (std::ranges::any_of(config.mounts, is_readonly_dev)) {
        plan.add(StepKind::kRemount, "/dev").n[0] = MOUNT_ATTR_RDONLY;
    }
    for (const std::string& path : config.linux.readonly_paths) {
        plan.add(StepKind::kReadonlyPath, path);
    }
    std::set<std::string_view> masked;
    for (const std::string& path : config.linux.masked_paths) {
        if (masked.insert(path).second) {
            plan.add(StepKind::kMask, path);
        }
    }
    if (config.root.readonly) {
        plan.add(StepKind::kReadonlyRoot, "/");
    }
    if (!config.hostname.empty() || !config.domainname.empty()) {
        if (!has_namespace(config.linux, "uts")) {
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

Result<> check_supported(const Config& config, const StageOptions* stage) {
    if (!config.linux.mount_label.empty()) {
        return fail(Kind::kNotImplemented, "SELinux labels are not supported");
    }
    if (config.linux.intel_rdt) {
        return fail(Kind::kNotImplemented, "intelRdt is not supported");
    }
    if (stage == nullptr && config.linux.seccomp && !config.linux.seccomp->listener_path.empty()) {
        return fail(Kind::kNotImplemented, "seccomp listeners are not supported");
    }
    const spec::oci::Hooks& hooks = config.hooks;
    if (stage == nullptr && (!hooks.prestart.empty() || !hooks.create_runtime.empty() ||
                             !hooks.create_container.empty() || !hooks.start_container.empty())) {
        return fail(Kind::kNotImplemented, "hooks are not supported");
    }
    return {};
}

/// The parent's hooks, then those in the container's namespaces with the host's files.
Result<> add_create_hooks(BuildContext& context) {
    const spec::oci::Hooks& hooks = context.config.hooks;
    if (context.stage == nullptr) {
        return {};
    }
    if (!hooks.prestart.empty() || !hooks.create_runtime.empty()) {
        context.plan.add(StepKind::kRendezvous);
    }
    if (!hooks.create_container.empty()) {
        const StageOptions::HookInput& input = context.stage->create_hooks;
        context.plan.add(StepKind::kHookState, input.before_pid, input.after_pid);
    }
    return add_hooks(context.plan, hooks.create_container);
}

}  // namespace

void fill_header(PlanWriter& plan, const LaunchOptions& options) {
    shim::PlanHeader& header = plan.header();
    header.stdin_mode = static_cast<shim::StdinMode>(options.stdin_mode);
    header.tasks_fds = static_cast<uint32_t>(options.cgroup_tasks_fds.size());
    header.has_v2_fd = options.cgroup_v2_fd >= 0 ? 1 : 0;
    header.has_oom_fd = options.oom_events_fd >= 0 ? 1 : 0;
    header.fd_count = static_cast<uint32_t>(plan_fds(options).size());
    header.log_format = static_cast<shim::LogFormat>(options.log.format);
    header.log_max_size = options.log.max_size;
    header.log_max_files = options.log.max_files;
    header.log_path = plan.text(options.log.path);
    header.log_attrs = plan.text(options.log.attrs);
    header.log_peer = static_cast<shim::LogPeerKind>(options.log.peer);
    header.has_log_fd = options.log.peer_fd >= 0 ? 1 : 0;
    header.log_stream_socket = options.log.peer_is_stream ? 1 : 0;
    header.log_facility = options.log.syslog_facility;
    header.log_buffer = options.log.peer_buffer;
    header.log_utc_offset = options.log.utc_offset;
    header.log_address = plan.text(options.log.peer_address);
    header.log_head = plan.text(options.log.peer_head);
    header.log_tag = plan.text(options.log.peer_tag);
    header.container_dir = plan.text(options.container_dir);
    header.fsync_exit = options.exit_record == Durability::kFsync ? 1 : 0;
}

namespace {

Result<> add_setup(BuildContext& context) {
    const Config& config = context.config;
    PlanWriter& plan = context.plan;
    GT_TRY(add_root(context));
    if (!config.linux.sysctl.empty()) {
        plan.add(StepKind::kPrivateProc, "proc");
    }
    GT_TRY(add_files(context));
    add_terminal(plan, config.process, ProcessRole::kContainer);
    plan.add(StepKind::kDirectory, clean_path(config.process.cwd)).n[0] = 0755;
    GT_TRY(add_create_hooks(context));
    GT_TRY(add_restrictions(plan, config));
    add_security_label(plan, config.process);
    const bool pivot = context.stage == nullptr ||
                       (context.stage->pivot_root && has_namespace(config.linux, "mount"));
    plan.add(StepKind::kPivotRoot, "/").flags = pivot ? 0 : shim::kChroot;
    add_final_propagation(context);
    return {};
}

}  // namespace

BuildContext::BuildContext(const Config& container, const LaunchOptions& launch,
                           const StageOptions* by_stage)
    : config(container), options(launch), stage(by_stage) {
    user_namespace = has_user_namespace(config.linux);
    open_early = user_namespace && (stage == nullptr || !stage->rootless);
    birth = stage != nullptr || user_namespace || !options.idmap_fds.empty() ||
            makes_namespace(config, "time");
    const int first = stage != nullptr ? stage->first_fd : shim::kFirstPlanFd;
    int next = first + static_cast<int>(options.cgroup_tasks_fds.size());
    auto number = [&](int fd) { return fd >= 0 ? next++ : -1; };
    v2_dir = number(options.cgroup_v2_fd);
    (void)number(options.oom_events_fd);
    root = number(options.root_mount_fd);
    netns = number(options.netns_fd);
    userns = number(options.userns_fd);
    mounts = next;
    idmaps = next + static_cast<int>(options.mounts.size());
}

std::vector<int> plan_fds(const LaunchOptions& options) {
    std::vector<int> fds = options.cgroup_tasks_fds;
    // The order of BuildContext's numbers.
    for (const int fd : {options.cgroup_v2_fd, options.oom_events_fd, options.root_mount_fd,
                         options.netns_fd, options.userns_fd}) {
        if (fd >= 0) {
            fds.push_back(fd);
        }
    }
    for (const PreparedMount& mount : options.mounts) {
        fds.push_back(mount.fd);
    }
    fds.insert(fds.end(), options.idmap_fds.begin(), options.idmap_fds.end());
    // The shim looks for it at the end.
    if (options.log.peer_fd >= 0) {
        fds.push_back(options.log.peer_fd);
    }
    return fds;
}

Result<std::string> build_container_plan(const Config& config, const LaunchOptions& options,
                                         const SeccompProgram& seccomp, const StageOptions* stage) {
    GT_TRY(check_supported(config, stage));
    BuildContext context(config, options, stage);
    fill_header(context.plan, options);
    add_oom_score(context.plan, config.process);
    GT_TRY(add_namespaces(context));
    GT_TRY(add_setup(context));
    GT_TRY(add_process_steps(context.plan, config, config.process, seccomp,
                             {ProcessRole::kContainer, stage, context.user_namespace}));
    return context.plan.finish();
}

std::vector<int> exec_plan_fds(const ExecPlanOptions& options) {
    std::vector<int> fds = options.cgroup_tasks_fds;
    for (const int fd : {options.cgroup_v2_fd, options.init_pidfd}) {
        if (fd >= 0) {
            fds.push_back(fd);
        }
    }
    return fds;
}

Result<std::string> build_exec_plan(const spec::oci::Process& process,
                                    const SeccompProgram& seccomp, const ExecPlanOptions& options) {
    PlanWriter plan;
    const bool user = options.linux != nullptr && has_user_namespace(*options.linux);
    plan.header().stdin_mode = static_cast<shim::StdinMode>(options.stdin_mode);
    add_oom_score(plan, process);
    add_security_label(plan, process);
    if (user) {
        add_outer_stdio_owner(plan, *options.linux, process.user);
    }
    plan.add(StepKind::kJoinCgroups);
    shim::Step& join = plan.add(StepKind::kJoinContainer, "container");
    join.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                 CLONE_NEWCGROUP | (user ? CLONE_NEWUSER : 0);
    if (options.linux != nullptr && has_namespace(*options.linux, "time")) {
        join.flags |= static_cast<uint32_t>(sys::Namespace::kTime);
    }
    if (options.stage != nullptr) {
        plan.header().tasks_fds = static_cast<uint32_t>(options.cgroup_tasks_fds.size());
        plan.header().has_v2_fd = options.cgroup_v2_fd >= 0 ? 1 : 0;
        plan.header().fd_count = static_cast<uint32_t>(exec_plan_fds(options).size());
        join.fd = options.stage->first_fd + static_cast<int>(plan.header().fd_count) - 1;
    }
    const bool keep_groups = options.stage != nullptr && options.stage->rootless;
    if (user) {
        plan.add(StepKind::kBecomeRoot, "root").flags = keep_groups ? shim::kKeepGroups : 0;
    }
    add_terminal(plan, process, ProcessRole::kExec);
    plan.add(StepKind::kEnterPidNamespace);
    GT_TRY(
        add_process_steps(plan, {}, process, seccomp, {ProcessRole::kExec, options.stage, user}));
    return plan.finish();
}

}  // namespace gantry::runtime
