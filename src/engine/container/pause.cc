#include "engine/container/pause.h"

#include <fmt/core.h>

#include <utility>

#include "base/failpoint.h"
#include "base/log.h"

namespace gantry::engine {

namespace {

Failure conflict(const ContainerEntry& entry, std::string_view why) {
    return fail(Kind::kConflict, fmt::format("Container {} {}", entry.id().str(), why));
}

Result<> check_pausable(const ContainerEntry& entry, const Lifecycle& life) {
    switch (life.phase) {
        case Phase::kRunning: return {};
        case Phase::kPaused: return conflict(entry, "is already paused");
        case Phase::kRestarting:
            return conflict(entry, "is restarting, wait until the container is running");
        case Phase::kCreated:
        case Phase::kRemoving:
        case Phase::kExited:
        case Phase::kDead: break;
    }
    return conflict(entry, "is not running");
}

Failure cannot(std::string_view what, const ContainerEntry& entry, const Error& error) {
    return fail(error.kind() == Kind::kNotImplemented ? error.kind() : Kind::kInternal,
                fmt::format("Cannot {} container {}: {}", what, entry.id().str(), error.text()));
}

bool is_frozen(const sys::Cgroup& group) {
    const auto frozen = group.is_frozen();
    return frozen && *frozen;
}

}  // namespace

Result<> pause_container(ContainerCore& core, const EntryPtr& entry) {
    const auto operation = entry->begin();
    Lifecycle life = entry->snapshot()->life;
    GT_TRY(check_pausable(*entry, life));
    const auto run = entry->run();
    if (const auto frozen = run->cgroup.freeze(); !frozen) {
        return cannot("pause", *entry, frozen.error());
    }
    GT_FAILPOINT("container.pause.frozen");
    life.phase = Phase::kPaused;
    if (auto committed = commit_life(core, *entry, operation, std::move(life)); !committed) {
        (void)run->cgroup.thaw();  // the failure to report is the database's
        return committed;
    }
    publish_event(core, *entry->snapshot(), "pause");
    return {};
}

Result<> unpause_container(ContainerCore& core, const EntryPtr& entry) {
    const auto operation = entry->begin();
    Lifecycle life = entry->snapshot()->life;
    const auto run = entry->run();
    const bool paused = life.phase == Phase::kPaused;
    if (!paused && !(life.alive() && is_frozen(run->cgroup))) {
        return conflict(*entry, "is not paused");
    }
    if (const auto thawed = run->cgroup.thaw(); !thawed) {
        return cannot("unpause", *entry, thawed.error());
    }
    GT_FAILPOINT("container.unpause.thawed");
    if (paused) {
        life.phase = Phase::kRunning;
        // It runs already: a database that cannot be written does not change that.
        record_life(core, *entry, operation, std::move(life));
    }
    publish_event(core, *entry->snapshot(), "unpause");
    return {};
}

Phase settle_freezer(const sys::Cgroup& group, Phase phase) {
    if (phase == Phase::kPaused && is_frozen(group)) {
        return Phase::kPaused;
    }
    if (const auto thawed = group.thaw(); !thawed) {
        log::debug("cannot thaw a container",
                   {{"cgroup", group.path()}, {"error", thawed.error().text()}});
    }
    return phase == Phase::kPaused ? Phase::kRunning : phase;
}

}  // namespace gantry::engine
