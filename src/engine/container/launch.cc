#include "engine/container/launch.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <utility>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/scope_guard.h"
#include "engine/container/cgroup_limits.h"
#include "engine/container/host_check.h"
#include "engine/container/hosts_files.h"
#include "engine/container/mount_plan.h"
#include "engine/container/oci_config.h"
#include "engine/container/ports.h"
#include "net/networks.h"
#include "store/snapshots.h"
#include "sys/files.h"
#include "sys/root_dir.h"
#include "sys/user_db.h"

namespace gantry::engine {

namespace {

constexpr std::chrono::milliseconds kCgroupPatience(2000);

/// The container's cgroup and the descriptors that lead into it.
struct PreparedCgroup {
    sys::Cgroup group;
    std::vector<UniqueFd> tasks;
    UniqueFd v2;
    UniqueFd oom_events;
};

Result<net::Sandbox> make_sandbox(ContainerCore& core, const ContainerSnapshot& snapshot,
                                  NetworkMode mode) {
    const ContainerRecord& record = *snapshot.record;
    net::SandboxRequest request;
    request.mode = mode == NetworkMode::kBridge && !record.config.network_disabled
                       ? net::SandboxMode::kBridge
                       : net::SandboxMode::kNone;
    request.container_name = snapshot.name;
    if (request.mode == net::SandboxMode::kBridge) {
        const auto address = sys::parse_ipv4(core.settings.default_publish_address);
        GT_TRY_VAR(ports, plan_ports(record.host, record.config, address.value_or(net::Ipv4{})));
        request.ports = std::move(ports);
        request.mac = sys::parse_mac(record.config.mac_address);
        for (const auto& [name, endpoint] : record.networking.endpoints_config) {
            if (!endpoint.mac_address.empty()) {
                request.mac = sys::parse_mac(endpoint.mac_address);
            }
        }
    }
    GT_FAILPOINT("container.start.network");
    return core.parts.networks.create_sandbox(record.id, request);
}

UniqueFd open_oom_events(const ContainerCore& core, const sys::Cgroup& group) {
    const sys::CgroupLayout& layout = core.cgroups.layout();
    std::string path;
    if (const sys::CgroupHierarchy* memory = layout.find_v1("memory")) {
        path = memory->mount_point + group.path() + "/memory.oom_control";
    } else if (layout.mode == sys::CgroupMode::kV2) {
        path = layout.v2_mount_point + group.path() + "/memory.events";
    } else {
        return UniqueFd();
    }
    // Without it a kill for want of memory looks like any other SIGKILL, and that is all.
    auto file = sys::open_file(AT_FDCWD, path.c_str(), O_RDONLY);
    return file ? std::move(*file) : UniqueFd();
}

Result<PreparedCgroup> make_cgroup(ContainerCore& core, const ContainerRecord& record) {
    GT_FAILPOINT("container.start.cgroup");
    std::vector<std::string> warnings;
    GT_TRY_VAR(limits, cgroup_limits(record.host));
    auto created =
        core.cgroups.create(core.settings.cgroup_parent, record.id.str(), limits, warnings);
    if (!created && created.error().kind() == Kind::kConflict) {
        // What a previous run could not remove. Its processes are dead or are killed now.
        const sys::Cgroup stale = core.cgroups.at(core.settings.cgroup_parent, record.id.str());
        GT_TRY(stale.kill_all());
        GT_TRY(stale.remove(kCgroupPatience));
        created =
            core.cgroups.create(core.settings.cgroup_parent, record.id.str(), limits, warnings);
    }
    GT_TRY_VAR(group, std::move(created));
    ScopeGuard undo([&group] { (void)group.remove(kCgroupPatience); });
    for (const std::string& warning : warnings) {
        log::warn(warning, {{"container", record.id.str()}});
    }
    GT_TRY_VAR(tasks, group.tasks_fds());
    GT_TRY_VAR(v2, group.v2_dir());
    undo.commit();
    UniqueFd oom = open_oom_events(core, group);
    return PreparedCgroup{.group = std::move(group),
                          .tasks = std::move(tasks),
                          .v2 = std::move(v2),
                          .oom_events = std::move(oom)};
}

Result<UniqueFd> mount_root(ContainerCore& core, const ContainerRecord& record) {
    GT_FAILPOINT("container.start.mount");
    const store::SnapshotMount options{
        .sync = record.ephemeral() ? store::UpperSync::kVolatile : store::UpperSync::kSynced,
        .access = store::Access::kReadWrite};
    return core.parts.snapshots.mount(record.id, options);
}

/// Who the process is, and the directory in which it begins, by what is in its root.
Result<sys::UserIds> look_into_root(const UniqueFd& root, const ContainerRecord& record) {
    GT_TRY_VAR(users, sys::read_user_db(root.get()));
    GT_TRY_VAR(user, sys::resolve_user(users, record.config.user, record.host.group_add));
    const std::string& directory = record.config.working_dir;
    if (!directory.empty() && directory != "/") {
        const int copy = fcntl(root.get(), F_DUPFD_CLOEXEC, 3);
        if (copy < 0) {
            return fail_errno("dup");
        }
        const sys::RootDir tree = sys::RootDir::from_fd(UniqueFd(copy));
        if (const auto made = tree.make_dirs(directory, 0755); !made) {
            return fail(Kind::kInvalid, fmt::format("cannot make the working directory {}: {}",
                                                    directory, made.error().text()));
        }
    }
    return std::move(user);
}

/// Everything that is ready before the shim is asked.
struct Prepared {
    net::Sandbox sandbox;
    UniqueFd root;
    PreparedCgroup cgroup;
    sys::UserIds user;
};

/// Undoes what the network has given out; its namespace goes with the descriptor.
void release_network(ContainerCore& core, const ContainerId& id) {
    if (const auto released = core.parts.networks.release(id); !released) {
        log::warn("cannot give back a container's network",
                  {{"container", id.str()}, {"error", released.error().text()}});
    }
}

/// The sandbox takes as long as all the rest: it is made beside it.
Result<Prepared> prepare(ContainerCore& core, const ContainerSnapshot& snapshot) {
    const ContainerRecord& record = *snapshot.record;
    GT_TRY_VAR(mode, parse_network_mode(record.host.network_mode));
    GT_TRY(check_bind_sources(record.host, SourceMaking::kAllow));
    Result<net::Sandbox> sandbox = net::Sandbox{};
    std::thread network;
    if (mode != NetworkMode::kHost) {
        network = std::thread([&] { sandbox = make_sandbox(core, snapshot, mode); });
    }
    auto root = mount_root(core, record);
    auto user = root ? look_into_root(*root, record)
                     : Result<sys::UserIds>(fail(Kind::kInternal, "no root file system"));
    auto cgroup = make_cgroup(core, record);
    if (network.joinable()) {
        network.join();
    }
    const std::optional<sys::Cgroup> group = cgroup ? std::optional(cgroup->group) : std::nullopt;
    ScopeGuard undo([&] {
        release_network(core, record.id);
        if (group) {
            (void)group->remove(kCgroupPatience);
        }
    });
    GT_TRY_VAR(ready_sandbox, std::move(sandbox));
    GT_TRY_VAR(ready_root, std::move(root));
    GT_TRY_VAR(ready_user, std::move(user));
    GT_TRY_VAR(ready_cgroup, std::move(cgroup));
    GT_TRY(write_host_files(core.container_dir(record.id), record, core.settings,
                            ready_sandbox.endpoint));
    undo.commit();
    return Prepared{.sandbox = std::move(ready_sandbox),
                    .root = std::move(ready_root),
                    .cgroup = std::move(ready_cgroup),
                    .user = std::move(ready_user)};
}

Result<runtime::LogOptions> log_options(const ContainerCore& core, const ContainerRecord& record) {
    runtime::LogOptions options;
    if (record.host.log_config.type == "none") {
        return options;
    }
    GT_TRY_VAR(json_file, parse_log_options(record.host.log_config));
    options.driver = runtime::LogOptions::Driver::kJsonFile;
    options.path = core.log_path(record.id);
    options.max_size = json_file.max_size;
    options.max_files = json_file.max_files;
    return options;
}

runtime::StdinMode stdin_mode(const spec::ContainerConfig& config) {
    if (!config.open_stdin) {
        return runtime::StdinMode::kNone;
    }
    return config.stdin_once ? runtime::StdinMode::kOnce : runtime::StdinMode::kOpen;
}

Result<runtime::LaunchOptions> launch_options(const ContainerCore& core,
                                              const ContainerRecord& record,
                                              const Prepared& prepared) {
    runtime::LaunchOptions options;
    options.id = record.id;
    options.shim_dir = core.shim_dir(record.id);
    options.container_dir = core.container_dir(record.id);
    options.root_mount_fd = prepared.root.get();
    options.netns_fd = prepared.sandbox.netns.get();
    for (const UniqueFd& fd : prepared.cgroup.tasks) {
        options.cgroup_tasks_fds.push_back(fd.get());
    }
    options.cgroup_v2_fd = prepared.cgroup.v2.get();
    options.oom_events_fd = prepared.cgroup.oom_events.get();
    options.stdin_mode = stdin_mode(record.config);
    options.exit_record =
        record.ephemeral() ? runtime::Durability::kNone : runtime::Durability::kFsync;
    GT_TRY_VAR(log, log_options(core, record));
    options.log = std::move(log);
    return options;
}

/// The exit record of the previous run would be taken for this one's.
Result<> forget_last_exit(const ContainerCore& core, const ContainerId& id) {
    const std::string path = core.container_dir(id) + "/exit";
    if (::unlink(path.c_str()) < 0 && errno != ENOENT) {
        return fail_errno("unlink " + path);
    }
    return {};
}

Result<Launched> launch_prepared(ContainerCore& core, const ContainerRecord& record,
                                 Prepared& prepared) {
    const OciPaths paths{.container_dir = core.container_dir(record.id),
                         .init_path = core.settings.init_path,
                         .data_root = core.settings.data_root};
    GT_TRY_VAR(config, make_oci_config(record, prepared.user, paths));
    GT_TRY(forget_last_exit(core, record.id));
    GT_TRY_VAR(options, launch_options(core, record, prepared));
    GT_FAILPOINT("container.start.launch");
    GT_TRY_VAR(shim, core.launcher.launch(config, options));
    auto run = std::make_shared<ContainerRun>(std::move(shim), prepared.cgroup.group);
    run->netns = std::move(prepared.sandbox.netns);
    run->root = std::move(prepared.root);
    return Launched{.run = std::move(run),
                    .endpoint = std::move(prepared.sandbox.endpoint),
                    .ports = std::move(prepared.sandbox.ports)};
}

}  // namespace

Result<Launched> launch_container(ContainerCore& core, const ContainerSnapshot& snapshot) {
    GT_TRY_VAR(prepared, prepare(core, snapshot));
    auto launched = launch_prepared(core, *snapshot.record, prepared);
    if (!launched) {
        release_network(core, snapshot.record->id);
        (void)prepared.cgroup.group.kill_all();
        (void)prepared.cgroup.group.remove(kCgroupPatience);
    }
    return launched;
}

}  // namespace gantry::engine
