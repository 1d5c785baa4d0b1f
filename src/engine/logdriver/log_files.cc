#include "engine/logdriver/log_files.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "store/compression.h"
#include "store/gzip_file.h"

namespace gantry::engine {
namespace {

/// Scans that may differ before one is taken as it is: the renaming of a log takes microseconds.
constexpr int kScans = 100;

std::optional<LogFileEntry> look_at(std::string path, bool compressed) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
        return std::nullopt;
    }
    const auto changed = std::chrono::seconds(status.st_mtim.tv_sec) +
                         std::chrono::nanoseconds(status.st_mtim.tv_nsec);
    return LogFileEntry{std::move(path), status.st_ino, compressed, WallTime(changed)};
}

std::vector<LogFileEntry> scan(const std::string& path) {
    std::vector<LogFileEntry> files;
    // In the middle of a rotation one name may be missing, but not two.
    for (unsigned number = 0, missing = 0; missing < 2; ++number) {
        const std::string name = number == 0 ? path : fmt::format("{}.{}", path, number);
        auto entry = look_at(name, false);
        if (!entry && number > 0) {
            entry = look_at(name + ".gz", true);
        }
        missing = entry ? 0 : missing + 1;
        if (entry) {
            files.push_back(*std::move(entry));
        }
    }
    return files;
}

bool same_files(const std::vector<LogFileEntry>& a, const std::vector<LogFileEntry>& b) {
    return std::ranges::equal(a, b, [](const LogFileEntry& x, const LogFileEntry& y) {
        return x.inode == y.inode && x.compressed == y.compressed && x.path == y.path;
    });
}

Result<size_t> read_plain(int fd, std::span<char> into) {
    for (;;) {
        const ssize_t count = ::read(fd, into.data(), into.size());
        if (count >= 0) {
            return static_cast<size_t>(count);
        }
        if (errno != EINTR) {
            return fail_errno("read log");
        }
    }
}

}  // namespace

std::vector<LogFileEntry> list_log_files(const std::string& path) {
    std::vector<LogFileEntry> files = scan(path);
    for (int i = 0; i < kScans; ++i) {
        std::vector<LogFileEntry> again = scan(path);
        if (same_files(files, again)) {
            break;
        }
        files = std::move(again);
    }
    return files;
}

Result<std::string> log_file_mark(int fd) {
    struct stat status{};
    if (::fstat(fd, &status) < 0) {
        return fail_errno("stat log");
    }
    // The inode alone may have belonged to an older file of this log.
    return fmt::format("{}.{}.{}.{}", status.st_ino, status.st_size, status.st_mtim.tv_sec,
                       status.st_mtim.tv_nsec);
}

Result<bool> OpenLogFile::open(const LogFileEntry& entry) {
    fd_.reset(::open(entry.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    struct stat status{};
    if (!fd_ && errno != ENOENT) {
        return fail_errno("open log");
    }
    if (!fd_ || ::fstat(fd_.get(), &status) < 0 || status.st_ino != entry.inode) {
        fd_.reset();
        return false;
    }
    inode_ = status.st_ino;
    compressed_ = entry.compressed;
    GT_TRY(rewind());
    return true;
}

Result<> OpenLogFile::rewind() {
    if (::lseek(fd_.get(), 0, SEEK_SET) < 0) {
        return fail_errno("seek log");
    }
    inflated_ = nullptr;
    if (compressed_) {
        GT_TRY_VAR(inflated, store::decompressed(read_from_fd(fd_.get())));
        inflated_ = std::move(inflated);
    }
    return {};
}

Result<size_t> OpenLogFile::read(std::span<char> into) {
    if (!compressed_) {
        return read_plain(fd_.get(), into);
    }
    if (!inflated_) {
        return size_t{0};
    }
    auto count = inflated_(into);
    if (!count || *count == 0) {
        inflated_ = nullptr;  // not called again
    }
    return count;
}

std::optional<size_t> OpenLogFile::find_in(const std::vector<LogFileEntry>& files) const {
    for (size_t i = 0; i < files.size(); ++i) {
        if (files[i].inode == inode_ && files[i].compressed == compressed_) {
            return i;
        }
    }
    if (compressed_) {
        return std::nullopt;
    }
    // It may have been compressed since it was opened.
    const auto mark = log_file_mark(fd_.get());
    for (size_t i = 0; mark && i < files.size(); ++i) {
        if (!files[i].compressed) {
            continue;
        }
        const UniqueFd fd(::open(files[i].path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
        if (fd && store::read_gzip_extra(fd.get()) == *mark) {
            return i;
        }
    }
    return std::nullopt;
}

}  // namespace gantry::engine
