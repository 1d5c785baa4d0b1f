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

enum class Form { kPlain, kCompressed };

/// "PATH.NUMBER" or "PATH.NUMBER.gz"; empty if that is too long.
class NumberedPath {
public:
    NumberedPath(const char* path, uint32_t number, Form form) {
        const size_t size = strlen(path);
        if (size + 16 >= sizeof text_) {
            text_[0] = '\0';
            return;
        }
        memcpy(text_, path, size);
        text_[size] = '.';
        char* end = append_decimal(text_ + size + 1, number);
        memcpy(end, form == Form::kPlain ? "" : ".gz", form == Form::kPlain ? 1 : 4);
    }
    const char* text() const { return text_; }

private:
    char text_[PATH_MAX];
};

/// "PATH.gz.tmp"
void temporary_path(char (&out)[PATH_MAX], const char* path) {
    const size_t size = strlen(path);
    out[0] = '\0';
    if (size + 8 < sizeof out) {
        memcpy(out, path, size);
        memcpy(out + size, ".gz.tmp", 8);
    }
}

void remove_numbered(const char* path, uint32_t number) {
    // ENOENT: there is none, or only the other one.
    (void)unlink(NumberedPath(path, number, Form::kPlain).text());
    (void)unlink(NumberedPath(path, number, Form::kCompressed).text());
}

/// To NUMBER from the one below.
void move_numbered(const char* path, uint32_t number, Form form) {
    (void)rename(NumberedPath(path, number - 1, form).text(),
                 NumberedPath(path, number, form).text());
}

}  // namespace

void LogFile::open(const char* path, int64_t max_size, uint32_t max_files) {
    path_ = path;
    max_size_ = max_size;
    max_files_ = max_files;
    reopen();
}

void LogFile::reopen() {
    if (fd_ >= 0) {
        close(fd_);
    }
    fd_ = ::open(path_, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    struct stat status = {};
    size_ = fd_ >= 0 && fstat(fd_, &status) == 0 ? status.st_size : 0;
}

void LogFile::rotate() {
    ++rotations_;
    if (max_files_ < 2) {
        (void)unlink(path_);
        reopen();
        return;
    }
    // ORDER: from old to new, each name free before something moves there. Readers rely on it: a
    // file only ever goes to the next higher number.
    remove_numbered(path_, max_files_ - 1);
    for (uint32_t i = max_files_ - 1; i > 1; --i) {
        // ENOENT: there are not that many yet, or this one has the other form.
        move_numbered(path_, i, Form::kPlain);
        move_numbered(path_, i, Form::kCompressed);
    }
    (void)rename(path_, NumberedPath(path_, 1, Form::kPlain).text());
    reopen();
}

bool LogFile::take_compressed(uint64_t inode) {
    char temporary[PATH_MAX];
    temporary_path(temporary, path_);
    for (uint32_t i = 1; i < max_files_; ++i) {
        const NumberedPath plain(path_, i, Form::kPlain);
        struct stat status = {};
        if (stat(plain.text(), &status) == 0 && status.st_ino == inode) {
            // ORDER: one of the two is there at any time.
            const bool taken =
                rename(temporary, NumberedPath(path_, i, Form::kCompressed).text()) == 0;
            if (taken) {
                (void)unlink(plain.text());
            }
            return taken;
        }
    }
    (void)unlink(temporary);
    return false;
}

void LogFile::clear() {
    for (uint32_t i = max_files_; i > 1; --i) {
        remove_numbered(path_, i - 1);
    }
    (void)unlink(path_);
    reopen();
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
        reopen();
        drop_reason_ = errno;
    }
    size_t done = 0;
    while (fd_ >= 0 && done < size) {
        const ssize_t count = ::write(fd_, data + done, size - done);
        if (count <= 0) {
            if (count < 0 && errno == EINTR) {
                continue;
            }
            drop_reason_ = count < 0 ? errno : ENOSPC;
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
