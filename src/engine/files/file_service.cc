#include "engine/files/file_service.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <chrono>
#include <climits>
#include <utility>

#include "base/failpoint.h"
#include "base/text.h"
#include "engine/container/container_service.h"
#include "engine/container/core.h"
#include "engine/files/file_view.h"
#include "engine/files/setup_files.h"
#include "pack/tree_archive.h"
#include "pack/tree_extract.h"
#include "spec/mount.h"
#include "store/compression.h"
#include "store/snapshots.h"
#include "store/upper_changes.h"
#include "sys/user_db.h"

namespace gantry::engine {
namespace {

Failure no_such_file(const std::string& path, std::string_view ref) {
    return fail(Kind::kNotFound,
                fmt::format("Could not find the file {} in container {}", path, ref));
}

/// Absolute and clean, but "/." or "/" at the end stay: they ask for a directory's content.
std::string absolute(const std::string& path) {
    std::string clean = spec::clean_path("/" + path);
    if (path == "." || path.ends_with("/.")) {
        return clean + (clean.ends_with('/') ? "." : "/.");
    }
    return path.ends_with('/') && clean != "/" ? clean + "/" : clean;
}

/// Go's filepath.Base.
std::string base_name(std::string_view path) {
    while (path.size() > 1 && path.ends_with('/')) {
        path.remove_suffix(1);
    }
    const size_t slash = path.rfind('/');
    return path == "/" || slash == path.npos ? std::string(path)
                                             : std::string(path.substr(slash + 1));
}

/// Go's os.FileMode, which is what the header carries.
uint32_t go_mode(mode_t mode) {
    uint32_t bits = mode & 0777;
    switch (mode & S_IFMT) {
        case S_IFDIR: bits |= 1U << 31; break;
        case S_IFLNK: bits |= 1U << 27; break;
        case S_IFBLK: bits |= 1U << 26; break;
        case S_IFCHR: bits |= 1U << 26 | 1U << 21; break;
        case S_IFIFO: bits |= 1U << 25; break;
        case S_IFSOCK: bits |= 1U << 24; break;
        default: break;
    }
    bits |= (mode & S_ISUID) != 0 ? 1U << 23 : 0;
    bits |= (mode & S_ISGID) != 0 ? 1U << 22 : 0;
    bits |= (mode & S_ISVTX) != 0 ? 1U << 20 : 0;
    return bits;
}

/// Where FD is, as a path from the view's root.
Result<std::string> path_in_view(const sys::RootDir& root, int fd) {
    const auto place_of = [](int of) -> Result<std::string> {
        std::string text(PATH_MAX, '\0');
        const ssize_t size =
            ::readlink(fmt::format("/proc/self/fd/{}", of).c_str(), text.data(), text.size());
        if (size < 0) {
            return fail_errno("readlink");
        }
        text.resize(static_cast<size_t>(size));
        return text;
    };
    GT_TRY_VAR(top, place_of(root.fd()));
    GT_TRY_VAR(path, place_of(fd));
    if (top != "/" && path.starts_with(top)) {
        path = path.substr(top.size());
    }
    return path.empty() ? std::string("/") : path;
}

/// What the link at PATH leads to in the end, or where it would if something were there.
Result<std::string> link_target(const sys::RootDir& root, const std::string& path) {
    if (const auto end = root.open_at(path, O_PATH)) {
        return path_in_view(root, end->get());
    }
    GT_TRY_VAR(text, root.read_link(path));
    return spec::clean_path(text.starts_with('/') ? text : path + "/../" + text);
}

struct Found {
    UniqueFd fd;
    spec::PathStat stat;
};

/// The last part of PATH is not followed unless a "/" stands behind it.
Result<Found> find(const sys::RootDir& root, const std::string& path) {
    GT_TRY_VAR(fd, root.open_at(path, O_PATH | O_NOFOLLOW));
    struct stat status{};
    if (::fstat(fd.get(), &status) < 0) {
        return fail_errno("stat");
    }
    if (pack::is_kernel_filesystem(fd.get())) {
        return fail(Kind::kNotFound, "of the kernel");
    }
    Found found;
    found.stat.name = base_name(path);
    found.stat.size = status.st_size;
    found.stat.mode = go_mode(status.st_mode);
    found.stat.mtime = WallTime(std::chrono::seconds(status.st_mtim.tv_sec) +
                                std::chrono::nanoseconds(status.st_mtim.tv_nsec));
    if (S_ISLNK(status.st_mode)) {
        GT_TRY_VAR(target, link_target(root, path));
        found.stat.link_target = std::move(target);
    }
    found.fd = std::move(fd);
    return found;
}

Result<Found> find_for(const FileView& view, std::string_view ref, const std::string& path) {
    auto found = find(view.root(), absolute(path));
    if (!found && found.error().kind() == Kind::kNotFound) {
        return no_such_file(path, ref);
    }
    return found;
}

/// One file or tree out of a view.
class PathArchive final : public ArchiveSource {
public:
    PathArchive(FileView view, Found found) : view_(std::move(view)), found_(std::move(found)) {}

    const spec::PathStat& stat() const override { return found_.stat; }

    Result<> write(const Writer& out) override {
        pack::TarWriter tar(out);
        pack::TreeArchive archive(tar, {.ids = view_.ids()});
        const bool directory = (found_.stat.mode & 1U << 31) != 0;
        GT_TRY(directory ? archive.add_directory(found_.fd.get(), found_.stat.name)
                         : archive.add_node(found_.fd.get(), found_.stat.name));
        return tar.finish();
    }

private:
    FileView view_;
    Found found_;
};

/// A whole root file system.
class RootArchive final : public ArchiveSource {
public:
    RootArchive(UniqueFd root, const sys::IdMaps* ids, std::function<void()> done)
        : root_(std::move(root)), ids_(ids), done_(std::move(done)) {}

    const spec::PathStat& stat() const override { return stat_; }

    Result<> write(const Writer& out) override {
        pack::TarWriter tar(out);
        pack::TreeArchive archive(tar, {.xattrs = pack::TreeOptions::Xattrs::kUser, .ids = ids_});
        GT_TRY(archive.add_directory(root_.get(), ""));
        GT_TRY(tar.finish());
        done_();
        return {};
    }

private:
    UniqueFd root_;
    const sys::IdMaps* ids_;
    std::function<void()> done_;
    spec::PathStat stat_;
};

Result<uint64_t> mount_of(int fd) {
    struct statx status{};
    if (::statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &status) < 0) {
        return fail_errno("statx");
    }
    return status.stx_mnt_id;
}

/// Whether something may be unpacked into DIRECTORY.
Result<> check_writable(const sys::RootDir& root, int directory) {
    struct statvfs status{};
    if (::fstatvfs(directory, &status) < 0) {
        return fail_errno("statvfs");
    }
    if ((status.f_flag & ST_RDONLY) == 0) {
        return {};
    }
    GT_TRY_VAR(top, mount_of(root.fd()));
    GT_TRY_VAR(here, mount_of(directory));
    return fail(Kind::kForbidden, top == here ? "container rootfs is marked read-only"
                                              : "mounted volume is marked read-only");
}

Result<pack::ExtractOptions> extract_options(const FileView& view, const ContainerRecord& record,
                                             const ExtractRequest& request) {
    pack::ExtractOptions options;
    options.ids = view.ids();
    if (request.no_overwrite) {
        options.clash = pack::ExtractOptions::Clash::kRefuse;
    }
    if (request.to_container_user && !record.config.user.empty()) {
        GT_TRY_VAR(users, sys::read_user_db(view.root().fd()));
        GT_TRY_VAR(user, sys::resolve_user(users, record.config.user, {}));
        options.owner = {.uid = user.uid, .gid = user.gid};
    }
    return options;
}

Result<> check_alive(const ContainerEntry& entry, std::string_view verb) {
    const SnapshotPtr snapshot = entry.snapshot();
    if (snapshot->life.phase == Phase::kDead) {
        return fail(Kind::kConflict, fmt::format("You cannot {} container {} which is Dead", verb,
                                                 entry.id().str()));
    }
    if (snapshot->life.phase == Phase::kRemoving || entry.removal_claimed()) {
        return fail(Kind::kConflict,
                    fmt::format("You cannot {} container {} which is being removed", verb,
                                entry.id().str()));
    }
    return {};
}

}  // namespace

FileService::FileService(ContainerService& containers) : core_(containers.core()) {}

Result<spec::PathStat> FileService::stat(std::string_view ref, const std::string& path) {
    GT_TRY_VAR(entry, core_.table.find(ref));
    GT_TRY_VAR(view, FileView::open(core_, entry, ViewAccess::kRead));
    GT_TRY_VAR(found, find_for(view, ref, path));
    return std::move(found.stat);
}

Result<std::unique_ptr<ArchiveSource>> FileService::read(std::string_view ref,
                                                         const std::string& path) {
    GT_TRY_VAR(entry, core_.table.find(ref));
    GT_TRY_VAR(view, FileView::open(core_, entry, ViewAccess::kRead));
    GT_TRY_VAR(found, find_for(view, ref, path));
    publish_event(core_, *entry->snapshot(), "archive-path");
    return std::make_unique<PathArchive>(std::move(view), std::move(found));
}

Result<> FileService::extract(std::string_view ref, const ExtractRequest& request,
                              const Reader& archive) {
    GT_TRY_VAR(entry, core_.table.find(ref));
    GT_TRY_VAR(view, FileView::open(core_, entry, ViewAccess::kWrite));
    const std::string path = spec::clean_path("/" + request.path);
    {
        const auto directory = view.root().open_at(path, O_PATH);
        if (!directory && directory.error().kind() == Kind::kNotFound) {
            return no_such_file(request.path, ref);
        }
        struct stat status{};
        if (!directory || ::fstat(directory->get(), &status) < 0 || !S_ISDIR(status.st_mode)) {
            return fail(Kind::kInvalid, "extraction point is not a directory");
        }
        GT_TRY(check_writable(view.root(), directory->get()));
        if (pack::is_kernel_filesystem(directory->get())) {
            return no_such_file(request.path, ref);
        }
    }
    GT_TRY_VAR(options, extract_options(view, *entry->snapshot()->record, request));
    GT_TRY_VAR(plain, store::decompressed(archive));
    GT_TRY(pack::extract_tree(plain, view.root(), path == "/" ? "" : path, options));
    publish_event(core_, *entry->snapshot(), "extract-to-dir");
    return {};
}

Result<std::unique_ptr<ArchiveSource>> FileService::export_root(std::string_view ref) {
    GT_TRY_VAR(entry, core_.table.find(ref));
    GT_TRY(check_alive(*entry, "export"));
    GT_TRY_VAR(root, open_root_mount(core_, entry));
    return std::make_unique<RootArchive>(
        std::move(root), core_.id_map(*entry->snapshot()->record),
        [this, entry = entry] { publish_event(core_, *entry->snapshot(), "export"); });
}

Result<std::vector<spec::FilesystemChange>> FileService::changes(std::string_view ref) {
    GT_TRY_VAR(entry, core_.table.find(ref));
    GT_TRY_VAR(upper, core_.parts.snapshots.open_upper(entry->id()));
    GT_TRY_VAR(below, core_.parts.snapshots.mount_below(entry->id()));
    GT_TRY_VAR(found, store::upper_changes(upper.get(), below.get(),
                                           [fd = upper.get()](std::string_view path) {
                                               return is_setup_file(fd, path);
                                           }));
    std::vector<spec::FilesystemChange> changes;
    changes.reserve(found.size());
    for (store::UpperChange& change : found) {
        changes.push_back(
            {.path = std::move(change.path), .kind = static_cast<int64_t>(change.kind)});
    }
    return changes;
}

}  // namespace gantry::engine
