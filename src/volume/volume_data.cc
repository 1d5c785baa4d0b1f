// The part of Volumes that is about the content: mounting, filling, throwing away.

#include <fcntl.h>
#include <fmt/core.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/failpoint.h"
#include "base/scope_guard.h"
#include "sys/files.h"
#include "sys/mounts.h"
#include "volume/driver_options.h"
#include "volume/impl/entry.h"
#include "volume/impl/tree_copy.h"

namespace gantry::volume {

namespace {

/// Layers of mounts that are taken off one directory.
constexpr int kMaxMounts = 64;

bool is_mount_point(const std::string& path) {
    struct statx status{};
    return ::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &status) ==
               0 &&
           (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

Result<> take_mounts_off(const std::string& path) {
    for (int i = 0; i < kMaxMounts && is_mount_point(path); ++i) {
        GT_TRY(sys::detach_mount(path.c_str()));
    }
    return is_mount_point(path) ? Result<>(fail(Kind::kInternal, path + " is still mounted"))
                                : Result<>();
}

Result<bool> is_empty(int directory) {
    GT_TRY_VAR(names, sys::list_dir(directory, "."));
    return names.empty();
}

/// Moves what is in FROM into TO, entry by entry; what is in TO already stays.
Result<> move_entries(int from, int to) {
    GT_TRY_VAR(names, sys::list_dir(from, "."));
    for (const std::string& name : names) {
        if (::renameat2(from, name.c_str(), to, name.c_str(), RENAME_NOREPLACE) == 0 ||
            errno == EEXIST) {
            continue;
        }
        // Network file systems do not know the flag.
        if (errno != EINVAL || ::renameat(from, name.c_str(), to, name.c_str()) < 0) {
            return fail_errno("rename " + name);
        }
    }
    return copy_directory_metadata(from, to);
}

}  // namespace

Result<> Volumes::discard_directory(const VolumeId& id) {
    // SAFETY: what is mounted there is not ours to delete, and a bind of the same file system would
    // look like a part of the directory.
    GT_TRY(take_mounts_off(data_path(id)));
    return trash_.discard(directory_.get(), id.str());
}

Result<> Volumes::attach(const Volume& volume) {
    GT_FAILPOINT("volume.mount");
    GT_TRY_VAR(mount, make_driver_mount(volume.options));
    return sys::attach_mount(mount.get(), AT_FDCWD, data_path(volume.id).c_str());
}

Result<> Volumes::mount(const VolumeId& id, const ContainerId& container) {
    EntryPtr entry;
    {
        const MutexLock lock(mutex_);
        entry = find_entry(id);
        if (entry == nullptr) {
            return no_such_volume(id.str());
        }
        wait_idle(*entry);
        if (entry->volume->options.empty() || !entry->mounted_by.empty()) {
            entry->mounted_by.insert(container);
            return {};
        }
        entry->busy = true;
    }
    auto attached = attach(*entry->volume);
    const MutexLock lock(mutex_);
    if (attached) {
        entry->mounted_by.insert(container);
    }
    entry->busy = false;
    changed_.notify_all();
    return attached;
}

Result<> Volumes::unmount(const VolumeId& id, const ContainerId& container) {
    EntryPtr entry;
    {
        const MutexLock lock(mutex_);
        entry = find_entry(id);
        if (entry == nullptr) {
            return {};
        }
        wait_idle(*entry);
        const bool last = entry->mounted_by.erase(container) > 0 && entry->mounted_by.empty();
        if (!last || entry->volume->options.empty()) {
            return {};
        }
        entry->busy = true;
    }
    const ScopeGuard done([&] { settle(*entry); });
    return take_mounts_off(data_path(id));
}

void Volumes::adopt_mount(const VolumeId& id, const ContainerId& container) {
    const MutexLock lock(mutex_);
    if (const EntryPtr entry = find_entry(id)) {
        entry->mounted_by.insert(container);
    }
}

std::vector<std::string> Volumes::sweep_mounts() {
    std::vector<VolumeId> unused;
    {
        const MutexLock lock(mutex_);
        for (const auto& [id, entry] : by_id_) {
            if (!entry->volume->options.empty() && entry->mounted_by.empty()) {
                unused.push_back(id);
            }
        }
    }
    std::vector<std::string> reasons;
    for (const VolumeId& id : unused) {
        if (const auto off = take_mounts_off(data_path(id)); !off) {
            reasons.push_back(off.error().text());
        }
    }
    return reasons;
}

Result<> Volumes::copy_up(const VolumeId& id, int source) {
    EntryPtr entry;
    Visible visible = Visible::kNo;
    {
        const MutexLock lock(mutex_);
        entry = find_entry(id);
        if (entry == nullptr) {
            return no_such_volume(id.str());
        }
        if (!entry->draft) {
            wait_idle(*entry);
            entry->busy = true;
        }
        visible = entry->mounted_by.empty() ? Visible::kNo : Visible::kYes;
    }
    const bool is_draft = entry->draft;
    const ScopeGuard done([&] {
        if (!is_draft) {
            settle(*entry);
        }
    });
    const Volume& volume = *entry->volume;
    const bool own_mount = !volume.options.empty() && visible == Visible::kNo;
    if (own_mount) {
        GT_TRY(attach(volume));
    }
    auto filled = fill(volume, source, volume.options.empty() ? visible : Visible::kYes);
    if (own_mount) {
        auto off = take_mounts_off(data_path(id));
        if (filled) {
            filled = std::move(off);
        }
    }
    return filled;
}

Result<> Volumes::fill(const Volume& volume, int source, Visible visible) {
    const std::string staging = volume.options.empty() ? "_copy" : ".gantry-" + random_id();
    const std::string inner = staging + "/content";
    GT_TRY_VAR(own,
               sys::open_file(directory_.get(), volume.id.str().c_str(), O_RDONLY | O_DIRECTORY));
    GT_TRY_VAR(data, sys::open_file(own.get(), "_data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    GT_TRY_VAR(empty, is_empty(data.get()));
    if (!empty) {
        return {};
    }
    // A mounted file system is filled from within: a rename does not cross its border. SAFETY: 0700
    // and ours, so nobody reaches into the copy while it is made.
    const int place = volume.options.empty() ? own.get() : data.get();
    if (::mkdirat(place, staging.c_str(), 0700) < 0 || ::mkdirat(place, inner.c_str(), 0700) < 0) {
        return fail_errno("mkdir " + inner);
    }
    const ScopeGuard clean([&] { (void)sys::remove_tree(place, staging.c_str()); });
    GT_TRY_VAR(copy, sys::open_file(place, inner.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    GT_TRY(copy_tree(source, copy.get()));
    if (::syncfs(copy.get()) < 0) {
        return fail_errno("sync a volume");
    }
    GT_FAILPOINT("volume.copied");
    if (visible == Visible::kYes) {
        return move_entries(copy.get(), data.get());
    }
    // One rename over the empty directory: all of it or nothing.
    if (::renameat(own.get(), inner.c_str(), own.get(), "_data") < 0) {
        return errno == ENOTEMPTY ? Result<>() : fail_errno("rename a volume's content");
    }
    return sys::sync_dir(own.get());
}

}  // namespace gantry::volume
