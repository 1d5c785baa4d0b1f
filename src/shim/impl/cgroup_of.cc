#include "shim/impl/cgroup_of.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "shim/impl/json_encoder.h"

namespace gantry::shim {
namespace {

/// "/proc/PID/cgroup"; returns what of it was read, closed by a 0.
ssize_t read_groups(int pid, char* text, size_t size) {
    char path[64] = "/proc/";
    char* end = append_decimal(path + 6, static_cast<uint64_t>(pid));
    memcpy(end, "/cgroup", 8);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    const ssize_t count = read(fd, text, size - 1);
    close(fd);
    text[count > 0 ? count : 0] = '\0';
    return count;
}

/// Where GROUP is: "/sys/fs/cgroup/gantry/ID".
ssize_t place_of(int group, char* place, size_t size) {
    char link[64] = "/proc/self/fd/";
    *append_decimal(link + 14, static_cast<uint64_t>(group)) = '\0';
    return readlink(link, place, size);
}

}  // namespace

int open_cgroup_of(int pid, int group) {
    static char groups[2 * PATH_MAX];
    static char place[PATH_MAX];
    const ssize_t place_size = place_of(group, place, sizeof place);
    if (read_groups(pid, groups, sizeof groups) <= 0 || place_size <= 0) {
        return -1;
    }
    const char* found = strncmp(groups, "0::", 3) == 0 ? groups : strstr(groups, "\n0::");
    if (found == nullptr) {
        errno = ENOENT;
        return -1;
    }
    char* path = groups + (found - groups) + (*found == '\n' ? 4 : 3);
    char* end = strchr(path, '\n');
    if (end != nullptr) {
        *end = '\0';
    }
    // PLACE is the mount point and the group's path; PID's path is the group's and what is below.
    for (size_t size = strlen(path); size > 0; --size) {
        const bool whole = path[size] == '\0' || path[size] == '/';
        const size_t offset = static_cast<size_t>(place_size) - size;
        if (whole && size <= static_cast<size_t>(place_size) &&
            memcmp(place + offset, path, size) == 0) {
            const char* below = path[size] == '/' ? path + size + 1 : ".";
            return openat(group, below, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        }
    }
    errno = ENOENT;
    return -1;
}

}  // namespace gantry::shim
