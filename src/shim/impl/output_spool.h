#pragma once

#include <cstddef>
#include <cstdint>

namespace gantry::shim {

/// What a process wrote and clients that are behind have still to get, record by record: a ring in
/// a file that has no name, in the container's directory. There is one for all clients of a
/// process, so clients that do not read cost disk, once, and hardly any memory. Positions count
/// bytes from the opening on.
class OutputSpool {
public:
    /// A client may be so far behind before the process has to wait for it.
    static constexpr uint64_t kCapacity = uint64_t{64} << 20;
    /// More than one record takes.
    static constexpr uint64_t kRecordRoom = 128 << 10;

    struct Record {
        uint32_t stream;
        uint32_t size;
    };

    /// Where the next record begins.
    uint64_t end() const { return end_; }

    /// There is room for ROOM more bytes, on the disk too, when all from OLDEST on is still wanted.
    /// Opens the file in DIRECTORY if it is not open.
    bool reserve(const char* directory, uint64_t oldest, uint64_t room);

    /// False when the record could not be kept, of which reserve() had warned.
    bool append(int stream, const char* data, uint32_t size);

    /// The record at AT, its SIZE bytes to INTO. False when the file cannot be read.
    bool read(uint64_t at, Record* record, char* into) const;
    static uint64_t next(uint64_t at, const Record& record) {
        return at + sizeof record + record.size;
    }

    /// Nobody is behind: gives the disk's room back.
    void close();

private:
    bool write_at(uint64_t at, const char* data, size_t size) const;
    bool read_at(uint64_t at, char* into, size_t size) const;

    int fd_ = -1;
    uint64_t end_ = 0;
    /// Of the file, from its beginning on.
    uint64_t allocated_ = 0;
};

}  // namespace gantry::shim
