#pragma once

#include <optional>
#include <utility>

#include "base/error.h"
#include "engine/container/core.h"
#include "sys/mount_view.h"

namespace gantry::engine {

enum class ViewAccess { kRead, kWrite };

/// A container's files as the container sees them: root, volumes, binds, tmpfs. Without what the
/// kernel shows of itself (/proc, /sys) and without /dev.
///
/// A running container's mounts are copied, and it goes on as it likes. One that does not run has
/// its root mounted for the purpose with its volumes and binds over it; a view to write to then
/// keeps its Operation, so that it is not started meanwhile.
class FileView {
public:
    static Result<FileView> open(ContainerCore& core, const EntryPtr& entry, ViewAccess access);

    const sys::RootDir& root() const { return view_.root(); }
    /// The container's ids, which owners in here are to be told in; null if they are the host's.
    const IdMap* ids() const { return ids_; }

private:
    FileView(sys::MountView view, const IdMap* ids) : view_(std::move(view)), ids_(ids) {}

    // ORDER: the mounts go before the right to start the container.
    std::optional<ContainerEntry::Operation> operation_;
    sys::MountView view_;
    const IdMap* ids_;
};

/// The root file system alone, detached, without what is mounted over it.
Result<UniqueFd> open_root_mount(ContainerCore& core, const EntryPtr& entry);

}  // namespace gantry::engine
