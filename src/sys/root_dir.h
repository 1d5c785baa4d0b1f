#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"

namespace gantry::sys {

/// Whether the last part of a path is followed when it is a symbolic link.
enum class LastLink { kFollow, kKeep };

/// A directory tree whose content somebody else controls: a container's root, a layer, a build
/// context, a volume.
///
/// SAFETY: the only way to name anything inside such a tree. The kernel resolves every path with
/// the tree as the whole world (openat2 with RESOLVE_IN_ROOT): `..` and absolute links stay inside,
/// links into /proc are refused, and nothing is resolved twice. What comes back is an fd; go on
/// with it, never with the path. Blocking; never logs; safe to share between threads.
///
/// Errors of all members: a missing part is kNotFound; a link into /proc, a loop of links or a part
/// that is no directory is kInvalid; a path with a NUL byte or over PATH_MAX is kInvalid.
class RootDir {
public:
    /// A directory of the host that we chose ourselves. Links in HOST_PATH are followed.
    static Result<RootDir> open(const char* host_path);
    /// Takes a directory that is already open, O_PATH or not: a detached mount, a fresh layer.
    static RootDir from_fd(UniqueFd dir) { return RootDir(std::move(dir)); }

    int fd() const { return fd_.get(); }

    /// Opens PATH with FLAGS (O_CLOEXEC is added); MODE is for O_CREAT and O_TMPFILE only. Add
    /// O_NONBLOCK and check the type afterwards where a FIFO or a device could be planted: see
    /// open_regular().
    Result<UniqueFd> open_at(std::string_view path, int flags, mode_t mode = 0) const;

    /// Opens PATH for reading if it is a regular file, kInvalid if it is anything else. Never
    /// blocks on a FIFO and never opens a device.
    Result<UniqueFd> open_regular(std::string_view path) const;

    /// Makes PATH and what is missing above it, with MODE as the umask leaves it, and returns it as
    /// O_PATH. A link on the way is followed inside the tree, as a process there would see it; a
    /// link that leads nowhere is kNotFound, a part that is no directory kInvalid.
    Result<UniqueFd> make_dirs(std::string_view path, mode_t mode) const;

    /// A directory inside the tree and the name of an entry in it, which may or may not exist: what
    /// the *at() system calls want. NAME has no slash and is never "", "." or "..".
    struct Place {
        UniqueFd dir;
        std::string name;
    };
    /// Resolves all of PATH but its last part, which is taken as it is written. A PATH that names
    /// the root itself or ends in ".." is kInvalid.
    Result<Place> place(std::string_view path) const;
    /// As place(), but makes the directories above that are missing.
    Result<Place> make_place(std::string_view path, mode_t dir_mode) const;

    /// The target of the link at PATH; kInvalid if PATH is no link.
    Result<std::string> read_link(std::string_view path) const;

    Result<struct stat> stat(std::string_view path, LastLink last = LastLink::kFollow) const;

    /// Makes a link at PATH that holds TARGET verbatim; kConflict if something is there.
    Result<> symlink(std::string_view target, std::string_view path) const;

private:
    explicit RootDir(UniqueFd fd) : fd_(std::move(fd)) {}

    UniqueFd fd_;
};

}  // namespace gantry::sys
