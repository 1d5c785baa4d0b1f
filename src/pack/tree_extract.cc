#include "pack/tree_extract.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <utility>
#include <vector>

#include "base/failpoint.h"
#include "base/text.h"
#include "pack/entry_metadata.h"
#include "pack/tar_reader.h"
#include "sys/file_owner.h"
#include "sys/files.h"

namespace gantry::pack {
namespace {

constexpr mode_t kParentMode = 0755;

class Extraction {
public:
    Extraction(const sys::RootDir& root, std::string_view directory, const ExtractOptions& options)
        : root_(root), directory_(directory), options_(options) {}

    Result<> add(TarEntry entry, TarReader& reader);
    Result<> finish();

private:
    Result<std::string> clean_name(std::string_view name) const;
    std::string in_root(const std::string& path) const { return directory_ + "/" + path; }
    Result<UniqueFd> parent(const std::string& directory) const;
    void adapt(TarEntry& entry) const;
    Result<> add_node(const TarEntry& entry, TarReader& reader, const std::string& path);
    Result<bool> clear(int dir, const std::string& path, const std::string& name,
                       TarType next) const;
    Result<> add_directory(const TarEntry& entry, const std::string& path, int dir,
                           const std::string& name);
    Result<> add_file(const TarEntry& entry, TarReader& reader, int dir, const std::string& path,
                      const std::string& name);
    Result<> add_hard_link(const TarEntry& entry, int dir, const std::string& path,
                           const std::string& name) const;

    const sys::RootDir& root_;
    const std::string directory_;
    const ExtractOptions& options_;
    uint64_t entries_ = 0;
    uint64_t content_bytes_ = 0;
    std::vector<std::pair<std::string, timespec>> directory_times_;
};

/// Gives ENTRY the owner that IDS make of its.
Result<> map_owner(const sys::IdMaps& ids, TarEntry& entry) {
    const auto uid = sys::map_id(ids.uids, static_cast<uint32_t>(entry.uid));
    const auto gid = sys::map_id(ids.gids, static_cast<uint32_t>(entry.gid));
    if (!uid || !gid) {
        return fail(Kind::kInvalid, fmt::format("Container ID {} cannot be mapped to a host ID",
                                                uid ? entry.gid : entry.uid));
    }
    entry.uid = *uid;
    entry.gid = *gid;
    return {};
}

/// NAME without ".", ".." and double slashes; empty for the directory itself.
Result<std::string> Extraction::clean_name(std::string_view name) const {
    std::vector<std::string> parts;
    for (const std::string_view part : split(name, '/')) {
        if (part.empty() || part == ".") {
            continue;
        }
        if (part == "..") {
            if (parts.empty()) {
                return fail(Kind::kInvalid,
                            fmt::format("{:?} is outside of {:?}", name, directory_));
            }
            parts.pop_back();
            continue;
        }
        if (part.size() > NAME_MAX) {
            return fail(Kind::kInvalid,
                        fmt::format("{}...: file name too long", part.substr(0, 64)));
        }
        parts.emplace_back(part);
    }
    std::string path = join(parts, "/");
    if (path.size() > options_.limits.max_path_bytes ||
        parts.size() > options_.limits.max_path_depth) {
        return fail(Kind::kInvalid, fmt::format("{}...: file name too long", path.substr(0, 64)));
    }
    return path;
}

Result<UniqueFd> Extraction::parent(const std::string& directory) const {
    const std::string path = in_root(directory);
    auto found = root_.open_at(path, O_PATH | O_DIRECTORY);
    if (!found && found.error().kind() == Kind::kNotFound) {
        return root_.make_dirs(path, kParentMode);
    }
    return found;
}

/// Makes room for an entry of type NEXT. True if a directory stays for a directory.
Result<bool> Extraction::clear(int dir, const std::string& path, const std::string& name,
                               TarType next) const {
    struct stat status{};
    if (::fstatat(dir, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
        return errno == ENOENT ? Result<bool>(false) : fail_errno(fmt::format("stat {}", name));
    }
    const bool is_directory = S_ISDIR(status.st_mode);
    const bool wants_directory = next == TarType::kDirectory;
    if (is_directory && wants_directory) {
        return true;
    }
    if (options_.clash == ExtractOptions::Clash::kRefuse && is_directory != wants_directory) {
        return fail(Kind::kInvalid, fmt::format("cannot overwrite {} {:?} with {} {:?}",
                                                is_directory ? "directory" : "non-directory",
                                                options_.shown_root + in_root(path),
                                                is_directory ? "non-directory" : "directory",
                                                options_.shown_root + directory_));
    }
    if (is_directory) {
        GT_TRY(sys::remove_tree(dir, name.c_str()));
    } else if (::unlinkat(dir, name.c_str(), 0) < 0 && errno != ENOENT) {
        return fail_errno(fmt::format("unlinkat {}", in_root(path)));
    }
    return false;
}

Result<> Extraction::add_directory(const TarEntry& entry, const std::string& path, int dir,
                                   const std::string& name) {
    GT_TRY_VAR(stays, clear(dir, path, name, TarType::kDirectory));
    if (!stays && ::mkdirat(dir, name.c_str(), 0700) < 0 && errno != EEXIST) {
        return fail_errno("mkdir");
    }
    UniqueFd fd(::openat(dir, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) {
        return fail_errno("open");
    }
    GT_TRY(set_metadata(fd.get(), entry));
    directory_times_.emplace_back(path, entry.mtime);
    return {};
}

/// The file is written without a name first, so that neither a crash nor a full disk leaves half of
/// one, and takes the place of what is there when it is complete.
Result<> Extraction::add_file(const TarEntry& entry, TarReader& reader, int dir,
                              const std::string& path, const std::string& name) {
    if (entry.size > options_.limits.max_content_bytes - content_bytes_) {
        return fail(Kind::kInvalid, "the archive's files are too large");
    }
    content_bytes_ += entry.size;
    UniqueFd fd(::openat(dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
    // Not every file system that may be mounted into a container has files without names.
    const bool nameless = static_cast<bool>(fd);
    if (!nameless) {
        if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EINVAL) {
            return fail_errno("create");
        }
        GT_TRY(clear(dir, path, name, TarType::kFile));
        fd.reset(::openat(dir, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                          0600));
        if (!fd) {
            return fail_errno("create");
        }
    }
    const auto fill = [&]() -> Result<> {
        GT_TRY(write_content(fd.get(), entry, reader));
        GT_TRY(set_metadata(fd.get(), entry));
        if (::futimens(fd.get(), both_times(entry).data()) < 0) {
            return fail_errno("set times");
        }
        GT_FAILPOINT("files.extract.written");
        return {};
    };
    if (auto filled = fill(); !filled) {
        if (!nameless) {
            (void)::unlinkat(dir, name.c_str(), 0);
        }
        return filled;
    }
    if (!nameless) {
        return {};
    }
    GT_TRY(clear(dir, path, name, TarType::kFile));
    if (::linkat(AT_FDCWD, fmt::format("/proc/self/fd/{}", fd.get()).c_str(), dir, name.c_str(),
                 AT_SYMLINK_FOLLOW) < 0) {
        return fail_errno("create");
    }
    return {};
}

Result<> Extraction::add_hard_link(const TarEntry& entry, int dir, const std::string& path,
                                   const std::string& name) const {
    auto target = clean_name(entry.target);
    if (!target || target->empty()) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid hardlink {:?} -> {:?}", in_root(path), entry.target));
    }
    GT_TRY_VAR(place, root_.place(in_root(*target)));
    struct stat from{};
    struct stat here{};
    if (::fstatat(place.dir.get(), place.name.c_str(), &from, AT_SYMLINK_NOFOLLOW) < 0) {
        return fail_errno(fmt::format("link {}", in_root(*target)));
    }
    if (::fstatat(dir, name.c_str(), &here, AT_SYMLINK_NOFOLLOW) == 0 &&
        here.st_ino == from.st_ino && here.st_dev == from.st_dev) {
        return {};
    }
    GT_TRY(clear(dir, path, name, TarType::kHardLink));
    // SAFETY: without AT_SYMLINK_FOLLOW a symbolic link gets a second name and is not followed.
    if (::linkat(place.dir.get(), place.name.c_str(), dir, name.c_str(), 0) < 0) {
        return fail_errno("link");
    }
    return {};
}

Result<> Extraction::add_node(const TarEntry& entry, TarReader& reader, const std::string& path) {
    const auto [directory, name] = split_last(path);
    GT_TRY_VAR(dir, parent(directory));
    switch (entry.type) {
        case TarType::kDirectory: return add_directory(entry, path, dir.get(), name);
        case TarType::kFile: return add_file(entry, reader, dir.get(), path, name);
        case TarType::kHardLink: return add_hard_link(entry, dir.get(), path, name);
        case TarType::kSocket: return {};  // nothing listens on a copy
        case TarType::kSymlink:
        case TarType::kCharDevice:
        case TarType::kBlockDevice:
        case TarType::kFifo: break;
    }
    GT_TRY(clear(dir.get(), path, name, entry.type));
    return make_special(entry, dir.get(), name);
}

/// What OPTIONS say about the entry, whatever the archive does.
void Extraction::adapt(TarEntry& entry) const {
    if (options_.leave_owners) {
        entry.uid = kLeaveOwner;
        entry.gid = kLeaveOwner;
        if (::geteuid() != 0) {
            std::erase_if(entry.xattrs,
                          [](const auto& xattr) { return xattr.first == kCapability; });
        }
    }
    if (options_.rename) {
        entry.path = options_.rename(entry.path);
        if (entry.type == TarType::kHardLink) {
            entry.target = options_.rename(entry.target);
        }
    }
}

Result<> Extraction::add(TarEntry entry, TarReader& reader) {
    if (++entries_ > options_.limits.max_entries) {
        return fail(Kind::kInvalid,
                    fmt::format("more than {} entries", options_.limits.max_entries));
    }
    if (options_.owner) {
        entry.uid = options_.owner->uid;
        entry.gid = options_.owner->gid;
    }
    GT_TRY(check_metadata(entry, options_.limits));
    if (options_.ids != nullptr) {
        GT_TRY(map_owner(*options_.ids, entry));
    }
    adapt(entry);
    GT_TRY_VAR(path, clean_name(entry.path));
    if (path.empty()) {
        // COMPAT: what the archive says about the directory itself is not applied.
        return entry.type == TarType::kDirectory
                   ? Result<>()
                   : fail(Kind::kInvalid, fmt::format("invalid entry name: {:?}", entry.path));
    }
    auto added = add_node(entry, reader, path);
    if (added) {
        return {};
    }
    // What is not there is so because the archive says so: 404 is for the destination.
    const Error& error = added.error();
    const bool archive_is_wrong =
        error.kind() == Kind::kNotFound || error.kind() == Kind::kConflict;
    return Failure(
        Error(archive_is_wrong ? Kind::kInvalid : error.kind(), error.text(), error.sys_errno())
            .in(path));
}

Result<> Extraction::finish() {
    for (const auto& [path, mtime] : directory_times_) {
        const auto fd = root_.open_at(in_root(path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        const std::array<timespec, 2> both{mtime, mtime};
        // A later entry or the container itself may have taken the directory away.
        if (fd && ::futimens(fd->get(), both.data()) < 0) {
            return fail_errno(fmt::format("set times of {}", path));
        }
    }
    return {};
}

}  // namespace

Result<> extract_tree(const Reader& archive, const sys::RootDir& root, std::string_view directory,
                      const ExtractOptions& options) {
    uint64_t total = 0;
    const Reader counted = [&](std::span<char> into) -> Result<size_t> {
        GT_TRY_VAR(count, archive(into));
        total += count;
        if (total > options.limits.max_stream_bytes) {
            return fail(Kind::kInvalid, "the archive is too large");
        }
        return count;
    };
    std::optional<sys::FileOwner> maker;
    if (options.ids != nullptr) {
        GT_TRY_VAR(root_inside,
                   sys::FileOwner::become(sys::map_id(options.ids->uids, 0).value_or(0),
                                          sys::map_id(options.ids->gids, 0).value_or(0)));
        maker.emplace(std::move(root_inside));
    }
    TarReader reader(counted);
    Extraction extraction(root, directory, options);
    for (;;) {
        GT_TRY_VAR(entry, reader.next());
        if (!entry) {
            break;
        }
        GT_TRY(extraction.add(*std::move(entry), reader));
    }
    return extraction.finish();
}

}  // namespace gantry::pack
