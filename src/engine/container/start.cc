#include "engine/container/start.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/container/exit.h"
#include "engine/container/health_monitor.h"
#include "engine/container/launch.h"
#include "engine/container/links.h"
#include "engine/container/remove.h"
#include "engine/container/volume_use.h"
#include "net/networks.h"

namespace gantry::engine {

namespace {

/// Gives the shim the clients that attached before the start.
void connect_waiting(const std::shared_ptr<ContainerRun>& run,
                     std::vector<PendingAttach> attaches) {
    for (PendingAttach& attach : attaches) {
        // A client that went away meanwhile is no reason not to start.
        (void)run->shim.attach(std::move(attach.socket), attach.options);
    }
}

Lifecycle running_life(const ContainerRecord& record, const Lifecycle& before,
                       const Launched& launched, WallTime started) {
    Lifecycle life = before;
    life.phase = Phase::kRunning;
    life.pid = launched.run->shim.pid();
    life.exit_code = 0;
    life.error.clear();
    life.started_at = started;
    life.oom_killed = false;
    life.manually_stopped = false;
    life.restart_wanted = false;
    life.health = health_at_start(record.config, before);
    life.endpoint = launched.endpoint;
    life.ports = launched.ports;
    life.shared_endpoint = launched.shared_endpoint;
    life.started_as.reset();
    life.touched_mounts.clear();
    return life;
}

/// Ends a run that was launched but cannot become the container's: the shim kills what it was told
/// not to start, and everything is given back.
void drop_run(ContainerCore& core, ContainerEntry& entry,
              const ContainerEntry::Operation& operation) {
    if (const auto run = entry.run()) {
        (void)run->shim.kill(SIGKILL);
        (void)run->cgroup.kill_all();
        (void)run->shim.release();
    }
    if (const auto released = core.parts.networks.release(entry.id()); !released) {
        log::warn("cannot give back a container's network",
                  {{"container", entry.id().str()}, {"error", released.error().text()}});
    }
    clean_up_run(core, entry, operation);
}

Result<> run_container(ContainerCore& core, const EntryPtr& entry,
                       const ContainerEntry::Operation& operation, const Lifecycle& before) {
    GT_TRY_VAR(launched, launch_container(core, *entry->snapshot()));
    entry->set_run(operation, launched.run);
    // ORDER: clients are connected before the process can write, so that they miss nothing (C6).
    connect_waiting(launched.run, entry->take_attaches());
    GT_TRY(launched.groundwork->finish());
    GT_FAILPOINT("container.start.exec");
    // The process may have ended before start() returns: its beginning is before the call.
    const WallTime started = wall_now();
    GT_TRY(launched.run->shim.start());
    GT_FAILPOINT("container.start.started");
    GT_TRY(commit_life(core, *entry, operation,
                       running_life(*entry->snapshot()->record, before, launched, started)));
    const SnapshotPtr snapshot = entry->snapshot();
    if (launched.endpoint) {
        publish_network_event(core, entry->id(), *launched.endpoint, "connect");
    }
    publish_volume_mounts(core, entry->id(), snapshot->record->mounts);
    publish_event(core, *snapshot, "start");
    tell_linking(core, *entry);
    // From here on the end of the process is seen. It may have come already: the shim keeps it.
    return watch_run(core, entry, launched.run);
}

/// Records why the start failed; the container is as it was otherwise.
void record_failure(ContainerCore& core, ContainerEntry& entry,
                    const ContainerEntry::Operation& operation, Lifecycle before,
                    const Error& error) {
    if (before.phase != Phase::kCreated) {
        before.phase = Phase::kExited;
    }
    before.pid = 0;
    before.exit_code = start_failure_code(error.text());
    before.error = error.text();
    record_life(core, entry, operation, std::move(before));
}

Kind failure_kind(const Error& error) {
    // COMPAT: Docker answers 400 when the program cannot be run and 500 for the rest.
    return start_failure_code(error.text()) == 128 ? error.kind() : Kind::kInvalid;
}

/// The start itself, with the operation held.
Result<> start_now(ContainerCore& core, const EntryPtr& entry,
                   const ContainerEntry::Operation& operation, const Lifecycle& before) {
    clean_up_run(core, *entry, operation);
    const auto record = entry->snapshot()->record;
    auto started = mount_volumes(core, *record);
    if (started) {
        started = run_container(core, entry, operation, before);
    }
    if (started) {
        return {};
    }
    const Error& error = started.error();
    drop_run(core, *entry, operation);
    unmount_volumes(core, entry->id(), volumes_of(record->mounts));
    record_failure(core, *entry, operation, before, error);
    (void)entry->take_attaches();
    entry->reopen_attaches();
    return fail(failure_kind(error), error.text());
}

Result<> check_startable(const ContainerSnapshot& snapshot) {
    switch (snapshot.life.phase) {
        case Phase::kRunning:
        case Phase::kRestarting: return fail(Kind::kNotModified, "container is already running");
        case Phase::kPaused:
            return fail(Kind::kConflict, "cannot start a paused container, try unpause instead");
        case Phase::kRemoving:
        case Phase::kDead:
            return fail(Kind::kConflict, "container is marked for removal and cannot be started");
        case Phase::kCreated:
        case Phase::kExited: break;
    }
    return {};
}

}  // namespace

int start_failure_code(std::string_view text) {
    const std::string lower = to_lower(text);
    const auto mentions = [&lower](std::string_view words) {
        return lower.find(words) != std::string::npos;
    };
    if (mentions("executable file not found") || mentions("no such file or directory")) {
        return 127;
    }
    return mentions("permission denied") || mentions("is a directory") ? 126 : 128;
}

Result<> start_container(ContainerCore& core, const EntryPtr& entry) {
    Result<> started;
    {
        const auto operation = entry->begin();
        if (core.shutting_down) {
            return fail(Kind::kUnavailable, "the daemon is shutting down");
        }
        if (entry->removal_claimed()) {
            return fail(Kind::kConflict, "container is marked for removal and cannot be started");
        }
        const SnapshotPtr snapshot = entry->snapshot();
        GT_TRY(check_startable(*snapshot));
        Lifecycle before = snapshot->life;
        before.restart_count = 0;
        entry->set_restarts_in_a_row(operation, 0);
        started = start_now(core, entry, operation, before);
    }
    if (!started && entry->snapshot()->record->host.auto_remove) {
        remove_ended(core, entry);
    }
    return started;
}

Result<> restart_by_policy(ContainerCore& core, const EntryPtr& entry) {
    const auto operation = entry->begin();
    const Lifecycle before = entry->snapshot()->life;
    if (before.phase != Phase::kRestarting || entry->removal_claimed() || core.shutting_down) {
        return {};
    }
    auto started = start_now(core, entry, operation, before);
    if (!started) {
        fire_all(entry->take_exited_waits(),
                 {.exit_code = entry->snapshot()->life.exit_code, .error = {}});
    }
    return started;
}

}  // namespace gantry::engine
