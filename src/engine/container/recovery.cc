#include "engine/container/recovery.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>

#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "engine/container/exit.h"
#include "engine/container/health_monitor.h"
#include "engine/container/live_mounts.h"
#include "engine/container/log_upkeep.h"
#include "engine/container/pause.h"
#include "engine/container/remove.h"
#include "engine/container/restart_policy.h"
#include "engine/container/revision.h"
#include "engine/container/start.h"
#include "engine/container/stuck.h"
#include "engine/container/update.h"
#include "engine/container/volume_use.h"
#include "net/networks.h"
#include "runtime/shim_handle.h"
#include "store/database.h"
#include "store/snapshots.h"
#include "sys/cgroup_owner.h"
#include "sys/files.h"

namespace gantry::engine {

namespace {

constexpr std::chrono::milliseconds kCgroupPatience(2000);
constexpr mode_t kShimsMode = 0700;

void warn(std::string_view message, const std::string& id, const Error& error) {
    log::warn(message, {{"container", id}, {"error", error.text()}});
}

bool is_id(const std::string& name) {
    return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Result<> load_records(ContainerCore& core) {
    std::vector<std::string> notices;
    GT_TRY_VAR(snapshots, core.records.load(notices));
    for (const std::string& notice : notices) {
        log::error(notice);
    }
    for (const SnapshotPtr& snapshot : snapshots) {
        auto name = core.table.reserve(snapshot->name, snapshot->record->id);
        if (!name) {
            warn("a container's name is taken", snapshot->record->id.str(), name.error());
            continue;
        }
        core.table.insert(std::make_shared<ContainerEntry>(snapshot->record->id, snapshot),
                          std::move(*name));
        core.parts.volumes.hold(snapshot->record->id, volumes_in_use(*snapshot));
    }
    return {};
}

/// The end of a run of which only a record on disk can tell, if that.
void finish_lost_run(ContainerCore& core, const EntryPtr& entry) {
    const sys::Cgroup group = core.cgroup_of(*entry->snapshot()->record);
    if (const auto killed = group.kill_all(); !killed) {
        warn("cannot kill what a lost shim has left", entry->id().str(), killed.error());
    }
    const auto recorded = runtime::read_exit_record(core.container_dir(entry->id()));
    if (recorded && *recorded) {
        finish_run(core, entry, nullptr, **recorded, {});
        return;
    }
    finish_run(core, entry, nullptr, {.code = kUnknownExitCode, .time = wall_now()},
               "the container ended while the daemon was not running");
}

/// Takes a container that the database calls running back from its shim.
void adopt(ContainerCore& core, const EntryPtr& entry, runtime::ShimHandle shim) {
    const auto operation = entry->begin();
    Lifecycle life = entry->snapshot()->life;
    auto run =
        std::make_shared<ContainerRun>(std::move(shim), core.cgroup_of(*entry->snapshot()->record));
    entry->set_run(operation, run);
    (void)entry->take_attaches();
    if (const Phase phase = settle_freezer(run->cgroup, life.phase); phase != life.phase) {
        life.phase = phase;
        record_life(core, *entry, operation, life);
    }
    if (life.endpoint) {
        if (const auto adopted = core.parts.networks.adopt(entry->id(), *life.endpoint, life.ports);
            !adopted) {
            warn("cannot take a container's network back", entry->id().str(), adopted.error());
        }
    }
    for (const volume::VolumeId& id : volumes_of(mounts_of_run(*entry->snapshot()))) {
        core.parts.volumes.adopt_mount(id, entry->id());
    }
    if (life.shared_endpoint) {
        if (const auto adopted =
                core.parts.networks.adopt_shared(entry->id(), *life.shared_endpoint);
            !adopted) {
            warn("cannot keep a shared network's address", entry->id().str(), adopted.error());
        }
    }
}

/// A shim whose container was not committed as running: the start did not happen, nobody was told.
void abandon(ContainerCore& core, const std::string& id, const EntryPtr& entry,
             runtime::ShimHandle shim) {
    (void)shim.kill(SIGKILL);
    const sys::Cgroup group = entry != nullptr ? core.cgroup_of(*entry->snapshot()->record)
                                               : core.cgroups.at(core.settings.cgroup_parent, id);
    (void)group.kill_all();
    (void)shim.release();
}

/// Adopts the containers that have a shim; the ends of the others are recorded later, when all
/// addresses and ports that are in use are known.
void connect_shims(ContainerCore& core) {
    const std::string root = core.settings.exec_root + "/shims";
    const auto names = sys::list_dir(AT_FDCWD, root.c_str());
    if (!names) {
        return;
    }
    for (const std::string& name : *names) {
        const std::string dir = root + "/" + name;
        const EntryPtr entry = core.table.find_id(ContainerId(name));
        auto shim = runtime::reconnect(dir);
        if (shim && entry != nullptr && has_process(entry->snapshot()->life)) {
            adopt(core, entry, std::move(*shim));
            continue;
        }
        if (shim) {
            abandon(core, name, entry, std::move(*shim));
        }
        if (const auto removed = runtime::remove_shim_dir(dir); !removed) {
            warn("cannot remove a shim's directory", name, removed.error());
        }
    }
}

/// What an adopted shim has to tell, now that everything is known.
void settle_run(ContainerCore& core, const EntryPtr& entry) {
    const SnapshotPtr snapshot = entry->snapshot();
    if (!snapshot->life.alive() && snapshot->life.phase != Phase::kDead) {
        return;
    }
    const auto run = entry->run();
    if (run == nullptr) {
        finish_lost_run(core, entry);
    } else if (run->shim.phase() == runtime::ShimHandle::Phase::kRunning) {
        settle_mounts(core, *entry, entry->begin());
        adopt_health(core, entry, run);
        if (const auto watched = watch_run(core, entry, run); !watched) {
            warn("cannot watch a container", entry->id().str(), watched.error());
        }
        apply_recorded_limits(core, entry);
    } else if (run->shim.phase() == runtime::ShimHandle::Phase::kExited) {
        finish_run(core, entry, run, run->shim.exit(), {});
    } else {
        // It waits for a start that the database says has happened: cannot be, so nothing is lost.
        finish_run(core, entry, run, {.code = kUnknownExitCode, .time = wall_now()},
                   "the container was never started");
    }
}

/// INVARIANT: no container of ours is in GROUP: every living one was adopted before.
void remove_leftover(const sys::Cgroup& group, const std::string& id) {
    if (const auto killed = group.kill_all(); !killed) {
        warn("cannot kill what is in a leftover cgroup", id, killed.error());
    }
    if (const auto removed = group.remove(kCgroupPatience); !removed) {
        warn("cannot remove a leftover cgroup", id, removed.error());
    }
}

void sweep_cgroups(ContainerCore& core) {
    const auto names = core.cgroups.list(core.settings.cgroup_parent);
    if (!names) {
        log::warn("cannot look for leftover cgroups", {{"error", names.error().text()}});
        return;
    }
    // Others may use the parent, too: a group is ours by its container or by our mark.
    for (const std::string& name : *names) {
        if (!is_id(name) || core.table.find_id(ContainerId(name)) != nullptr) {
            continue;
        }
        const sys::Cgroup group = core.cgroups.at(core.settings.cgroup_parent, name);
        const auto owner = sys::cgroup_owner(group);
        if (owner && *owner == core.settings.exec_root) {
            remove_leftover(group, name);
        }
    }
    for (const EntryPtr& entry : core.table.all()) {
        if (entry->run() == nullptr) {
            remove_leftover(core.cgroup_of(*entry->snapshot()->record), entry->id().str());
        }
    }
}

void sweep_directories(ContainerCore& core) {
    if (core.parts.database.was_replaced()) {
        log::error(
            "the database was damaged and is empty now: the directories of its containers "
            "are kept in data-root/containers");
        return;
    }
    const auto names = sys::list_dir(AT_FDCWD, (core.settings.data_root + "/containers").c_str());
    if (!names) {
        return;
    }
    for (const std::string& name : *names) {
        if (!is_id(name) || core.table.find_id(ContainerId(name)) != nullptr) {
            continue;
        }
        if (const auto discarded = core.parts.snapshots.discard(ContainerId(name)); !discarded) {
            warn("cannot remove a leftover directory", name, discarded.error());
        }
    }
}

}  // namespace

Result<std::vector<EntryPtr>> recover_containers(ContainerCore& core) {
    GT_TRY(sys::make_dirs((core.settings.exec_root + "/shims").c_str(), kShimsMode));
    GT_TRY(load_records(core));
    connect_shims(core);
    for (const std::string& reason : core.parts.volumes.sweep_mounts()) {
        log::warn("cannot unmount a volume that nobody uses", {{"error", reason}});
    }
    // ORDER: every address and port that is in use is known before the table is written and before
    // anything is started.
    GT_TRY(core.parts.networks.reconcile());
    const std::vector<EntryPtr> entries = core.table.all();
    std::set<EntryPtr> stopped;
    for (const EntryPtr& entry : entries) {
        if (!entry->snapshot()->life.running()) {
            stopped.insert(entry);
        }
    }
    sweep_cgroups(core);
    for (const EntryPtr& entry : entries) {
        settle_run(core, entry);
    }
    sweep_directories(core);
    // ORDER: from here on the end of a run asks its restart policy itself again. One that has ended
    // before is in Phase::kRestarting, and below.
    core.recovering = false;
    std::vector<EntryPtr> due;
    for (const EntryPtr& entry : entries) {
        compress_log(core, entry);
        const SnapshotPtr snapshot = entry->snapshot();
        const Phase phase = snapshot->life.phase;
        if (snapshot->record->host.auto_remove && phase != Phase::kCreated &&
            !snapshot->life.running() && !is_stuck(snapshot->life)) {
            remove_ended(core, entry);
        } else if (phase == Phase::kRestarting ||
                   (stopped.contains(entry) &&
                    wants_boot_restart(*snapshot->record, snapshot->life))) {
            due.push_back(entry);
        }
    }
    return due;
}

}  // namespace gantry::engine
