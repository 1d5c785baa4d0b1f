#pragma once

#include <cstddef>
#include <cstdint>

namespace gantry::shim {

/// A log file that only grows, up to a size, and is then rotated: PATH to PATH.1 and so on up to
/// MAX_FILES files in all; with one file a new one takes its place. Of the rotated files some may
/// be compressed by the daemon (PATH.1.gz); they move with the others.
///
/// A file is never truncated or written to under a name with a number, so whoever has one open can
/// read it to its end. Never blocks and never fails the container: what cannot be written is
/// dropped and counted. The file always ends with a whole record.
class LogFile {
public:
    /// PATH must live as long as the object.
    void open(const char* path, int64_t max_size, uint32_t max_files);
    bool is_open() const { return path_ != nullptr; }

    /// Appends whole records (each ends with its only newline).
    void write(const char* data, size_t size);

    /// The next record belongs into a new file, when PENDING bytes are written before it.
    bool is_full(size_t pending) const {
        return max_size_ >= 0 && size_ + static_cast<int64_t>(pending) >= max_size_;
    }
    void rotate();
    /// Counts the calls of rotate().
    uint64_t rotations() const { return rotations_; }

    /// The rotated file with this INODE has its compressed form in PATH.gz.tmp, which takes its
    /// place. False, and the form is removed, when there is no such file any more.
    bool take_compressed(uint64_t inode);

    /// Removes all that was written; the next record begins a new file.
    void clear();

    /// Bytes that could not be written, and why not (errno of the last time).
    uint64_t dropped() const { return dropped_; }
    int drop_reason() const { return drop_reason_; }

private:
    void reopen();
    void keep_whole_records(const char* data, size_t written);

    const char* path_ = nullptr;
    int fd_ = -1;
    int64_t size_ = 0;
    int64_t max_size_ = -1;
    uint32_t max_files_ = 1;
    uint64_t rotations_ = 0;
    uint64_t dropped_ = 0;
    int drop_reason_ = 0;
};

}  // namespace gantry::shim
