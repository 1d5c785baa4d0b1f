#include "shim/impl/output_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

namespace gantry::shim {

namespace {

/// The disk's room is asked for in steps of this.
constexpr uint64_t kStep = 1 << 20;

}  // namespace

bool OutputSpool::reserve(const char* directory, uint64_t oldest, uint64_t room) {
    if (end_ + room - oldest > kCapacity) {
        return false;
    }
    if (fd_ < 0) {
        fd_ = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (fd_ < 0) {
            return false;
        }
    }
    // What the ring covered once is allocated for ever.
    while (allocated_ < kCapacity && allocated_ < end_ + room) {
        // A file system that cannot tell beforehand tells while writing.
        if (fallocate(fd_, 0, static_cast<off_t>(allocated_), kStep) != 0 && errno != EOPNOTSUPP) {
            return false;
        }
        allocated_ += kStep;
    }
    return true;
}

bool OutputSpool::append(int stream, const char* data, uint32_t size) {
    const Record record = {static_cast<uint32_t>(stream), size};
    if (fd_ < 0 || !write_at(end_, reinterpret_cast<const char*>(&record), sizeof record) ||
        !write_at(end_ + sizeof record, data, size)) {
        return false;
    }
    end_ = next(end_, record);
    return true;
}

bool OutputSpool::read(uint64_t at, Record* record, char* into) const {
    return read_at(at, reinterpret_cast<char*>(record), sizeof *record) &&
           record->size < kRecordRoom && read_at(at + sizeof *record, into, record->size);
}

void OutputSpool::close() {
    if (fd_ >= 0) {
        ::close(fd_);
        fd_ = -1;
    }
    end_ = 0;
    allocated_ = 0;
}

bool OutputSpool::write_at(uint64_t at, const char* data, size_t size) const {
    while (size > 0) {
        const uint64_t offset = at % kCapacity;
        const uint64_t left = kCapacity - offset;
        const ssize_t count =
            pwrite(fd_, data, size < left ? size : left, static_cast<off_t>(offset));
        if (count <= 0) {
            if (count < 0 && errno == EINTR) {
                continue;
            }
            return false;
        }
        at += static_cast<uint64_t>(count);
        data += count;
        size -= static_cast<size_t>(count);
    }
    return true;
}

bool OutputSpool::read_at(uint64_t at, char* into, size_t size) const {
    while (size > 0) {
        const uint64_t offset = at % kCapacity;
        const uint64_t left = kCapacity - offset;
        const ssize_t count =
            pread(fd_, into, size < left ? size : left, static_cast<off_t>(offset));
        if (count <= 0) {
            if (count < 0 && errno == EINTR) {
                continue;
            }
            return false;
        }
        at += static_cast<uint64_t>(count);
        into += count;
        size -= static_cast<size_t>(count);
    }
    return true;
}

}  // namespace gantry::shim
