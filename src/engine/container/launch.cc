#include "engine/container/launch.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/failpoint.h"
#include "base/log.h"
#include "engine/container/apparmor.h"
#include "engine/container/host_check.h"
#include "engine/container/hosts_files.h"
#include "engine/container/join.h"
#include "engine/container/links.h"
#include "engine/container/mount_plan.h"
#include "engine/container/oci_config.h"
#include "engine/container/runtimes.h"
#include "engine/container/volume_use.h"
#include "engine/logdriver/log_driver.h"
#include "net/networks.h"
#include "store/snapshots.h"
#include "sys/files.h"
#include "sys/root_dir.h"
#include "sys/user_db.h"

namespace gantry::engine {

namespace {

constexpr std::chrono::milliseconds kCgroupPatience(2000);

Result<UniqueFd> mount_root(ContainerCore& core, const ContainerRecord& record) {
    GT_FAILPOINT("container.start.mount");
    const store::SnapshotMount options{
        .sync = record.ephemeral() ? store::UpperSync::kVolatile : store::UpperSync::kSynced,
        .access = store::Access::kReadWrite,
        .owners = core.owners(record)};
    return core.parts.snapshots.mount(record.id, options);
}

/// Who the process is, and the directory in which it begins, by what is in its root.
Result<sys::UserIds> look_into_root(const ContainerCore& core, const UniqueFd& root,
                                    const ContainerRecord& record) {
    GT_TRY_VAR(users, sys::read_user_db(root.get()));
    GT_TRY_VAR(user, sys::resolve_user(users, record.config.user, record.host.group_add));
    const std::string& directory = record.config.working_dir;
    if (!directory.empty() && directory != "/") {
        const auto maker = core.own_as_root(record);
        if (!maker) {
            return fail(maker.error().kind(), maker.error().text());
        }
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
    JoinedNamespaces joined;
    Groundwork::Base base;
    UniqueFd root;
    sys::UserIds user;
    std::vector<OpenedMount> mounts{};
    OpenedLog log;
};

Result<Prepared> prepare(ContainerCore& core, const ContainerSnapshot& snapshot,
                         Groundwork& groundwork) {
    const ContainerRecord& record = *snapshot.record;
    auto root = mount_root(core, record);
    auto user = root ? look_into_root(core, *root, record)
                     : Result<sys::UserIds>(fail(Kind::kInternal, "no root file system"));
    GT_TRY_VAR(base, groundwork.base());
    GT_TRY_VAR(ready_root, std::move(root));
    GT_TRY_VAR(ready_user, std::move(user));
    if (!joined_container(record.host.network_mode)) {
        GT_TRY_VAR(linked, link_hosts(core, snapshot));
        GT_TRY(write_host_files(core.container_dir(record.id), record, core.settings, base.endpoint,
                                linked));
    }
    return Prepared{.joined = {},
                    .base = std::move(base),
                    .root = std::move(ready_root),
                    .user = std::move(ready_user)};
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
    options.netns_fd = prepared.base.netns.get();
    options.userns_fd = prepared.base.userns.get();
    if (prepared.joined.shm) {
        options.mounts.push_back(
            {.destination = std::string(kShmInContainer), .fd = prepared.joined.shm.get()});
    }
    for (const OpenedMount& mount : prepared.mounts) {
        options.mounts.push_back({.destination = mount.destination, .fd = mount.fd.get()});
    }
    for (const UniqueFd& fd : prepared.base.cgroup.tasks) {
        options.cgroup_tasks_fds.push_back(fd.get());
    }
    options.cgroup_v2_fd = prepared.base.cgroup.v2.get();
    options.oom_events_fd = prepared.base.cgroup.oom_events.get();
    options.stdin_mode = stdin_mode(record.config);
    options.exit_record =
        record.ephemeral() ? runtime::Durability::kNone : runtime::Durability::kFsync;
    options.log = prepared.log.options;
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

/// A descriptor of ours under a name that the shim can open too; "" for none.
std::string by_descriptor(const UniqueFd& fd) {
    return fd ? fmt::format("/proc/{}/fd/{}", getpid(), fd.get()) : std::string();
}

Result<Launched> launch_prepared(ContainerCore& core, const ContainerRecord& record,
                                 Prepared& prepared) {
    const OciPaths paths{.network_files = network_files_dir(core, record),
                         .init_path = core.settings.init_path,
                         .data_root = core.settings.data_root,
                         .pid_namespace = by_descriptor(prepared.joined.pid),
                         .ipc_namespace = by_descriptor(prepared.joined.ipc),
                         .id_map = core.id_map(record),
                         .cgroups = &core.cgroups.layout(),
                         .cgroup_path = prepared.base.cgroup.group.path(),
                         .cdi_spec_dirs = core.settings.cdi_spec_dirs};
    GT_TRY_VAR(config, make_oci_config(record, prepared.user, paths, core.settings.security));
    GT_TRY(require_profile(config.process.apparmor_profile));
    GT_TRY(forget_last_exit(core, record.id));
    GT_TRY_VAR(options, launch_options(core, record, prepared));
    GT_TRY_VAR(foreign, find_runtime(core.settings, record.host.runtime));
    if (foreign) {
        GT_TRY(complete_for_foreign(config, core, record));
        options.foreign = &*foreign;
    }
    GT_FAILPOINT("container.start.launch");
    GT_TRY_VAR(shim, core.launcher.launch(config, options));
    auto run = std::make_shared<ContainerRun>(std::move(shim), prepared.base.cgroup.group);
    run->netns = std::move(prepared.base.netns);
    run->root = std::move(prepared.root);
    Launched launched;
    launched.run = std::move(run);
    launched.endpoint = std::move(prepared.base.endpoint);
    launched.ports = std::move(prepared.base.ports);
    launched.shared_endpoint = std::move(prepared.joined.endpoint);
    return launched;
}

/// net.ipv4.conf.eth0.x and the like.
bool names_interface(const spec::StringMap& sysctls) {
    return std::ranges::any_of(sysctls, [](const auto& sysctl) {
        return sysctl.first.find(".conf.") != std::string::npos ||
               sysctl.first.find(".neigh.") != std::string::npos;
    });
}

/// Undoes what the groundwork has given out; the namespace goes with its descriptors.
void give_back(ContainerCore& core, const ContainerRecord& record) {
    const ContainerId& id = record.id;
    if (const auto released = core.parts.networks.release(id); !released) {
        log::warn("cannot give back a container's network",
                  {{"container", id.str()}, {"error", released.error().text()}});
    }
    const sys::Cgroup group = core.cgroup_of(record);
    (void)group.kill_all();
    (void)group.remove(kCgroupPatience);
}

}  // namespace

Result<Launched> launch_container(ContainerCore& core, const ContainerSnapshot& snapshot) {
    const ContainerRecord& record = *snapshot.record;
    GT_TRY(check_bind_sources(record.mounts, SourceMaking::kAllow));
    GT_TRY(check_propagations(record.mounts));
    std::unique_ptr<Groundwork> groundwork;
    auto launched = [&]() -> Result<Launched> {
        GT_TRY_VAR(joined, join_others(core, record));
        GT_TRY_VAR(begun, Groundwork::begin(core, snapshot, std::move(joined.net),
                                            std::move(joined.user)));
        groundwork = std::move(begun);
        GT_TRY_VAR(prepared, prepare(core, snapshot, *groundwork));
        prepared.joined = std::move(joined);
        if (names_interface(record.host.sysctls)) {
            // ORDER: the interface before its settings, which the container's set-up writes.
            GT_TRY(groundwork->finish());
        }
        GT_TRY_VAR(mounts, open_mounts(core, record));
        prepared.mounts = std::move(mounts);
        GT_TRY_VAR(log, open_log({record, snapshot.name}, core.container_dir(record.id)));
        prepared.log = std::move(log);
        return record.host.links.empty()
                   ? launch_prepared(core, record, prepared)
                   : launch_prepared(core, with_link_variables(core, snapshot), prepared);
    }();
    if (!launched) {
        // ORDER: what is still being made cannot be given back.
        groundwork.reset();
        give_back(core, record);
        return launched;
    }
    launched->groundwork = std::move(groundwork);
    return launched;
}

}  // namespace gantry::engine
