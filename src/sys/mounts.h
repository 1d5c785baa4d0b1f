#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace gantry::sys {

// The mount API by file descriptor (fsopen(2) and its family): no path is resolved twice, no option
// string can be split by a comma in a path, and a mount that is not attached anywhere vanishes with
// its last fd. All of these block and never log.

/// One parameter of a new file system. An empty VALUE sets a flag ("ro", "volatile").
struct FsOption {
    std::string key;
    std::string value;
};

/// MOUNT_ATTR_* of <sys/mount.h>: MOUNT_ATTR_RDONLY, NOSUID, NODEV, NOEXEC, NOSYMFOLLOW...
using MountAttr = uint64_t;

/// A new file system of TYPE as a detached mount. The options reach the kernel one by one, so a
/// value may hold any byte but NUL and up to 255 bytes of text (the overlay's lowerdir+ takes one
/// layer each). The kernel's own message, where it gives one, is part of the error's text.
Result<UniqueFd> make_mount(const char* type, std::span<const FsOption> options, MountAttr attr);

enum class Tree { kOne, kRecursive };

/// A detached copy of the mount at PATH below DIR (a bind mount that is not attached yet). An empty
/// PATH copies DIR itself. Links are followed only as openat(2) would: give an O_PATH fd of
/// RootDir and an empty PATH for anything that is not ours.
Result<UniqueFd> clone_mount(int dir, const char* path, Tree tree);

/// Attaches the detached MOUNT at PATH below DIR; an empty PATH means DIR itself.
Result<> attach_mount(int mount, int dir, const char* path);

/// Propagation of a mount: MS_PRIVATE and so on of mount(2), 0 leaves it.
struct MountChange {
    MountAttr set = 0;
    MountAttr clear = 0;
    uint64_t propagation = 0;
    Tree tree = Tree::kOne;
};
Result<> change_mount(int mount, const MountChange& change);

/// Detaches what is mounted at PATH at once and lets it go when it is no longer used. A path that
/// is no mount point is success.
Result<> detach_mount(const char* path);

/// One line of /proc/self/mountinfo, unescaped.
struct MountInfo {
    uint64_t id = 0;
    uint64_t parent_id = 0;
    std::string device;  // "8:1"
    std::string root;    // the part of the file system that is mounted
    std::string mount_point;
    std::string options;   // of this mount
    std::string optional;  // "shared:1 master:2"
    std::string type;
    std::string source;
    std::string super_options;
};
/// Lines that do not parse are kInvalid: the kernel writes them.
Result<std::vector<MountInfo>> parse_mountinfo(std::string_view text);
Result<std::vector<MountInfo>> read_mountinfo();

}  // namespace gantry::sys
