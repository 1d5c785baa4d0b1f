#include "shim/impl/tree_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace gantry::shim {

namespace {

constexpr int kMaxDepth = 64;

// getdents64(2): musl's readdir(3) would want a heap.
struct Entry {
    uint64_t inode;
    int64_t next;
    unsigned short size;
    unsigned char type;
    char name[1];
};

int copy_entries(int from, int to, int depth);

int copy_content(int in, int out) {
    while (true) {
        const ssize_t count = sendfile(out, in, nullptr, size_t{1} << 30);
        if (count <= 0) {
            return count == 0 ? 0 : errno;
        }
    }
}

int copy_file(int from, int to, const char* name, const struct stat& status) {
    const int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    const int out =
        in < 0 ? -1 : openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int error = out < 0 ? errno : copy_content(in, out);
    // ORDER: chown takes the setuid bit away.
    if (error == 0 && (fchown(out, status.st_uid, status.st_gid) != 0 ||
                       fchmod(out, status.st_mode & 07777) != 0)) {
        error = errno;
    }
    for (const int fd : {in, out}) {
        if (fd >= 0) {
            close(fd);
        }
    }
    return error;
}

int copy_directory(int from, int to, const char* name, const struct stat& status, int depth) {
    constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    if (mkdirat(to, name, 0700) != 0) {
        return errno;
    }
    const int in = openat(from, name, kFlags);
    const int out = in < 0 ? -1 : openat(to, name, kFlags);
    int error = out < 0 ? errno : copy_entries(in, out, depth + 1);
    if (error == 0 && (fchown(out, status.st_uid, status.st_gid) != 0 ||
                       fchmod(out, status.st_mode & 07777) != 0)) {
        error = errno;
    }
    for (const int fd : {in, out}) {
        if (fd >= 0) {
            close(fd);
        }
    }
    return error;
}

int copy_link(int from, int to, const char* name) {
    char target[PATH_MAX];
    const ssize_t size = readlinkat(from, name, target, sizeof target - 1);
    if (size < 0) {
        return errno;
    }
    target[size] = '\0';
    return symlinkat(target, to, name) == 0 ? 0 : errno;
}

int copy_entry(int from, int to, const char* name, int depth) {
    struct stat status = {};
    if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? 0 : errno;
    }
    int error = 0;
    if (S_ISDIR(status.st_mode)) {
        error = copy_directory(from, to, name, status, depth);
    } else if (S_ISREG(status.st_mode)) {
        error = copy_file(from, to, name, status);
    } else if (S_ISLNK(status.st_mode)) {
        error = copy_link(from, to, name);
    } else {
        error = mknodat(to, name, status.st_mode, status.st_rdev) == 0 ? 0 : errno;
    }
    if (error == 0 && fchownat(to, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) != 0) {
        error = errno;
    }
    if (error == 0 && S_ISREG(status.st_mode) &&
        fchmodat(to, name, status.st_mode & 07777, 0) != 0) {
        error = errno;
    }
    const timespec times[2] = {status.st_atim, status.st_mtim};
    (void)utimensat(to, name, times, AT_SYMLINK_NOFOLLOW);
    return error;
}

int copy_entries(int from, int to, int depth) {
    if (depth > kMaxDepth) {
        return ELOOP;
    }
    alignas(Entry) char buffer[4096];
    while (true) {
        const long size = syscall(SYS_getdents64, from, buffer, sizeof buffer);
        if (size <= 0) {
            return size == 0 ? 0 : errno;
        }
        for (long at = 0; at < size;) {
            // SAFETY: the kernel lays the entries out one after the other.
            const auto* entry = reinterpret_cast<const Entry*>(buffer + at);
            const char* name = buffer + at + offsetof(Entry, name);
            at += entry->size;
            if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
                continue;
            }
            if (const int error = copy_entry(from, to, name, depth); error != 0) {
                return error;
            }
        }
    }
}

}  // namespace

int copy_tree(int from, int to) {
    const int in = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat status = {};
    if (in < 0 || fstat(in, &status) != 0) {
        const int error = errno;
        if (in >= 0) {
            close(in);
        }
        return error;
    }
    int error = copy_entries(in, to, 0);
    if (error == 0 && (fchownat(to, "", status.st_uid, status.st_gid, AT_EMPTY_PATH) != 0 ||
                       fchmodat(to, ".", status.st_mode & 07777, 0) != 0)) {
        error = errno;
    }
    close(in);
    return error;
}

}  // namespace gantry::shim
