#include "engine/logs/log_reader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <span>

namespace gantry::engine {
namespace {

constexpr size_t kBlock = 64 * 1024;
// A record is at most 16 KiB of text, every byte of it escaped to six, and its frame.
constexpr size_t kLongestLine = 256 * 1024;
/// How often a file may be renamed between being listed and being opened.
constexpr int kAttempts = 100;

Result<size_t> read_at(int fd, std::span<char> space, off_t offset) {
    for (;;) {
        const ssize_t count = ::pread(fd, space.data(), space.size(), offset);
        if (count >= 0) {
            return static_cast<size_t>(count);
        }
        if (errno != EINTR) {
            return fail_errno("read log");
        }
    }
}

/// As many of the first SIZE bytes as are whole records: the shim may be in the middle of one.
Result<uint64_t> whole_records(int fd, off_t size) {
    std::array<char, kBlock> block;
    while (size > 0) {
        const off_t start = std::max<off_t>(0, size - static_cast<off_t>(kBlock));
        const auto wanted = std::span(block).first(static_cast<size_t>(size - start));
        GT_TRY_VAR(count, read_at(fd, wanted, start));
        const size_t newline = std::string_view(block.data(), count).rfind('\n');
        if (newline != std::string_view::npos) {
            return static_cast<uint64_t>(start) + newline + 1;
        }
        size = start;
    }
    return 0;
}

Failure keeps_moving() {
    return fail(Kind::kUnavailable, "the log is rotated faster than it can be read");
}

}  // namespace

Result<bool> LogReader::open(const LogFileEntry& entry) {
    buffer_.clear();
    consumed_ = 0;
    skip_ = 0;
    position_ = 0;
    in_end_ = end_ && end_->file && end_->file.find_in({entry}).has_value();
    return file_.open(entry);
}

/// The next bytes of the open file that are to be read.
Result<size_t> LogReader::read(std::span<char> into) {
    if (in_end_) {
        into = into.first(std::min<uint64_t>(into.size(), end_->size - position_));
    }
    GT_TRY_VAR(size, file_.read(into));
    position_ += size;
    return size;
}

Result<> LogReader::stop_at_present_end() {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const std::vector<LogFileEntry> files = list_log_files(path_);
        End end;
        if (files.empty()) {
            end_ = std::move(end);
            return {};
        }
        GT_TRY_VAR(opened, end.file.open(files.front()));
        struct stat status{};
        if (!opened || ::fstat(end.file.fd(), &status) < 0) {
            continue;
        }
        // Nobody writes to a compressed one.
        end.size = std::numeric_limits<uint64_t>::max();
        if (!end.file.compressed()) {
            GT_TRY_VAR(size, whole_records(end.file.fd(), status.st_size));
            end.size = size;
        }
        end_ = std::move(end);
        return {};
    }
    return keeps_moving();
}

/// The log's files, newest first, without those that were begun after the end.
std::vector<LogFileEntry> LogReader::list() const {
    std::vector<LogFileEntry> files = list_log_files(path_);
    if (end_) {
        const auto place = end_->file ? end_->file.find_in(files) : std::nullopt;
        files.erase(files.begin(),
                    place ? files.begin() + static_cast<std::ptrdiff_t>(*place) : files.end());
    }
    return files;
}

Result<> LogReader::seek_start(std::optional<WallTime> since) {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        std::vector<LogFileEntry> files = list();
        // A file that was written to last before SINCE has nothing of interest.
        while (since && files.size() > 1 && files.back().changed < *since) {
            files.pop_back();
        }
        if (files.empty()) {
            return {};
        }
        GT_TRY_VAR(opened, open(files.back()));
        if (opened) {
            return {};
        }
    }
    return keeps_moving();
}

Result<> LogReader::seek_tail(uint64_t count) {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        GT_TRY_VAR(found, seek_tail_in(list(), count));
        if (found) {
            return {};
        }
    }
    return keeps_moving();
}

/// False when FILES are not what is there any more.
Result<bool> LogReader::seek_tail_in(const std::vector<LogFileEntry>& files, uint64_t count) {
    for (const LogFileEntry& entry : files) {
        GT_TRY_VAR(opened, open(entry));
        if (!opened) {
            return false;
        }
        GT_TRY_VAR(found, entry.compressed ? seek_back_compressed(count) : seek_back(count));
        if (found) {
            return true;
        }
    }
    // All of it: the oldest is open at its beginning.
    return true;
}

/// Walks the open file backwards, counting record ends, until COUNT records lie behind the
/// position. Otherwise false, with COUNT what older files still have to give.
Result<bool> LogReader::seek_back(uint64_t& count) {
    off_t end = ::lseek(file_.fd(), 0, SEEK_END);
    if (in_end_) {
        end = std::min(end, static_cast<off_t>(end_->size));
    }
    const auto go_to = [&](off_t place) {
        position_ = static_cast<uint64_t>(place);
        return ::lseek(file_.fd(), place, SEEK_SET) >= 0;
    };
    if (count == 0) {
        return go_to(end);
    }
    std::array<char, kBlock> block;
    bool at_last_byte = true;
    while (end > 0) {
        const off_t start = std::max<off_t>(0, end - static_cast<off_t>(kBlock));
        const auto wanted = std::span(block).first(static_cast<size_t>(end - start));
        GT_TRY_VAR(size, read_at(file_.fd(), wanted, start));
        for (size_t i = size; i > 0; --i) {
            // The newline at the very end closes the last record; it does not begin another.
            if (block[i - 1] == '\n' && !at_last_byte && --count == 0) {
                return go_to(start + static_cast<off_t>(i));
            }
            at_last_byte = false;
        }
        end = start;
    }
    go_to(0);
    return !at_last_byte && --count == 0;
}

/// The same for a file that can only be read forwards: counts, and begins again.
Result<bool> LogReader::seek_back_compressed(uint64_t& count) {
    std::string block(kBlock, '\0');
    uint64_t lines = 0;
    for (;;) {
        GT_TRY_VAR(size, read(block));
        if (size == 0) {
            break;
        }
        lines += static_cast<uint64_t>(
            std::count(block.begin(), block.begin() + static_cast<std::ptrdiff_t>(size), '\n'));
    }
    GT_TRY(file_.rewind());
    position_ = 0;
    const bool found = lines >= count;
    skip_ = found ? lines - count : 0;
    count -= found ? count : lines;
    return found;
}

/// Goes on with the file that was begun after the open one. False if there is none.
Result<bool> LogReader::open_newer() {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const std::vector<LogFileEntry> files = list();
        if (files.empty()) {
            return false;
        }
        const std::optional<size_t> place = file_ ? file_.find_in(files) : std::nullopt;
        if (place == 0U) {
            return false;
        }
        // Rotated away while we were behind: everything that is kept is newer.
        const LogFileEntry& next = place ? files[*place - 1] : files.back();
        OpenLogFile old = std::move(file_);
        GT_TRY_VAR(opened, open(next));
        if (opened) {
            return true;
        }
        file_ = std::move(old);
    }
    return keeps_moving();
}

/// The open file is the one that is written to.
bool LogReader::is_newest() const {
    struct stat mine{};
    struct stat other{};
    return file_ && !file_.compressed() && ::fstat(file_.fd(), &mine) == 0 &&
           ::stat(path_.c_str(), &other) == 0 && mine.st_ino == other.st_ino &&
           mine.st_dev == other.st_dev;
}

/// Reads more of the open file into the buffer, false at its end.
Result<bool> LogReader::fill() {
    if (!file_) {
        return false;
    }
    buffer_.erase(0, consumed_);
    consumed_ = 0;
    const size_t kept = buffer_.size();
    buffer_.resize(kept + kBlock);
    auto size = read(std::span(buffer_).subspan(kept));
    buffer_.resize(kept + (size ? *size : 0));
    if (!size) {
        return Failure(std::move(size).error());
    }
    return *size > 0;
}

Result<std::optional<LogRecord>> LogReader::next() {
    for (;;) {
        const size_t end = buffer_.find('\n', consumed_);
        if (end != buffer_.npos) {
            const std::string_view line =
                std::string_view(buffer_).substr(consumed_, end - consumed_);
            consumed_ = end + 1;
            if (skip_ > 0) {
                --skip_;
            } else if (auto record = parser_(line)) {
                return record;
            }
            continue;
        }
        if (buffer_.size() - consumed_ > kLongestLine) {
            consumed_ = buffer_.size();
        }
        GT_TRY_VAR(more, fill());
        if (more) {
            continue;
        }
        if (is_newest()) {
            return std::nullopt;
        }
        // ORDER: read to the end once more after seeing the rename: the shim writes nothing to a
        // file that it has renamed, so now the end is the end.
        GT_TRY_VAR(rest, fill());
        if (rest) {
            continue;
        }
        GT_TRY_VAR(opened, open_newer());
        if (!opened) {
            return std::nullopt;
        }
    }
}

}  // namespace gantry::engine
