#include "store/impl/layer_writer.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <limits>

#include "base/text.h"
#include "pack/entry_metadata.h"
#include "sys/files.h"
#include "sys/xattrs.h"

namespace gantry::store {
namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kWhiteoutMeta = ".wh..wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
constexpr const char* kOpaqueAttribute = "trusted.overlay.opaque";
constexpr mode_t kParentMode = 0755;

}  // namespace

Result<LayerWriter> LayerWriter::open(int target, const pack::ArchiveLimits& limits) {
    UniqueFd fd(::fcntl(target, F_DUPFD_CLOEXEC, 0));
    if (!fd) {
        return fail_errno("dup");
    }
    return LayerWriter(sys::RootDir::from_fd(std::move(fd)), limits);
}

/// NAME as a path from the layer's root: no empty, "." or ".." parts, no slash at either end. Empty
/// for the root itself.
Result<std::string> LayerWriter::checked_path(std::string_view name) const {
    if (name.size() > limits_.max_path_bytes) {
        return fail(Kind::kInvalid, fmt::format("entry name longer than {} bytes: {}...",
                                                limits_.max_path_bytes, name.substr(0, 64)));
    }
    std::string path;
    size_t depth = 0;
    for (const std::string_view part : split(name, '/')) {
        if (part.empty() || part == ".") {
            continue;
        }
        if (part == "..") {
            return fail(Kind::kInvalid, fmt::format("invalid entry name: {}", name));
        }
        if (part.size() > NAME_MAX) {
            return fail(Kind::kInvalid,
                        fmt::format("file name too long: {}...", part.substr(0, 64)));
        }
        path += path.empty() ? "" : "/";
        path += part;
        ++depth;
    }
    if (depth > limits_.max_path_depth) {
        return fail(Kind::kInvalid, fmt::format("entry more than {} directories deep: {}...",
                                                limits_.max_path_depth, path.substr(0, 64)));
    }
    return path;
}

/// The directory at DIRECTORY, made if missing; valid until the next call or clear().
Result<int> LayerWriter::parent(const std::string& directory) {
    if (parent_ && parent_path_ == directory) {
        return parent_.get();
    }
    auto found = root_.open_at(directory, O_PATH | O_DIRECTORY);
    if (!found && found.error().kind() == Kind::kNotFound) {
        GT_TRY(make_parents(directory));
        found = root_.open_at(directory, O_PATH | O_DIRECTORY);
    }
    if (!found) {
        return Failure(std::move(found).error());
    }
    parent_ = std::move(*found);
    parent_path_ = directory;
    return parent_.get();
}

/// Directories that have no entry of their own, root's and 0755 whatever our umask is.
Result<> LayerWriter::make_parents(const std::string& directory) {
    for (size_t end = directory.find('/');; end = directory.find('/', end + 1)) {
        GT_TRY_VAR(place, root_.place(std::string_view(directory).substr(0, end)));
        if (::mkdirat(place.dir.get(), place.name.c_str(), kParentMode) == 0) {
            if (::fchmodat(place.dir.get(), place.name.c_str(), kParentMode, 0) < 0) {
                return fail_errno(fmt::format("chmod {}", directory));
            }
        } else if (errno != EEXIST) {
            return fail_errno(fmt::format("mkdir {}", directory));
        }
        if (end == directory.npos) {
            return {};
        }
    }
}

Result<> LayerWriter::add(const pack::TarEntry& entry, pack::TarReader& reader) {
    if (++entries_ > limits_.max_entries) {
        return fail(Kind::kInvalid, fmt::format("more than {} entries", limits_.max_entries));
    }
    GT_TRY(pack::check_metadata(entry, limits_));
    GT_TRY_VAR(path, checked_path(entry.path));
    if (path.empty()) {
        return add_root(entry);
    }
    const auto [directory, name] = pack::split_last(path);
    auto added =
        name.starts_with(kWhiteout) ? add_whiteout(directory, name) : add_node(entry, reader, path);
    if (added) {
        return {};
    }
    // What is not there, or is there already, is so because the archive says so.
    const Error& error = added.error();
    const bool archive_is_wrong =
        error.kind() == Kind::kNotFound || error.kind() == Kind::kConflict;
    return Failure(
        Error(archive_is_wrong ? Kind::kInvalid : error.kind(), error.text(), error.sys_errno())
            .in(path));
}

Result<> LayerWriter::add_root(const pack::TarEntry& entry) {
    if (entry.type != pack::TarType::kDirectory) {
        return fail(Kind::kInvalid, fmt::format("invalid entry name: {}", entry.path));
    }
    GT_TRY_VAR(fd, root_.open_at("", O_RDONLY | O_DIRECTORY));
    GT_TRY(pack::set_metadata(fd.get(), entry));
    has_root_entry_ = true;
    directory_times_.emplace_back("", entry.mtime);
    return {};
}

Result<> LayerWriter::add_whiteout(const std::string& directory, const std::string& marker) {
    if (marker.starts_with(kWhiteoutMeta)) {
        // Other names with this prefix are AUFS' own bookkeeping in old images.
        if (marker == kOpaque) {
            GT_TRY_VAR(dir, parent(directory));
            GT_TRY(sys::set_xattr(dir, kOpaqueAttribute, "y"));
        }
        return {};
    }
    const std::string name = marker.substr(kWhiteout.size());
    if (name.empty() || name == "." || name == "..") {
        return fail(Kind::kInvalid, fmt::format("invalid whiteout name: {}/{}", directory, marker));
    }
    GT_TRY_VAR(dir, parent(directory));
    if (::mknodat(dir, name.c_str(), S_IFCHR, 0) == 0) {
        return {};
    }
    if (errno != EEXIST) {
        return fail_errno(fmt::format("whiteout of {}", name));
    }
    // The layer brought the same name itself: a whiteout is about the layers below only. A file
    // hides what is below it anyway, a directory has to be told to.
    UniqueFd existing(::openat(dir, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat status{};
    if (!existing || ::fstat(existing.get(), &status) < 0) {
        return fail_errno(fmt::format("stat {}", name));
    }
    if (S_ISDIR(status.st_mode)) {
        return sys::set_xattr(existing.get(), kOpaqueAttribute, "y");
    }
    return {};
}

Result<> LayerWriter::add_node(const pack::TarEntry& entry, pack::TarReader& reader,
                               const std::string& path) {
    const auto [directory, name] = pack::split_last(path);
    GT_TRY_VAR(dir, parent(directory));
    switch (entry.type) {
        case pack::TarType::kDirectory: return add_directory(entry, path, dir, name);
        case pack::TarType::kFile: return add_file(entry, reader, dir, name);
        case pack::TarType::kHardLink: return add_hard_link(entry, dir, name);
        case pack::TarType::kSocket: return {};  // nothing can listen on it: as Docker, left out
        case pack::TarType::kSymlink:
        case pack::TarType::kCharDevice:
        case pack::TarType::kBlockDevice:
        case pack::TarType::kFifo: return add_special(entry, dir, name);
    }
    return {};
}

/// Makes room for an entry of type NEXT at NAME. A directory stays for a directory.
Result<LayerWriter::Before> LayerWriter::clear(int dir, const std::string& name,
                                               pack::TarType next) {
    struct stat status{};
    if (::fstatat(dir, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno == ENOENT) {
            return Before::kNothing;
        }
        return fail_errno("stat");
    }
    if (S_ISDIR(status.st_mode)) {
        if (next == pack::TarType::kDirectory) {
            return Before::kDirectory;
        }
        GT_TRY(sys::remove_tree(dir, name.c_str()));
        // The cached parent may have been inside; DIR itself, which is that cache, stays open for
        // this entry.
        parent_path_ = "/";
        return Before::kNothing;
    }
    if (::unlinkat(dir, name.c_str(), 0) < 0) {
        return fail_errno("replace");
    }
    const bool whiteout = S_ISCHR(status.st_mode) && status.st_rdev == 0;
    return whiteout ? Before::kWhiteout : Before::kNothing;
}

Result<> LayerWriter::add_directory(const pack::TarEntry& entry, const std::string& path, int dir,
                                    const std::string& name) {
    GT_TRY_VAR(before, clear(dir, name, pack::TarType::kDirectory));
    if (before != Before::kDirectory && ::mkdirat(dir, name.c_str(), 0700) < 0) {
        return fail_errno("mkdir");
    }
    UniqueFd fd(::openat(dir, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) {
        return fail_errno("open");
    }
    if (before == Before::kWhiteout) {
        GT_TRY(sys::set_xattr(fd.get(), kOpaqueAttribute, "y"));
    }
    GT_TRY(pack::set_metadata(fd.get(), entry));
    directory_times_.emplace_back(path, entry.mtime);
    return {};
}

Result<> LayerWriter::add_file(const pack::TarEntry& entry, pack::TarReader& reader, int dir,
                               const std::string& name) {
    if (entry.size > limits_.max_content_bytes - content_bytes_) {
        return fail(Kind::kInvalid,
                    fmt::format("files larger than {} bytes together", limits_.max_content_bytes));
    }
    content_bytes_ += entry.size;
    constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    UniqueFd fd(::openat(dir, name.c_str(), kFlags, 0600));
    if (!fd && errno == EEXIST) {
        GT_TRY(clear(dir, name, pack::TarType::kFile));
        fd.reset(::openat(dir, name.c_str(), kFlags, 0600));
    }
    if (!fd) {
        return fail_errno("create");
    }
    GT_TRY(pack::write_content(fd.get(), entry, reader));
    GT_TRY(pack::set_metadata(fd.get(), entry));
    if (::futimens(fd.get(), pack::both_times(entry).data()) < 0) {
        return fail_errno("set times");
    }
    return {};
}

Result<> LayerWriter::add_hard_link(const pack::TarEntry& entry, int dir, const std::string& name) {
    GT_TRY_VAR(target, checked_path(entry.target));
    auto place = root_.place(target);
    struct stat from{};
    if (!place ||
        ::fstatat(place->dir.get(), place->name.c_str(), &from, AT_SYMLINK_NOFOLLOW) < 0 ||
        S_ISDIR(from.st_mode)) {
        return fail(Kind::kInvalid, fmt::format("invalid hardlink target: {}", entry.target));
    }
    struct stat here{};
    if (::fstatat(dir, name.c_str(), &here, AT_SYMLINK_NOFOLLOW) == 0 &&
        here.st_ino == from.st_ino && here.st_dev == from.st_dev) {
        return {};  // linked already, or a link to itself: clearing would lose the file
    }
    GT_TRY(clear(dir, name, pack::TarType::kHardLink));
    // SAFETY: without AT_SYMLINK_FOLLOW a symbolic link gets a second name and is not followed.
    if (::linkat(place->dir.get(), place->name.c_str(), dir, name.c_str(), 0) < 0) {
        return fail_errno("link");
    }
    return {};
}

Result<> LayerWriter::add_special(const pack::TarEntry& entry, int dir, const std::string& name) {
    GT_TRY(clear(dir, name, entry.type));
    return pack::make_special(entry, dir, name);
}

Result<> LayerWriter::finish() {
    parent_.reset();
    for (const auto& [path, mtime] : directory_times_) {
        const auto fd = root_.open_at(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (!fd) {
            continue;  // a later entry took the directory's place
        }
        const std::array<timespec, 2> both{mtime, mtime};
        if (::futimens(fd->get(), both.data()) < 0) {
            return fail_errno(fmt::format("set times of {}", path));
        }
    }
    return {};
}

}  // namespace gantry::store
