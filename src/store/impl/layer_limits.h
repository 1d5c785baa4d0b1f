#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>

#include "base/error.h"
#include "base/id.h"
#include "base/mutex.h"
#include "store/database.h"

namespace gantry::store {

/// How much containers may write: a limited one has a project of its own on the file system
/// (sys/project_quota.h). Which one is in the database before any file bears its number, and leaves
/// it after the limit is gone, so that a crash leaves nothing that the next start does not find.
///
/// Thread-safe. Numbers are not used again before all 2^31 were, as the files of a removed
/// container may bear theirs for a while; those that somebody else uses are passed over.
class LayerLimits {
public:
    /// CONTAINERS is the directory that holds the containers', and must outlive this.
    static Result<std::unique_ptr<LayerLimits>> open(Database& database, int containers);

    /// Whether the file system holds anybody to a limit.
    bool possible() const { return possible_; }

    /// What is written to DIRECTORIES, which are empty, and below is together held to BYTES.
    Result<> set(const ContainerId& id, std::span<const int> directories, uint64_t bytes);

    /// ID has no limit any more; success if it had none.
    Result<> drop(const ContainerId& id);

    /// Those with a limit.
    std::set<ContainerId> limited() const;

private:
    LayerLimits(Database& database, int containers, bool possible)
        : database_(database), containers_(containers), possible_(possible) {}

    Result<> load();
    /// A number that nobody uses, recorded as ID's.
    Result<uint32_t> take_project(const ContainerId& id);
    Result<uint32_t> insert_next(const ContainerId& id);
    Result<> erase(const ContainerId& id);

    Database& database_;
    const int containers_;
    const bool possible_;
    mutable Mutex mutex_;
    std::map<ContainerId, uint32_t> projects_ GT_GUARDED_BY(mutex_);
};

}  // namespace gantry::store
