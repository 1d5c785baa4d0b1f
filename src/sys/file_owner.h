#pragma once

#include <sys/types.h>

#include "base/error.h"

namespace gantry::sys {

/// While it lives, what the calling thread makes in file systems belongs to another user and group,
/// and the thread keeps root's rights over files. For file systems whose mount maps owners: there
/// the host's root is nobody and can make nothing.
///
/// Not to be passed to another thread.
class FileOwner {
public:
    static Result<FileOwner> become(uid_t uid, gid_t gid);
    FileOwner(FileOwner&& other) noexcept : active_(other.active_) { other.active_ = false; }
    FileOwner(const FileOwner&) = delete;
    FileOwner& operator=(const FileOwner&) = delete;
    FileOwner& operator=(FileOwner&&) = delete;
    ~FileOwner();

private:
    FileOwner() = default;

    bool active_ = true;
};

}  // namespace gantry::sys
