#include "engine/container/remove.h"

#include <fmt/core.h>

#include <utility>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/scope_guard.h"
#include "engine/container/exit.h"
#include "engine/container/stop.h"
#include "engine/container/stuck.h"
#include "engine/container/volume_use.h"
#include "net/networks.h"
#include "store/snapshots.h"

namespace gantry::engine {

namespace {

/// Gives back what the container has in the kernel and on disk. The record is gone: what fails here
/// is left to the sweep at the daemon's next start.
void discard_remains(ContainerCore& core, const ContainerId& id) {
    if (const auto released = core.parts.networks.release(id); !released) {
        log::warn("cannot give back a removed container's network",
                  {{"container", id.str()}, {"error", released.error().text()}});
    }
    if (const auto discarded = core.parts.snapshots.discard(id); !discarded) {
        log::warn("a removed container's directory stays until the next start of the daemon",
                  {{"container", id.str()}, {"error", discarded.error().text()}});
    }
}

Failure still_running(const ContainerSnapshot& snapshot) {
    const std::string& id = snapshot.record->id.str();
    if (is_stuck(snapshot.life)) {
        return fail(
            Kind::kConflict,
            fmt::format("cannot remove container {}: {}. It is removed when its process ends", id,
                        snapshot.life.error));
    }
    if (snapshot.life.phase == Phase::kPaused) {
        return fail(
            Kind::kConflict,
            fmt::format("You cannot remove a paused container {}. Unpause and then stop the "
                        "container before attempting removal or force remove",
                        id));
    }
    return fail(Kind::kConflict,
                fmt::format("You cannot remove a running container {}. Stop the container before "
                            "attempting removal or force remove",
                            id));
}

enum class AnonymousVolumes { kKeep, kRemove };

/// The container has no process and its removal is claimed: makes it disappear.
Result<> erase_container(ContainerCore& core, const EntryPtr& entry, AnonymousVolumes volumes) {
    const auto operation = entry->begin();
    const SnapshotPtr snapshot = entry->snapshot();
    if (has_process(snapshot->life)) {
        // Somebody started it between our look and our turn.
        return still_running(*snapshot);
    }
    entry->take_restart_timer(operation).reset();
    const std::vector<PendingAttach> dropped = entry->take_attaches();
    // ORDER: the record first. A daemon that dies behind this line finds a directory without a
    // record and throws it away; the other way round it would find a container without its files.
    std::vector<volume::VolumeId> going;
    if (volumes == AnonymousVolumes::kRemove) {
        going = anonymous_volumes_of(*snapshot->record);
    }
    volume::Removal removal(core.parts.volumes, entry->id(), going);
    GT_TRY(core.records.erase(*snapshot, removal));
    (void)failpoint("container.remove.erased");
    discard_remains(core, entry->id());
    core.parts.volumes.hold(entry->id(), {});
    for (const volume::VolumePtr& volume : removal.finish()) {
        publish_volume_event(core, *volume, "destroy");
    }
    core.table.erase(*entry);
    publish_event(core, *snapshot, "destroy");
    // ORDER: queued before anybody learns that it is gone: who then ends the daemon waits for it.
    core.background.run([&core, entry] {
        const auto cleanup = entry->begin();
        clean_up_run(core, *entry, cleanup);
    });
    fire_all(entry->close_waits(), {.exit_code = snapshot->life.exit_code, .error = {}});
    return {};
}

/// Ends the process for a forced removal. What resists is marked dead.
Result<> kill_for_removal(ContainerCore& core, const EntryPtr& entry) {
    const auto killed = kill_and_wait(core, entry);
    if (killed) {
        return {};
    }
    const auto operation = entry->begin();
    Lifecycle life = entry->snapshot()->life;
    if (!has_process(life)) {
        return {};
    }
    life.phase = Phase::kDead;
    life.error = killed.error().text();
    record_life(core, *entry, operation, std::move(life));
    return fail(Kind::kInternal, fmt::format("cannot remove container {:?}: could not kill: {}",
                                             "/" + entry->snapshot()->name, killed.error().text()));
}

Result<> remove_claimed(ContainerCore& core, const EntryPtr& entry, const RemoveOptions& options) {
    const SnapshotPtr snapshot = entry->snapshot();
    // COMPAT: a container that removes itself takes them along, whoever removes it.
    const bool volumes = options.volumes || snapshot->record->host.auto_remove;
    const auto fate = volumes ? AnonymousVolumes::kRemove : AnonymousVolumes::kKeep;
    if (!options.force) {
        return snapshot->life.running() || is_stuck(snapshot->life)
                   ? still_running(*snapshot)
                   : erase_container(core, entry, fate);
    }
    // Twice, for a start that was under way when the removal was claimed; later ones are refused.
    GT_TRY(kill_for_removal(core, entry));
    if (auto erased = erase_container(core, entry, fate);
        erased || erased.error().kind() != Kind::kConflict) {
        return erased;
    }
    GT_TRY(kill_for_removal(core, entry));
    return erase_container(core, entry, fate);
}

}  // namespace

Result<> remove_container(ContainerCore& core, const EntryPtr& entry,
                          const RemoveOptions& options) {
    if (!entry->claim_removal()) {
        return fail(Kind::kConflict, fmt::format("removal of container {} is already in progress",
                                                 entry->snapshot()->name));
    }
    ScopeGuard claim([&entry] { entry->give_up_removal(); });
    if (auto removed = remove_claimed(core, entry, options); !removed) {
        if (removed.error().kind() != Kind::kConflict) {
            fire_all(entry->take_removed_waits(), {.exit_code = entry->snapshot()->life.exit_code,
                                                   .error = removed.error().text()});
        }
        return removed;
    }
    claim.commit();
    return {};
}

void remove_ended(ContainerCore& core, const EntryPtr& entry) {
    if (!entry->claim_removal()) {
        return;
    }
    if (const auto erased = erase_container(core, entry, AnonymousVolumes::kRemove); !erased) {
        entry->give_up_removal();
        log::error("cannot remove a container automatically",
                   {{"container", entry->id().str()}, {"error", erased.error().text()}});
        fire_all(entry->take_removed_waits(),
                 {.exit_code = entry->snapshot()->life.exit_code, .error = erased.error().text()});
    }
}

}  // namespace gantry::engine
