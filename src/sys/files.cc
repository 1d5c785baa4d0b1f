#include "sys/files.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string>
#include <utility>

#include "base/scope_guard.h"

namespace gantry::sys {
namespace {

/// A name that no other thread of ours uses, next to NAME.
std::string temporary_name(const char* name) {
    static std::atomic<unsigned> counter{0};
    return fmt::format(".{}.{}.{}.tmp", name, ::getpid(), counter.fetch_add(1));
}

}  // namespace

Result<UniqueFd> open_file(int dir, const char* path, int flags, mode_t mode) {
    for (;;) {
        UniqueFd fd(::openat(dir, path, flags | O_CLOEXEC, mode));
        if (fd) {
            return fd;
        }
        if (errno != EINTR) {
            return fail_errno(fmt::format("open {}", path));
        }
    }
}

Result<UniqueFd> open_dir(const char* path) {
    return open_file(AT_FDCWD, path, O_PATH | O_DIRECTORY);
}

Result<std::string> read_all(int fd, size_t limit) {
    std::string text;
    size_t used = 0;
    for (;;) {
        // One byte over the limit tells "just fits" from "too large".
        text.resize(std::min(std::max<size_t>(4096, 2 * used), limit + 1));
        const ssize_t got = ::read(fd, text.data() + used, text.size() - used);
        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            return fail_errno("read");
        }
        used += static_cast<size_t>(got);
        if (used > limit) {
            return fail(Kind::kInvalid, fmt::format("larger than {} bytes", limit));
        }
        if (got == 0) {
            text.resize(used);
            return text;
        }
    }
}

Result<std::string> read_file_at(int dir, const char* path, size_t limit) {
    GT_TRY_VAR(fd, open_file(dir, path, O_RDONLY));
    auto text = read_all(fd.get(), limit);
    if (!text) {
        return Failure(std::move(text).error().in(path));
    }
    return text;
}

Result<std::string> read_file(const char* path, size_t limit) {
    return read_file_at(AT_FDCWD, path, limit);
}

Result<> write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            return fail_errno("write");
        }
        bytes.remove_prefix(static_cast<size_t>(written));
    }
    return {};
}

Result<> write_value_at(int dir, const char* path, std::string_view bytes) {
    GT_TRY_VAR(fd, open_file(dir, path, O_WRONLY));
    ssize_t written;
    do {
        written = ::write(fd.get(), bytes.data(), bytes.size());
    } while (written < 0 && errno == EINTR);
    if (written < 0) {
        return fail_errno(fmt::format("write {} to {}", bytes, path));
    }
    if (static_cast<size_t>(written) != bytes.size()) {
        return fail(Kind::kInternal, fmt::format("write {} to {}: short write", bytes, path));
    }
    return {};
}

Result<> write_value(const char* path, std::string_view bytes) {
    return write_value_at(AT_FDCWD, path, bytes);
}

Result<> write_file_at(int dir, const char* name, std::string_view bytes, mode_t mode) {
    GT_TRY_VAR(fd, open_file(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode));
    auto written = write_all(fd.get(), bytes);
    if (!written) {
        return Failure(std::move(written).error().in(name));
    }
    return {};
}

Result<> replace_file(int dir, const char* name, std::string_view bytes, mode_t mode,
                      Durability durability) {
    const std::string temporary = temporary_name(name);
    GT_TRY_VAR(fd, open_file(dir, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL, mode));
    // What cannot be cleaned up here is a dot file that the next boot's sweep removes.
    ScopeGuard cleanup([&] { (void)::unlinkat(dir, temporary.c_str(), 0); });
    // The umask must not decide about the mode that the caller asked for.
    if (::fchmod(fd.get(), mode) < 0) {
        return fail_errno(fmt::format("chmod {}", name));
    }
    GT_TRY(write_all(fd.get(), bytes));
    // ORDER: content before name, or a power cut leaves the new name with no content.
    if (durability == Durability::kDurable && ::fsync(fd.get()) < 0) {
        return fail_errno(fmt::format("fsync {}", name));
    }
    if (::renameat(dir, temporary.c_str(), dir, name) < 0) {
        return fail_errno(fmt::format("rename {}", name));
    }
    cleanup.commit();
    return durability == Durability::kDurable ? sync_dir(dir) : Result<>{};
}

Result<> sync_dir(int dir) {
    // The fd that we have may be O_PATH, which fsync(2) refuses.
    GT_TRY_VAR(readable, open_file(dir, ".", O_RDONLY | O_DIRECTORY));
    if (::fsync(readable.get()) < 0) {
        return fail_errno("fsync of a directory");
    }
    return {};
}

Result<> make_dirs(const char* path, mode_t mode) {
    std::string walked;
    for (const char* at = path; *at != '\0';) {
        const char* end = at;
        while (*end == '/') {
            ++end;
        }
        while (*end != '\0' && *end != '/') {
            ++end;
        }
        walked.append(at, end);
        at = end;
        if (::mkdir(walked.c_str(), mode) < 0 && errno != EEXIST) {
            return fail_errno(fmt::format("mkdir {}", walked));
        }
    }
    struct stat status;
    if (::stat(path, &status) < 0) {
        return fail_errno(fmt::format("stat {}", path));
    }
    if (!S_ISDIR(status.st_mode)) {
        return fail(Kind::kInvalid, fmt::format("{}: not a directory", path));
    }
    return {};
}

Result<UniqueFd> lock_file(const char* path) {
    GT_TRY_VAR(fd, open_file(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK) {
            return fail(Kind::kConflict, fmt::format("{}: locked by another process", path));
        }
        return fail_errno(fmt::format("lock {}", path));
    }
    return std::move(fd);
}

Result<UniqueFd> make_sealed_memfd(const char* name, std::string_view bytes) {
    UniqueFd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd) {
        return fail_errno("memfd_create");
    }
    GT_TRY(write_all(fd.get(), bytes));
    constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    if (::fcntl(fd.get(), F_ADD_SEALS, kSeals) < 0) {
        return fail_errno("seal a memfd");
    }
    if (::lseek(fd.get(), 0, SEEK_SET) < 0) {
        return fail_errno("rewind a memfd");
    }
    return fd;
}

}  // namespace gantry::sys
