#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "engine/logdriver/log_files.h"
#include "engine/logs/log_record.h"

namespace gantry::engine {

/// Reads the log that a shim writes, oldest record first, across its rotated and compressed files
/// (log_files.h), while the shim goes on writing and rotating and the daemon compressing: nothing
/// is read twice and, as long as the reader is less than all kept files behind, nothing is left
/// out. Holds one file open and one block in memory. Not thread-safe.
class LogReader {
public:
    using Parser = std::optional<LogRecord> (*)(std::string_view line);

    /// PATH is the current file. A log that does not exist yet is an empty one.
    LogReader(std::string path, Parser parser) : path_(std::move(path)), parser_(parser) {}

    /// What is written from now on is not read. Call it before a seek.
    Result<> stop_at_present_end();

    /// Starts at the oldest record kept, or with SINCE at some record not after the first of that
    /// time. Call this or seek_tail() first.
    Result<> seek_start(std::optional<WallTime> since = std::nullopt);

    /// Starts so that COUNT records are left to read, fewer if there are fewer.
    Result<> seek_tail(uint64_t count);

    /// The next record; empty at the end of what is written so far, which may grow unless
    /// stop_at_present_end() was called. A damaged line
    /// (a crash of the machine can leave one) is passed over.
    Result<std::optional<LogRecord>> next();

private:
    Result<bool> open(const LogFileEntry& entry);
    std::vector<LogFileEntry> list() const;
    Result<size_t> read(std::span<char> into);
    Result<bool> seek_tail_in(const std::vector<LogFileEntry>& files, uint64_t count);
    Result<bool> seek_back(uint64_t& count);
    Result<bool> seek_back_compressed(uint64_t& count);
    Result<bool> fill();
    Result<bool> open_newer();
    bool is_newest() const;

    std::string path_;
    Parser parser_;
    OpenLogFile file_;
    /// How far it is read.
    uint64_t position_ = 0;

    /// Where to stop: in this file, the newest one then, after so many bytes. No file: there was
    /// nothing.
    struct End {
        OpenLogFile file;
        uint64_t size = 0;
    };
    std::optional<End> end_;
    /// The open file is that one, whatever its name is now.
    bool in_end_ = false;

    std::string buffer_;
    size_t consumed_ = 0;
    /// Lines to pass over.
    uint64_t skip_ = 0;
};

}  // namespace gantry::engine
