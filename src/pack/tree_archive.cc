#include "pack/tree_archive.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/magic.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "sys/files.h"
#include "sys/xattrs.h"

namespace gantry::pack {
namespace {

/// Beyond any real tree; the owner of the tree chooses how deep it is, and each level costs an fd.
constexpr size_t kMaxDepth = 1024;
constexpr const char* kCapability = "security.capability";
constexpr const char* kOpaqueAttribute = "trusted.overlay.opaque";
constexpr std::string_view kUserPrefix = "user.";

constexpr unsigned long kMqueueMagic = 0x19800202;
constexpr unsigned long kConfigfsMagic = 0x62656570;
constexpr unsigned long kFusectlMagic = 0x65735543;
constexpr unsigned long kRpcPipeMagic = 0x67596969;

constexpr std::array<unsigned long, 17> kKernelFilesystems = {
    PROC_SUPER_MAGIC, SYSFS_MAGIC,    CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEVPTS_SUPER_MAGIC,
    DEBUGFS_MAGIC,    TRACEFS_MAGIC,  SECURITYFS_MAGIC,   BPF_FS_MAGIC,        PSTOREFS_MAGIC,
    EFIVARFS_MAGIC,   BINFMTFS_MAGIC, NSFS_MAGIC,         kMqueueMagic,        kConfigfsMagic,
    kFusectlMagic,    kRpcPipeMagic};

/// The inode that FD (O_PATH) refers to, opened for real: nothing is resolved twice.
Result<UniqueFd> reopen(int fd, int flags) {
    UniqueFd opened(::open(fmt::format("/proc/self/fd/{}", fd).c_str(),
                           flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!opened) {
        return fail_errno("open");
    }
    return opened;
}

Result<struct stat> stat_of(int fd) {
    struct stat status{};
    if (::fstat(fd, &status) < 0) {
        return fail_errno("stat");
    }
    return status;
}

}  // namespace

bool is_kernel_filesystem(int fd) {
    struct statfs status{};
    return ::fstatfs(fd, &status) == 0 &&
           std::ranges::find(kKernelFilesystems, static_cast<unsigned long>(status.f_type)) !=
               kKernelFilesystems.end();
}

TarEntry entry_of(const struct stat& status, std::string name) {
    TarEntry entry;
    entry.path = std::move(name);
    entry.mode = status.st_mode & 07777;
    entry.uid = status.st_uid;
    entry.gid = status.st_gid;
    entry.mtime = status.st_mtim;
    switch (status.st_mode & S_IFMT) {
        case S_IFDIR: entry.type = TarType::kDirectory; break;
        case S_IFLNK: entry.type = TarType::kSymlink; break;
        case S_IFCHR: entry.type = TarType::kCharDevice; break;
        case S_IFBLK: entry.type = TarType::kBlockDevice; break;
        case S_IFIFO: entry.type = TarType::kFifo; break;
        case S_IFSOCK: entry.type = TarType::kSocket; break;
        default: entry.type = TarType::kFile; entry.size = static_cast<uint64_t>(status.st_size);
    }
    if (entry.type == TarType::kCharDevice || entry.type == TarType::kBlockDevice) {
        entry.major = ::major(status.st_rdev);
        entry.minor = ::minor(status.st_rdev);
    }
    return entry;
}

TarEntry TreeArchive::describe(const struct stat& status, std::string name) const {
    TarEntry entry = entry_of(status, std::move(name));
    if (options_.ids != nullptr) {
        entry.uid = sys::unmap_id(options_.ids->uids, status.st_uid);
        entry.gid = sys::unmap_id(options_.ids->gids, status.st_gid);
    }
    return entry;
}

Result<> TreeArchive::add_attributes(int fd, TarEntry& entry) const {
    if (options_.xattrs == TreeOptions::Xattrs::kCapability) {
        GT_TRY_VAR(value, sys::get_xattr(fd, kCapability));
        if (value) {
            entry.xattrs.emplace_back(kCapability, *std::move(value));
        }
        return {};
    }
    GT_TRY_VAR(names, sys::list_xattrs(fd));
    for (const std::string& name : names) {
        // SAFETY: an attribute that steers an overlay stays where it is.
        const bool steers = name.find(".overlay.") != name.npos;
        if (name != kCapability && (!name.starts_with(kUserPrefix) || steers)) {
            continue;
        }
        GT_TRY_VAR(value, sys::get_xattr(fd, name.c_str()));
        if (value) {
            entry.xattrs.emplace_back(name, *std::move(value));
        }
    }
    return {};
}

Result<> TreeArchive::add_whiteout(const std::string& name) {
    const size_t slash = name.rfind('/');
    const size_t last = slash == name.npos ? 0 : slash + 1;
    TarEntry entry;
    entry.path = name.substr(0, last) + ".wh." + name.substr(last);
    entry.mode = 0600;
    return tar_.add(entry);
}

Result<> TreeArchive::add_opaque_mark(int dir, const std::string& prefix) {
    GT_TRY_VAR(opaque, sys::get_xattr(dir, kOpaqueAttribute));
    if (opaque != "y") {
        return {};
    }
    TarEntry entry;
    entry.path = prefix + ".wh..wh..opq";
    entry.mode = 0600;
    return tar_.add(entry);
}

Result<> TreeArchive::add_file(int fd, TarEntry& entry, dev_t parent, const struct stat& status) {
    // A file of procfs that is mounted here by itself may block or never end.
    if (status.st_dev != parent && is_kernel_filesystem(fd)) {
        return {};
    }
    if (entry.size == 0) {
        return tar_.add(entry);
    }
    GT_TRY_VAR(file, reopen(fd, O_RDONLY));
    return tar_.add(entry, read_from_fd(file.get()));
}

Result<> TreeArchive::add_entry(int fd, const struct stat& status, const std::string& name,
                                dev_t parent) {
    TarEntry entry = describe(status, name);
    if (entry.type == TarType::kSocket) {
        return {};
    }
    if (options_.form == TreeOptions::Form::kOverlayLayer && S_ISCHR(status.st_mode) &&
        status.st_rdev == 0) {
        return add_whiteout(name);
    }
    if (status.st_nlink > 1) {
        const auto [first, is_new] = linked_.emplace(std::pair(status.st_dev, status.st_ino), name);
        if (!is_new) {
            entry.type = TarType::kHardLink;
            entry.target = first->second;
            entry.size = 0;
            return tar_.add(entry);
        }
    }
    GT_TRY(add_attributes(fd, entry));
    if (entry.type == TarType::kFile) {
        return add_file(fd, entry, parent, status);
    }
    if (entry.type == TarType::kSymlink) {
        std::string target(PATH_MAX, '\0');
        const ssize_t size = ::readlinkat(fd, "", target.data(), target.size());
        if (size < 0) {
            return fail_errno(fmt::format("readlink {}", name));
        }
        target.resize(static_cast<size_t>(size));
        entry.target = std::move(target);
    }
    return tar_.add(entry);
}

Result<> TreeArchive::add_node(int fd, const std::string& name) {
    GT_TRY_VAR(status, stat_of(fd));
    return add_entry(fd, status, name, 0);
}

Result<> TreeArchive::descend(std::vector<Level>& levels, Level level) {
    if (levels.size() >= kMaxDepth) {
        return fail(Kind::kInvalid, fmt::format("{}...: more than {} directories deep",
                                                level.prefix.substr(0, 64), kMaxDepth));
    }
    if (options_.form == TreeOptions::Form::kOverlayLayer && !level.path.empty()) {
        GT_TRY(add_opaque_mark(level.dir.get(), level.prefix));
    }
    GT_TRY_VAR(names, sys::list_dir(level.dir.get(), "."));
    std::ranges::sort(names, std::greater());
    level.names = std::move(names);
    levels.push_back(std::move(level));
    return {};
}

Result<> TreeArchive::add_child(std::vector<Level>& levels, const std::string& name) {
    const Level& at = levels.back();
    std::string path = at.path + name;
    if (options_.skip && options_.skip(path)) {
        return {};
    }
    const UniqueFd fd(::openat(at.dir.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) {
        return errno == ENOENT ? Result<>() : fail_errno(fmt::format("open {}", path));
    }
    GT_TRY_VAR(status, stat_of(fd.get()));
    std::string full = at.prefix + name;
    if (!S_ISDIR(status.st_mode)) {
        return add_entry(fd.get(), status, full, at.device);
    }
    TarEntry entry = describe(status, full + "/");
    GT_TRY(add_attributes(fd.get(), entry));
    GT_TRY(tar_.add(entry));
    if (status.st_dev != at.device && is_kernel_filesystem(fd.get())) {
        return {};
    }
    GT_TRY_VAR(dir, reopen(fd.get(), O_RDONLY | O_DIRECTORY));
    return descend(levels, {.dir = std::move(dir),
                            .device = status.st_dev,
                            .prefix = full + "/",
                            .path = path + "/",
                            .names = {}});
}

Result<> TreeArchive::add_directory(int top, const std::string& name) {
    GT_TRY_VAR(status, stat_of(top));
    if (!name.empty()) {
        TarEntry entry = describe(status, name.ends_with('/') ? name : name + "/");
        GT_TRY(add_attributes(top, entry));
        GT_TRY(tar_.add(entry));
    }
    if (is_kernel_filesystem(top)) {
        return {};
    }
    GT_TRY_VAR(dir, reopen(top, O_RDONLY | O_DIRECTORY));
    std::vector<Level> levels;
    GT_TRY(descend(levels, {.dir = std::move(dir),
                            .device = status.st_dev,
                            .prefix = name.empty() || name.ends_with('/') ? name : name + "/",
                            .path = {},
                            .names = {}}));
    while (!levels.empty()) {
        if (levels.back().names.empty()) {
            levels.pop_back();
            continue;
        }
        const std::string next = std::move(levels.back().names.back());
        levels.back().names.pop_back();
        GT_TRY(add_child(levels, next));
    }
    return {};
}

}  // namespace gantry::pack
