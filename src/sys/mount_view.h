#pragma once

#include <functional>
#include <span>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/unique_fd.h"
#include "sys/root_dir.h"

namespace gantry::sys {

/// A tree of mounts that nobody else sees, in a mount namespace of its own: what a container's
/// files look like, for work on them from outside. What is mounted in it stays for as long as the
/// object lives; nothing propagates in or out.
///
/// Nothing of the tree is executed or loaded (SAFETY: the thread that enters it makes system calls
/// only).
class MountView {
public:
    /// The mounts that the namespace MNT_NS (an nsfs fd) has now, without the file systems in which
    /// the kernel shows itself and without what is mounted at HIDDEN: empty read-only directories
    /// are there instead.
    static Result<MountView> copy(int mnt_ns, std::span<const std::string> hidden);

    /// The detached mount ROOT, attached at AT (a directory of the host, whose other users see
    /// nothing of it), with what FILL mounts below it. FILL runs inside the new namespace, which
    /// else is a copy of ours.
    static Result<MountView> assemble(UniqueFd root, const std::string& at,
                                      const std::function<Result<>(const RootDir&)>& fill);

    const RootDir& root() const { return root_; }

private:
    MountView(UniqueFd ns, UniqueFd root)
        : namespace_(std::move(ns)), root_(RootDir::from_fd(std::move(root))) {}

    UniqueFd namespace_;
    RootDir root_;
};

/// The root mount of the namespace MNT_NS alone, detached: what the mounts over it hide is seen.
Result<UniqueFd> clone_root_mount(int mnt_ns);

}  // namespace gantry::sys
