#pragma once

#include <cstddef>
#include <cstdint>

namespace gantry::shim {

/// A log file that only grows, up to a size, and is then rotated: PATH to PATH.1 and so on up to
/// MAX_FILES files in all; with one file it starts anew.
///
/// Never blocks and never fails the container: what cannot be written is dropped and counted. The
/// file always ends with a whole record.
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

    /// Bytes that could not be written.
    uint64_t dropped() const { return dropped_; }

private:
    void reopen(int flags);
    void keep_whole_records(const char* data, size_t written);

    const char* path_ = nullptr;
    int fd_ = -1;
    int64_t size_ = 0;
    int64_t max_size_ = -1;
    uint32_t max_files_ = 1;
    uint64_t dropped_ = 0;
};

}  // namespace gantry::shim
