#include "sys/root_dir.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <cerrno>
#include <climits>
#include <string>
#include <utility>

#include "sys/files.h"
#include "sys/syscalls.h"

namespace gantry::sys {
namespace {

Result<UniqueFd> open_in(int root, const std::string& path, int flags, mode_t mode = 0) {
    const open_how how{
        .flags = static_cast<__u64>(flags | O_CLOEXEC),
        .mode = mode,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    // EAGAIN: a rename raced with the walk and the kernel could not prove that we stayed inside.
    // An attacker can keep that up for ever, so we give it only so many turns.
    for (int turn = 0; turn < 128; ++turn) {
        const int fd = openat2(root, path.c_str(), how);
        if (fd >= 0) {
            return UniqueFd(fd);
        }
        if (errno != EAGAIN && errno != EINTR) {
            break;
        }
    }
    if (errno == ELOOP || errno == ENOTDIR || errno == ENAMETOOLONG) {
        return fail(Kind::kInvalid, fmt::format("{}: not a usable path in its root", path));
    }
    return fail_errno(fmt::format("open {}", path));
}

/// The path as the kernel wants it: an empty one means the root, as "/" does.
Result<std::string> checked(std::string_view path) {
    if (path.find('\0') != path.npos || path.size() >= PATH_MAX) {
        return fail(Kind::kInvalid, "a path has a NUL byte or is too long");
    }
    return path.empty() ? std::string(".") : std::string(path);
}

struct SplitPath {
    std::string_view above;
    std::string_view last;
};

Result<SplitPath> split_last(std::string_view path) {
    while (path.ends_with('/')) {
        path.remove_suffix(1);
    }
    const size_t slash = path.rfind('/');
    const std::string_view last = slash == path.npos ? path : path.substr(slash + 1);
    if (last.empty() || last == "." || last == "..") {
        return fail(Kind::kInvalid, fmt::format("{}: names no entry of a directory", path));
    }
    return SplitPath{slash == path.npos ? "" : path.substr(0, slash), last};
}

}  // namespace

Result<RootDir> RootDir::open(const char* host_path) {
    GT_TRY_VAR(fd, open_dir(host_path));
    return RootDir(std::move(fd));
}

Result<UniqueFd> RootDir::open_at(std::string_view path, int flags, mode_t mode) const {
    GT_TRY_VAR(name, checked(path));
    return open_in(fd_.get(), name, flags, mode);
}

Result<UniqueFd> RootDir::open_regular(std::string_view path) const {
    // O_NONBLOCK: a FIFO planted here must not hold us up. Opening a device may have effects, so
    // look at the type before anything is opened for real.
    GT_TRY_VAR(found, open_at(path, O_PATH));
    struct stat status;
    if (::fstat(found.get(), &status) < 0) {
        return fail_errno(fmt::format("stat {}", path));
    }
    if (!S_ISREG(status.st_mode)) {
        return fail(Kind::kInvalid, fmt::format("{}: not a regular file", path));
    }
    // The same inode again, through our own descriptor: nothing is resolved twice.
    const std::string self = fmt::format("/proc/self/fd/{}", found.get());
    UniqueFd fd(::open(self.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!fd) {
        return fail_errno(fmt::format("open {}", path));
    }
    return fd;
}

Result<UniqueFd> RootDir::make_dirs(std::string_view path, mode_t mode) const {
    GT_TRY(checked(path));
    std::string walked = ".";
    GT_TRY_VAR(dir, open_in(fd_.get(), walked, O_PATH | O_DIRECTORY));
    while (!path.empty()) {
        const size_t slash = path.find('/');
        const std::string part(path.substr(0, slash));
        path.remove_prefix(slash == path.npos ? path.size() : slash + 1);
        if (part.empty() || part == ".") {
            continue;
        }
        // ORDER: make first, then open by the whole path from the root. Opening PART below `dir`
        // would take `dir` as the world for a link that PART may be.
        if (part != ".." && ::mkdirat(dir.get(), part.c_str(), mode) < 0 && errno != EEXIST) {
            return fail_errno(fmt::format("mkdir {}/{}", walked, part));
        }
        walked += '/' + part;
        GT_TRY_VAR(next, open_in(fd_.get(), walked, O_PATH | O_DIRECTORY));
        dir = std::move(next);
    }
    return std::move(dir);
}

Result<RootDir::Place> RootDir::place(std::string_view path) const {
    GT_TRY_VAR(parts, split_last(path));
    GT_TRY_VAR(dir, open_at(parts.above, O_PATH | O_DIRECTORY));
    GT_TRY_VAR(name, checked(parts.last));
    return Place{std::move(dir), std::move(name)};
}

Result<RootDir::Place> RootDir::make_place(std::string_view path, mode_t dir_mode) const {
    GT_TRY_VAR(parts, split_last(path));
    GT_TRY_VAR(dir, make_dirs(parts.above, dir_mode));
    GT_TRY_VAR(name, checked(parts.last));
    return Place{std::move(dir), std::move(name)};
}

Result<std::string> RootDir::read_link(std::string_view path) const {
    GT_TRY_VAR(link, open_at(path, O_PATH | O_NOFOLLOW));
    std::string target(PATH_MAX, '\0');
    const ssize_t size = ::readlinkat(link.get(), "", target.data(), target.size());
    if (size < 0) {
        if (errno == EINVAL || errno == ENOENT) {
            return fail(Kind::kInvalid, fmt::format("{}: not a symbolic link", path));
        }
        return fail_errno(fmt::format("readlink {}", path));
    }
    target.resize(static_cast<size_t>(size));
    return target;
}

Result<struct stat> RootDir::stat(std::string_view path, LastLink last) const {
    GT_TRY_VAR(fd, open_at(path, O_PATH | (last == LastLink::kKeep ? O_NOFOLLOW : 0)));
    struct stat status;
    if (::fstat(fd.get(), &status) < 0) {
        return fail_errno(fmt::format("stat {}", path));
    }
    return status;
}

Result<> RootDir::symlink(std::string_view target, std::string_view path) const {
    GT_TRY_VAR(text, checked(target));
    GT_TRY_VAR(where, place(path));
    if (::symlinkat(text.c_str(), where.dir.get(), where.name.c_str()) < 0) {
        return fail_errno(fmt::format("symlink {}", path));
    }
    return {};
}

}  // namespace gantry::sys
