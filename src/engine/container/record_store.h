#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "engine/container/lifecycle.h"
#include "engine/container/record.h"
#include "engine/container/revision.h"
#include "store/database.h"

namespace gantry::store {
struct Image;
class Snapshots;
}  // namespace gantry::store
namespace gantry::volume {
class Claims;
class Removal;
}  // namespace gantry::volume

namespace gantry::engine {

/// The containers' rows in the metadata database. Thread-safe; every call blocks for the disk.
class RecordStore {
public:
    static Result<RecordStore> open(store::Database& database, store::Snapshots& snapshots);

    /// Makes container, snapshot and the volumes that were made for it known in one transaction;
    /// durable when it returns, unless the container is ephemeral. kConflict if the name is taken.
    Result<> insert(const ContainerSnapshot& container, const store::Image& image,
                    volume::Claims& volumes);

    Result<> update(const ContainerId& id, const Lifecycle& life);

    /// Puts NEXT, a changed container with the next revision's number, in the place of BEFORE,
    /// whose revision is kept for list_revisions(), together with the volumes that were made for
    /// it. One transaction; durable when it returns, unless the container is ephemeral.
    Result<> revise(const ContainerSnapshot& before, const ContainerSnapshot& next,
                    volume::Claims& volumes);

    /// The newest kMaxRevisions of the container RECORD, oldest first; the last is RECORD itself.
    Result<std::vector<Revision>> list_revisions(
        const std::shared_ptr<const ContainerRecord>& record);
    static constexpr int64_t kMaxRevisions = 50;

    /// Gives the container's row the snapshot's name and state, in one transaction; durable when it
    /// returns, unless the container is ephemeral.
    Result<> rename(const ContainerSnapshot& container);

    /// Container, snapshot and the volumes that go with it in one transaction. What is gone already
    /// is success.
    Result<> erase(const ContainerSnapshot& container, volume::Removal& volumes);

    /// Every container, oldest first. One that cannot be read is left out and said in NOTICES.
    Result<std::vector<SnapshotPtr>> load(std::vector<std::string>& notices);

private:
    RecordStore(store::Database& database, store::Snapshots& snapshots)
        : database_(&database), snapshots_(&snapshots) {}

    store::Database* database_;
    store::Snapshots* snapshots_;
};

}  // namespace gantry::engine
