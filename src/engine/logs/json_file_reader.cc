#include "engine/logs/json_file_reader.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

#include "spec/value.h"

namespace gantry::engine {
namespace {

constexpr size_t kBlock = 64 * 1024;
// A record is at most 16 KiB of text, every byte of it escaped to six, and its frame.
constexpr size_t kLongestLine = 256 * 1024;

Result<size_t> read_some(int fd, std::span<char> space, off_t offset) {
    for (;;) {
        const ssize_t count = offset < 0 ? ::read(fd, space.data(), space.size())
                                         : ::pread(fd, space.data(), space.size(), offset);
        if (count >= 0) {
            return static_cast<size_t>(count);
        }
        if (errno != EINTR) {
            return fail_errno("read log");
        }
    }
}

}  // namespace

std::string JsonFileReader::generation_path(unsigned generation) const {
    return generation == 0 ? path_ : fmt::format("{}.{}", path_, generation);
}

/// Whether no file of GENERATION or older is kept. A rotation in progress renames from old to new,
/// so that one name in the middle can be missing for a moment, but not two.
bool JsonFileReader::is_past_oldest(unsigned generation) const {
    const auto missing = [&](unsigned number) {
        return ::access(generation_path(number).c_str(), F_OK) != 0;
    };
    return missing(generation) && missing(generation + 1) && missing(generation);
}

unsigned JsonFileReader::oldest_generation() const {
    unsigned generation = 0;
    while (!is_past_oldest(generation + 1)) {
        ++generation;
    }
    return generation;
}

Result<bool> JsonFileReader::open_generation(unsigned generation) {
    UniqueFd fd(::open(generation_path(generation).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd) {
        if (errno == ENOENT) {
            return false;
        }
        return fail_errno("open log");
    }
    fd_ = std::move(fd);
    buffer_.clear();
    consumed_ = 0;
    return true;
}

Result<> JsonFileReader::seek_start() {
    for (unsigned generation = oldest_generation();; --generation) {
        GT_TRY_VAR(opened, open_generation(generation));
        if (opened || generation == 0) {
            return {};
        }
    }
}

/// Walks the open file backwards, counting record ends, until COUNT records lie behind the
/// position. FOUND says that they did; otherwise COUNT is what older files still have to give.
Result<> JsonFileReader::seek_back(uint64_t& count, bool& found) {
    off_t end = ::lseek(fd_.get(), 0, SEEK_END);
    std::array<char, kBlock> block;
    bool at_last_byte = true;
    while (end > 0) {
        const off_t start = std::max<off_t>(0, end - static_cast<off_t>(kBlock));
        GT_TRY_VAR(
            size,
            read_some(fd_.get(), std::span(block).first(static_cast<size_t>(end - start)), start));
        for (size_t i = size; i > 0; --i) {
            // The newline at the very end closes the last record; it does not begin another.
            if (block[i - 1] == '\n' && !at_last_byte && --count == 0) {
                found = ::lseek(fd_.get(), start + static_cast<off_t>(i), SEEK_SET) >= 0;
                return {};
            }
            at_last_byte = false;
        }
        end = start;
    }
    if (!at_last_byte && --count == 0) {
        found = true;
    }
    ::lseek(fd_.get(), 0, SEEK_SET);
    return {};
}

Result<> JsonFileReader::seek_tail(uint64_t count) {
    if (count == 0) {
        GT_TRY_VAR(opened, open_generation(0));
        if (opened) {
            ::lseek(fd_.get(), 0, SEEK_END);
        }
        return {};
    }
    bool found = false;
    for (unsigned generation = 0; !found; ++generation) {
        if (is_past_oldest(generation)) {
            return seek_start();
        }
        GT_TRY_VAR(opened, open_generation(generation));
        if (opened) {
            GT_TRY(seek_back(count, found));
        }
    }
    return {};
}

/// The generation that the open file is now; empty when it was deleted by rotation.
Result<std::optional<unsigned>> JsonFileReader::generation_of_open_file() const {
    struct stat mine{};
    if (::fstat(fd_.get(), &mine) < 0) {
        return fail_errno("stat log");
    }
    // Files only move from new to old names, and so do we: none is missed on the way.
    struct stat other{};
    for (unsigned generation = 0; generation == 0 || !is_past_oldest(generation); ++generation) {
        if (::stat(generation_path(generation).c_str(), &other) == 0 &&
            other.st_ino == mine.st_ino && other.st_dev == mine.st_dev) {
            return generation;
        }
    }
    return std::nullopt;
}

/// Whether FD is open on the file that PATH names now.
bool JsonFileReader::is_open_on(unsigned generation) const {
    struct stat mine{};
    struct stat other{};
    return ::fstat(fd_.get(), &mine) == 0 &&
           ::stat(generation_path(generation).c_str(), &other) == 0 &&
           mine.st_ino == other.st_ino && mine.st_dev == other.st_dev;
}

/// Opens the file that follows the one of GENERATION; false if there is none (yet). In the middle
/// of a rotation the name between the two is missing.
Result<bool> JsonFileReader::open_successor(unsigned generation) {
    GT_TRY_VAR(next, open_generation(generation - 1));
    if (next || generation == 1) {
        return next;
    }
    GT_TRY_VAR(over_the_gap, open_generation(generation - 2));
    if (!over_the_gap) {
        return false;
    }
    // ORDER: look again after opening. If the gap was closed with another file than ours, it is
    // that one which comes next.
    if (is_open_on(generation - 2) || is_open_on(generation - 1)) {
        return true;
    }
    return open_generation(generation - 1);
}

/// Goes on with the file that was begun after the open one. False if there is none.
Result<bool> JsonFileReader::open_newer() {
    if (!fd_) {
        return open_generation(0);
    }
    GT_TRY_VAR(generation, generation_of_open_file());
    while (generation && *generation > 0) {
        UniqueFd old = std::move(fd_);
        GT_TRY_VAR(opened, open_successor(*generation));
        // ORDER: look again after opening. If everything was renamed by one in between, the file
        // just opened is the next but one.
        std::swap(fd_, old);
        GT_TRY_VAR(now, generation_of_open_file());
        if (now == generation) {
            if (opened) {
                fd_ = std::move(old);
            }
            return opened;
        }
        generation = now;
    }
    if (generation) {
        return false;
    }
    // Rotated away while we were behind: everything that is kept is newer.
    GT_TRY(seek_start());
    return true;
}

/// Reads more of the open file into the buffer, false at its end.
Result<bool> JsonFileReader::fill() {
    if (!fd_) {
        return false;
    }
    buffer_.erase(0, consumed_);
    consumed_ = 0;
    const size_t kept = buffer_.size();
    buffer_.resize(kept + kBlock);
    auto size = read_some(fd_.get(), std::span(buffer_).subspan(kept), -1);
    buffer_.resize(kept + (size ? *size : 0));
    if (!size) {
        return Failure(std::move(size).error());
    }
    return *size > 0;
}

Result<std::optional<LogRecord>> JsonFileReader::next() {
    for (;;) {
        const size_t end = buffer_.find('\n', consumed_);
        if (end != buffer_.npos) {
            const std::string_view line =
                std::string_view(buffer_).substr(consumed_, end - consumed_);
            consumed_ = end + 1;
            if (auto record = parse_log_record(line)) {
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
        GT_TRY_VAR(generation,
                   fd_ ? generation_of_open_file() : Result<std::optional<unsigned>>(std::nullopt));
        if (fd_ && generation == 0U) {
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

std::optional<LogRecord> parse_log_record(std::string_view line) {
    auto value = spec::Value::parse(line);
    if (!value) {
        return std::nullopt;
    }
    const spec::Value* const text = value->find("log");
    const spec::Value* const stream = value->find("stream");
    const spec::Value* const time = value->find("time");
    if (text == nullptr || !text->is_string() || stream == nullptr || !stream->is_string() ||
        time == nullptr || !time->is_string()) {
        return std::nullopt;
    }
    const auto when = parse_rfc3339(time->as_string());
    if (!when) {
        return std::nullopt;
    }
    return LogRecord{stream->as_string() == "stderr", *when, text->as_string()};
}

}  // namespace gantry::engine
