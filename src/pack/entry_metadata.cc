#include "pack/entry_metadata.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <limits>

#include "base/unique_fd.h"
#include "sys/xattrs.h"

namespace gantry::pack {
namespace {

/// 4294967295 means "leave it" to chown(2): see kLeaveOwner.
bool is_valid_id(int64_t id) {
    return id >= 0 && id < std::numeric_limits<uint32_t>::max();
}

bool steers_overlay(std::string_view attribute) {
    return attribute.find(".overlay.") != attribute.npos;
}

Result<> write_at(int fd, uint64_t offset, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (count < 0) {
            if (errno == EINTR) {
                continue;
            }
            return fail_errno("write");
        }
        bytes.remove_prefix(static_cast<size_t>(count));
        offset += static_cast<uint64_t>(count);
    }
    return {};
}

}  // namespace

Result<> check_metadata(const TarEntry& entry, const ArchiveLimits& limits) {
    if (!is_valid_id(entry.uid) || !is_valid_id(entry.gid)) {
        return fail(Kind::kInvalid, fmt::format("{}: owner {}:{} is out of range", entry.path,
                                                entry.uid, entry.gid));
    }
    size_t xattr_bytes = 0;
    for (const auto& [name, value] : entry.xattrs) {
        xattr_bytes += name.size() + value.size();
    }
    if (xattr_bytes > limits.max_xattr_bytes) {
        return fail(Kind::kInvalid, fmt::format("{}: extended attributes larger than {} bytes",
                                                entry.path, limits.max_xattr_bytes));
    }
    return {};
}

std::pair<std::string, std::string> split_last(const std::string& path) {
    const size_t slash = path.rfind('/');
    return slash == path.npos ? std::pair(std::string(), path)
                              : std::pair(path.substr(0, slash), path.substr(slash + 1));
}

std::array<timespec, 2> both_times(const TarEntry& entry) {
    return {entry.mtime, entry.mtime};
}

Result<> set_xattrs(int fd, const TarEntry& entry) {
    for (const auto& [name, value] : entry.xattrs) {
        // SAFETY: redirect and metacopy attributes would make the mount show other files than the
        // layer holds.
        if (steers_overlay(name)) {
            continue;
        }
        auto set = sys::set_xattr(fd, name.c_str(), value);
        if (set) {
            continue;
        }
        // As Docker: attributes that this file system or kind of file cannot have are left out,
        // but never a file's capabilities.
        const bool unsupported = set.error().kind() == Kind::kNotImplemented ||
                                 set.error().sys_errno() == EOPNOTSUPP ||
                                 set.error().sys_errno() == EPERM;
        if (name == kCapability || !unsupported) {
            return set;
        }
    }
    return {};
}

/// ORDER: chown clears set-id bits and capabilities, so it comes first.
Result<> set_metadata(int fd, const TarEntry& entry) {
    if (::fchown(fd, static_cast<uid_t>(entry.uid), static_cast<gid_t>(entry.gid)) < 0) {
        return fail_errno("chown");
    }
    GT_TRY(set_xattrs(fd, entry));
    if (::fchmod(fd, entry.mode) < 0) {
        return fail_errno("chmod");
    }
    return {};
}

Result<> make_special(const TarEntry& entry, int dir, const std::string& name) {
    int made = 0;
    if (entry.type == TarType::kSymlink) {
        if (entry.target.empty() || entry.target.size() >= PATH_MAX) {
            return fail(Kind::kInvalid, "invalid symlink target");
        }
        made = ::symlinkat(entry.target.c_str(), dir, name.c_str());
    } else {
        const mode_t type = entry.type == TarType::kFifo         ? S_IFIFO
                            : entry.type == TarType::kCharDevice ? S_IFCHR
                                                                 : S_IFBLK;
        const dev_t device = entry.type == TarType::kFifo ? 0 : ::makedev(entry.major, entry.minor);
        made = ::mknodat(dir, name.c_str(), type | 0600, device);
    }
    if (made < 0) {
        return fail_errno(entry.type == TarType::kSymlink ? "symlink" : "mknod");
    }
    if (::fchownat(dir, name.c_str(), static_cast<uid_t>(entry.uid), static_cast<gid_t>(entry.gid),
                   AT_SYMLINK_NOFOLLOW) < 0) {
        return fail_errno("chown");
    }
    if (!entry.xattrs.empty()) {
        const UniqueFd fd(::openat(dir, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        if (!fd) {
            return fail_errno("open");
        }
        GT_TRY(set_xattrs(fd.get(), entry));
    }
    // Not a link, so there is nothing to follow: we made it a moment ago and nobody else is here.
    if (entry.type != TarType::kSymlink && ::fchmodat(dir, name.c_str(), entry.mode, 0) < 0) {
        return fail_errno("chmod");
    }
    if (::utimensat(dir, name.c_str(), both_times(entry).data(), AT_SYMLINK_NOFOLLOW) < 0) {
        return fail_errno("set times");
    }
    return {};
}

Result<> write_content(int fd, const TarEntry& entry, TarReader& reader) {
    uint64_t end = 0;
    GT_TRY(reader.read_pieces([&](uint64_t offset, std::string_view bytes) {
        end = offset + bytes.size();
        return write_at(fd, offset, bytes);
    }));
    if (end < entry.size && ::ftruncate(fd, static_cast<off_t>(entry.size)) < 0) {
        return fail_errno("extend");
    }
    return {};
}

}  // namespace gantry::pack
