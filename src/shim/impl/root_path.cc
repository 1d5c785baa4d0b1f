#include "shim/impl/root_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/impl/kernel.h"

namespace gantry::shim {

namespace {

constexpr int kMaxLinks = 16;

int make_missing(int root, char* path, TargetType type, mode_t mode, int links);

/// PATH (whose parent is open as DIR) is a link to nothing: makes what it points to.
int make_link_target(int root, int dir, const char* path, const char* name, TargetType type,
                     mode_t mode, int links) {
    char content[PATH_MAX];
    const ssize_t size = readlinkat(dir, name, content, sizeof content - 1);
    if (size <= 0 || links >= kMaxLinks) {
        errno = size <= 0 ? EEXIST : ELOOP;
        return -1;
    }
    content[size] = '\0';
    char target[PATH_MAX];
    size_t prefix = 0;
    if (content[0] != '/') {
        prefix = static_cast<size_t>(name - path);
        memcpy(target, path, prefix);
    }
    if (prefix + static_cast<size_t>(size) >= sizeof target) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(target + prefix, content, static_cast<size_t>(size) + 1);
    return make_missing(root, target, type, mode, links + 1);
}

/// Makes the last component of PATH, whose parents exist.
int make_last(int root, const char* path, TargetType type, mode_t mode, int links) {
    const char* slash = strrchr(path, '/');
    const char* name = slash == nullptr ? path : slash + 1;
    char parent[PATH_MAX] = "/";
    if (slash != nullptr && slash != path) {
        memcpy(parent, path, static_cast<size_t>(slash - path));
        parent[slash - path] = '\0';
    }
    const int dir = open_in_root(root, parent, O_PATH | O_DIRECTORY);
    if (dir < 0) {
        return -1;
    }
    int error = 0;
    int result = -1;
    if (type == TargetType::kDirectory) {
        error = mkdirat(dir, name, mode) == 0 ? 0 : errno;
    } else {
        result = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
        error = result >= 0 ? 0 : errno;
    }
    if (result >= 0) {
        // A new file is its own descriptor.
    } else if (error == 0) {
        result = open_in_root(root, path, O_PATH);
        error = errno;
    } else if (error == EEXIST) {
        result = make_link_target(root, dir, path, name, type, mode, links);
        error = errno;
    }
    close(dir);
    errno = error;
    return result;
}

void cut_slashes(char* path) {
    for (size_t size = strlen(path); size > 1 && path[size - 1] == '/'; --size) {
        path[size - 1] = '\0';
    }
}

/// PATH is writable scratch.
int make_missing(int root, char* path, TargetType type, mode_t mode, int links) {
    cut_slashes(path);
    // Mostly only the last component is missing. Not tried for every link of a chain, which would
    // double the work with each.
    if (links == 0) {
        const int fd = make_last(root, path, type, mode, links);
        if (fd >= 0 || errno != ENOENT) {
            return fd;
        }
    }
    for (char* end = path + 1;; ++end) {
        if (*end != '/' && *end != '\0') {
            continue;
        }
        const bool last = *end == '\0';
        *end = '\0';
        int fd = open_in_root(root, path, O_PATH);
        if (fd < 0 && errno == ENOENT) {
            fd = make_last(root, path, last ? type : TargetType::kDirectory, last ? mode : 0755,
                           links);
        }
        if (fd < 0 || last) {
            return fd;
        }
        close(fd);
        *end = '/';
    }
}

}  // namespace

int open_in_root(int root, const char* path, int flags) {
    // The kernel gives EAGAIN when a rename elsewhere raced with a "..": try again, a few times.
    for (int tries = 0;; ++tries) {
        const int fd =
            openat2(root, path, flags | O_CLOEXEC, kResolveInRoot | kResolveNoMagiclinks);
        if (fd >= 0 || errno != EAGAIN || tries == 32) {
            return fd;
        }
    }
}

int make_in_root(int root, const char* path, TargetType type, mode_t mode) {
    const int fd = open_in_root(root, path, O_PATH);
    if (fd >= 0 || errno != ENOENT) {
        return fd;
    }
    char scratch[PATH_MAX];
    const size_t size = strlen(path);
    if (size == 0 || size >= sizeof scratch) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(scratch, path, size + 1);
    return make_missing(root, scratch, type, mode, 0);
}

int open_parent_in_root(int root, const char* path, const char** name) {
    const char* slash = strrchr(path, '/');
    *name = slash == nullptr ? path : slash + 1;
    if (slash == nullptr || slash == path) {
        return open_in_root(root, "/", O_PATH | O_DIRECTORY);
    }
    char parent[PATH_MAX];
    const auto size = static_cast<size_t>(slash - path);
    if (size >= sizeof parent) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(parent, path, size);
    parent[size] = '\0';
    return make_in_root(root, parent, TargetType::kDirectory, 0755);
}

}  // namespace gantry::shim
