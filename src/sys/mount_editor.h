#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "sys/mounts.h"
#include "sys/root_dir.h"

namespace gantry::sys {

/// Mounts that come and go in the mount namespace of somebody else, who controls what its paths
/// lead to. A target is absolute and clean; one that is reached through symbolic links is kConflict
/// everywhere, so that what was mounted can be found and taken off again.
class MountEditor {
public:
    /// Runs BODY with an editor of the namespace MNT_NS (an nsfs fd). BODY runs on a thread of its
    /// own, for which that namespace's root is "/": it opens no files and uses no database.
    static Result<> edit(int mnt_ns, const std::function<Result<>(MountEditor&)>& body);

    /// Attaches the detached MOUNT at TARGET, above what is mounted there. A missing mount point is
    /// made: a directory for a directory, else an empty file; kConflict where everything is
    /// read-only.
    Result<> attach(int mount, const std::string& target);

    /// What becomes of a mount that is in use, or that others are mounted on: it stays and that is
    /// kConflict, or it is gone for whoever looks for it from now on.
    enum class InUse { kRefuse, kLetGo };
    /// Unmounts the topmost mount at TARGET and gives a detached copy of it alone, for whoever
    /// wants it back. kConflict when there is none.
    Result<UniqueFd> detach(const std::string& target, InUse in_use);

    /// How many mounts are at TARGET, one above the other.
    Result<size_t> count(const std::string& target) const;

private:
    MountEditor(UniqueFd proc, UniqueFd root) : proc_(std::move(proc)), root_(std::move(root)) {}

    Result<std::vector<MountInfo>> mounts_there() const;
    Result<> check_way(const RootDir& root, const std::string& target) const;
    Result<> check_place(int place, const std::string& target) const;
    Result<> check_topmost(int dir, const std::string& name, const std::string& target,
                           InUse in_use) const;

    /// Ours: inside, the path "/proc" is somebody else's.
    UniqueFd proc_;
    UniqueFd root_;
};

}  // namespace gantry::sys
