#include "engine/container/prune.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/log.h"
#include "engine/container/inspect.h"
#include "engine/container/remove.h"
#include "engine/container/stuck.h"
#include "engine/event/event_bus.h"
#include "spec/prune_filter.h"

namespace gantry::engine {

namespace {

bool is_prunable(const ContainerSnapshot& container, const spec::PruneFilter& filter) {
    const ContainerRecord& record = *container.record;
    return !container.life.running() && !is_stuck(container.life) &&
           filter.matches(record.id.str(), record.created, record.config.labels);
}

/// What the container has written; what cannot be measured counts nothing.
int64_t written_bytes(const ContainerCore& core, const ContainerRecord& record) {
    const auto size = measure_container(core, record);
    return size ? size->writable : 0;
}

/// Removes one. False if it is in use by now, or cannot go.
bool remove_one(ContainerCore& core, const EntryPtr& entry) {
    const auto removed = remove_container(core, entry, {});
    if (!removed && removed.error().kind() != Kind::kConflict) {
        log::warn("cannot prune a container",
                  {{"container", entry->id().str()}, {"error", removed.error().text()}});
    }
    return removed.has_value();
}

bool older(const EntryPtr& a, const EntryPtr& b) {
    return a->snapshot()->record->created < b->snapshot()->record->created;
}

}  // namespace

Result<spec::ContainersPruneReport> prune_containers(ContainerCore& core,
                                                     const spec::Filters& filters, PruneMode mode) {
    GT_TRY_VAR(filter, spec::PruneFilter::make(filters, {}, wall_now()));
    auto pass = core.prune_gate.enter();
    if (!pass) {
        return Failure(std::move(pass).error());
    }
    spec::ContainersPruneReport report;
    std::vector<EntryPtr> entries = core.table.all();
    std::ranges::sort(entries, older);
    for (const EntryPtr& entry : entries) {
        const SnapshotPtr snapshot = entry->snapshot();
        if (!is_prunable(*snapshot, filter)) {
            continue;
        }
        const int64_t bytes = written_bytes(core, *snapshot->record);
        if (mode == PruneMode::kDryRun) {
            report.objects.push_back(
                {.id = entry->id().str(), .name = snapshot->name, .size = bytes});
        } else if (!remove_one(core, entry)) {
            continue;
        }
        report.containers_deleted.push_back(entry->id().str());
        report.space_reclaimed += bytes;
    }
    if (mode == PruneMode::kRemove) {
        core.parts.events.publish("container", "prune", "",
                                  {{"reclaimed", fmt::format("{}", report.space_reclaimed)}});
    }
    return report;
}

}  // namespace gantry::engine
