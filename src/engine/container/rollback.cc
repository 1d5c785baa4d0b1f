#include "engine/container/rollback.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "engine/container/revision.h"
#include "volume/volumes.h"

namespace gantry::engine {

namespace {

Result<std::shared_ptr<const ContainerRecord>> find_revision(
    ContainerCore& core, const std::shared_ptr<const ContainerRecord>& present,
    std::optional<int64_t> to) {
    if (!to && present->revision == 1) {
        return fail(Kind::kConflict, "it was never changed, there is nothing to go back to");
    }
    const int64_t wanted = to.value_or(present->revision - 1);
    GT_TRY_VAR(revisions, core.records.list_revisions(present));
    const auto found = std::ranges::find(revisions, wanted, &Revision::number);
    if (found == revisions.end()) {
        return fail(Kind::kNotFound,
                    fmt::format("no such revision: {}: the container has those from {} to {}",
                                wanted, revisions.front().number(), revisions.back().number()));
    }
    return found->record;
}

/// Volumes that have gone since are to be made again, empty.
void forget_lost_volumes(const volume::Volumes& volumes, std::vector<PlannedMount>& mounts) {
    for (PlannedMount& plan : mounts) {
        if (plan.type != PlannedMount::Type::kVolume || volumes.get(plan.volume) != nullptr) {
            continue;
        }
        plan.volume = volume::VolumeId();
        if (plan.naming == PlannedMount::Naming::kAnonymous) {
            plan.source.clear();
        }
    }
}

}  // namespace

Result<std::vector<spec::ContainerRevision>> list_revisions(ContainerCore& core,
                                                            const ContainerEntry& entry) {
    const SnapshotPtr snapshot = entry.snapshot();
    GT_TRY_VAR(revisions, core.records.list_revisions(snapshot->record));
    std::vector<spec::ContainerRevision> list;
    for (const Revision& revision : revisions) {
        list.push_back({.revision = revision.number(),
                        .created = revision.created,
                        .changes = revision.changes,
                        .current = revision.number() == snapshot->record->revision,
                        .config = revision.record->config,
                        .host_config = revision.record->host});
    }
    return list;
}

Result<spec::ContainerUpdateResponse> roll_back(ContainerCore& core, const EntryPtr& entry,
                                                std::optional<int64_t> to, Apply apply) {
    const auto make =
        [&](const ContainerSnapshot& before) -> Result<std::shared_ptr<ContainerRecord>> {
        GT_TRY_VAR(old, find_revision(core, before.record, to));
        auto next = std::make_shared<ContainerRecord>(*old);
        forget_lost_volumes(core.parts.volumes, next->mounts);
        return next;
    };
    return change_container(core, entry, make, apply);
}

}  // namespace gantry::engine
