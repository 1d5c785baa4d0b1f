#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "pack/tar_writer.h"
#include "sys/user_namespace.h"

namespace gantry::pack {

/// What a tree is read as.
struct TreeOptions {
    enum class Form {
        /// Files as they are.
        kFiles,
        /// An overlay's upper directory: 0:0 character devices become `.wh.x`, an opaque directory
        /// gets `.wh..wh..opq`, as layers have them.
        kOverlayLayer,
    };
    Form form = Form::kFiles;
    /// Which attributes are kept: a file's capabilities, as in `docker cp`, or the user's too.
    enum class Xattrs { kCapability, kUser };
    Xattrs xattrs = Xattrs::kCapability;
    /// Tells whether the entry at PATH ("etc/hosts", from the tree's top) is left out with all that
    /// is below it.
    std::function<bool(std::string_view path)> skip = {};
    /// Owners are what these ids outside are inside; null: as they are.
    const sys::IdMaps* ids = nullptr;
};

/// Writes files and trees that somebody else controls, and may be changing meanwhile, as tar
/// entries: sorted by name in each directory, a file's further names as hard links, no sockets.
///
/// SAFETY: everything is reached by fd from its directory and never by following a link; devices
/// and FIFOs are described and not opened; file systems of the kernel (procfs, sysfs...) are shown
/// as empty directories. What disappears while it is read is left out.
///
/// Used by one thread. Memory: the names of the directories on the way to the present entry, and
/// one record per file with several names.
class TreeArchive {
public:
    TreeArchive(TarWriter& tar, TreeOptions options) : tar_(tar), options_(std::move(options)) {}

    /// What is below the directory TOP, and TOP itself as NAME unless that is empty. Names of
    /// entries begin with NAME. TOP may be O_PATH.
    Result<> add_directory(int top, const std::string& name);

    /// The entry that FD (O_PATH) refers to, which is no directory, as NAME.
    Result<> add_node(int fd, const std::string& name);

private:
    struct Level {
        UniqueFd dir;
        dev_t device;
        std::string prefix;              // of the archive's names: "" or "x/"
        std::string path;                // from the tree's top: "" or "etc/"
        std::vector<std::string> names;  // last one next
    };

    TarEntry describe(const struct stat& status, std::string name) const;
    Result<> descend(std::vector<Level>& levels, Level level);
    Result<> add_child(std::vector<Level>& levels, const std::string& name);
    Result<> add_entry(int fd, const struct stat& status, const std::string& name, dev_t parent);
    Result<> add_file(int fd, TarEntry& entry, dev_t parent, const struct stat& status);
    Result<> add_whiteout(const std::string& name);
    Result<> add_opaque_mark(int dir, const std::string& prefix);
    Result<> add_attributes(int fd, TarEntry& entry) const;

    TarWriter& tar_;
    TreeOptions options_;
    std::map<std::pair<dev_t, ino_t>, std::string> linked_;
};

/// Whether FD is on a file system in which the kernel shows itself (procfs, sysfs, cgroups...).
bool is_kernel_filesystem(int fd);

/// The fields of an entry that stat(2) knows.
TarEntry entry_of(const struct stat& status, std::string name);

}  // namespace gantry::pack
