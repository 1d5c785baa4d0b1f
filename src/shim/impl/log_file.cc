#include "shim/impl/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/impl/json_encoder.h"

namespace gantry::shim {

namespace {

/// "PATH.NUMBER"; false if that is too long.
bool numbered_path(char (&out)[PATH_MAX], const char* path, uint32_t number) {
    const size_t size = strlen(path);
    if (size + 12 >= sizeof out) {
        return false;
    }
    memcpy(out, path, size);
    out[size] = '.';
    *append_decimal(out + size + 1, number) = '\0';
    return true;
}

}  // namespace

void LogFile::open(const char* path, int64_t max_size, uint32_t max_files) {
    path_ = path;
    max_size_ = max_size;
    max_files_ = max_files;
    reopen(0);
}

void LogFile::reopen(int flags) {
    if (fd_ >= 0) {
        close(fd_);
    }
    fd_ = ::open(path_, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | flags, 0640);
    struct stat status = {};
    size_ = fd_ >= 0 && fstat(fd_, &status) == 0 ? status.st_size : 0;
}

void LogFile::rotate() {
    if (max_files_ < 2) {
        reopen(O_TRUNC);
        return;
    }
    char from[PATH_MAX];
    char to[PATH_MAX];
    for (uint32_t i = max_files_ - 1; i > 1; --i) {
        if (numbered_path(from, path_, i - 1) && numbered_path(to, path_, i)) {
            // ENOENT: there are not that many yet.
            (void)rename(from, to);
        }
    }
    if (numbered_path(to, path_, 1)) {
        (void)rename(path_, to);
    }
    reopen(0);
}

void LogFile::keep_whole_records(const char* data, size_t written) {
    // A record has no newline but its last byte.
    const auto* last = static_cast<const char*>(memrchr(data, '\n', written));
    const size_t whole = last == nullptr ? 0 : static_cast<size_t>(last - data) + 1;
    if (whole < written && ftruncate(fd_, size_ + static_cast<int64_t>(whole)) == 0) {
        written = whole;
    }
    size_ += static_cast<int64_t>(written);
}

void LogFile::write(const char* data, size_t size) {
    if (fd_ < 0) {
        // It could not be opened (a full disk, say): perhaps it can now.
        reopen(0);
    }
    size_t done = 0;
    while (fd_ >= 0 && done < size) {
        const ssize_t count = ::write(fd_, data + done, size - done);
        if (count <= 0) {
            if (count < 0 && errno == EINTR) {
                continue;
            }
            break;
        }
        done += static_cast<size_t>(count);
    }
    dropped_ += size - done;
    if (done == size) {
        size_ += static_cast<int64_t>(size);
    } else if (fd_ >= 0) {
        keep_whole_records(data, done);
    }
}

}  // namespace gantry::shim
