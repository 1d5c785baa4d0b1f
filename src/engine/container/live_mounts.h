#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "engine/container/core.h"
#include "engine/container/mount_plan.h"

namespace gantry::engine {

/// Changes the mounts of a running container and takes that back when it is destroyed, unless it
/// was kept. INVARIANT: the entry's Operation is held meanwhile.
///
/// Before anything is touched the places are written down (Lifecycle::touched_mounts): a daemon
/// that dies in between leaves them to the next one's settle_mounts(). The caller's commit of the
/// new record clears them.
class LiveMounts {
public:
    /// What happens to a mount that is in use: an error, or it stays until the next start.
    enum class Busy { kRefuse, kLeave };

    LiveMounts(ContainerCore& core, ContainerEntry& entry, Busy busy)
        : core_(core), entry_(entry), busy_(busy) {}
    LiveMounts(const LiveMounts&) = delete;
    LiveMounts& operator=(const LiveMounts&) = delete;
    ~LiveMounts();

    /// Makes what NEXT mounts differently from BEFORE's record as NEXT has it, where that is
    /// possible; the reasons where it is not are put into WARNINGS. Gives all that the process has
    /// then.
    Result<std::vector<PlannedMount>> change(const ContainerSnapshot& before,
                                             const ContainerRecord& next,
                                             std::vector<std::string>& warnings);

    /// The change is committed: tells of the volumes, and lets those go that nothing mounts now.
    void keep();

private:
    /// One place: what goes, what comes.
    struct Step {
        std::string target;
        std::optional<PlannedMount> gone;
        std::optional<PlannedMount> come;
        UniqueFd source{};
        /// A copy of what went.
        UniqueFd old{};
        bool detached = false;
        bool attached = false;
    };

    std::vector<Step> plan_steps(const ContainerSnapshot& before, const ContainerRecord& next,
                                 std::vector<std::string>& warnings) const;
    Result<> open_sources();
    Result<> count_mounts();
    Result<> write_journal(bool detached);
    Result<> detach_all(std::vector<std::string>& warnings);
    Result<> attach_all(std::vector<std::string>& warnings);
    Result<> leave(Error error, const Step& step, std::vector<std::string>& warnings) const;
    void undo();
    void give_back_volumes(const std::set<volume::VolumeId>& volumes);

    ContainerCore& core_;
    ContainerEntry& entry_;
    const Busy busy_;
    SnapshotPtr before_;
    UniqueFd namespace_;
    std::vector<Step> steps_;
    std::vector<PlannedMount> mounts_;
    std::vector<size_t> counts_;
    std::set<volume::VolumeId> taken_;
    bool active_ = false;
};

/// At boot, for a running container: finishes what a daemon was doing to its mounts, by taking it
/// back.
void settle_mounts(ContainerCore& core, ContainerEntry& entry,
                   const ContainerEntry::Operation& operation);

}  // namespace gantry::engine
