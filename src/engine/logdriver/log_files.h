#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/stream.h"
#include "base/unique_fd.h"

namespace gantry::engine {

/// One of a log's files as it is now.
struct LogFileEntry {
    std::string path;
    ino_t inode = 0;
    bool compressed = false;
    /// Of its last record, or a little later.
    WallTime changed{};
};

/// The files of the log PATH, newest first: PATH, PATH.1, PATH.2.gz and so on. Right even while
/// they are renamed from old to new names, or compressed.
std::vector<LogFileEntry> list_log_files(const std::string& path);

/// What makes a rotated file recognizable in its compressed form, which has it in its header.
Result<std::string> log_file_mark(int fd);

/// A log's file, open: it stays the same, whatever becomes of its name.
class OpenLogFile {
public:
    OpenLogFile() = default;
    /// False, and nothing is open, when ENTRY's file is not there under that name any more.
    Result<bool> open(const LogFileEntry& entry);

    explicit operator bool() const { return static_cast<bool>(fd_); }
    bool compressed() const { return compressed_; }
    int fd() const { return fd_.get(); }

    /// Goes back to the beginning.
    Result<> rewind();

    /// The next bytes; 0 at the end, which may move while the file is written to.
    Result<size_t> read(std::span<char> into);

    /// Where it stands in FILES; empty if it is not among them any more.
    std::optional<size_t> find_in(const std::vector<LogFileEntry>& files) const;

private:
    UniqueFd fd_;
    ino_t inode_ = 0;
    bool compressed_ = false;
    /// Of a compressed file.
    Reader inflated_;
};

}  // namespace gantry::engine
