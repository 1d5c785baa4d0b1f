#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/unique_fd.h"

namespace gantry::engine {

/// One record of a json-file log: at most 16 KiB of one stream's output. `text` ends in a newline
/// unless the record is a part of a longer line, or the last of its stream.
struct LogRecord {
    bool is_stderr = false;
    WallTime time{};
    std::string text;
};

/// Reads the json-file log that a shim writes, oldest record first, across its rotated files
/// (`path`, `path.1`, `path.2`, ... from new to old), while the shim goes on writing and rotating:
/// nothing is read twice and, as long as the reader is less than all kept files behind, nothing is
/// left out. Holds one file open. Not thread-safe.
class JsonFileReader {
public:
    /// PATH is the current file. A log that does not exist yet is an empty one.
    explicit JsonFileReader(std::string path) : path_(std::move(path)) {}

    /// Starts at the oldest record kept. Call this or seek_tail() first.
    Result<> seek_start();

    /// Starts so that COUNT records are left to read, fewer if there are fewer.
    Result<> seek_tail(uint64_t count);

    /// The next record; empty at the end of what is written so far, which may grow. A damaged line
    /// (a crash of the machine can leave one) is passed over.
    Result<std::optional<LogRecord>> next();

private:
    Result<bool> fill();
    Result<bool> open_newer();
    Result<bool> open_successor(unsigned generation);
    bool is_open_on(unsigned generation) const;
    Result<std::optional<unsigned>> generation_of_open_file() const;
    Result<bool> open_generation(unsigned generation);
    Result<> seek_back(uint64_t& count, bool& found);
    std::string generation_path(unsigned generation) const;
    unsigned oldest_generation() const;
    bool is_past_oldest(unsigned generation) const;

    std::string path_;
    UniqueFd fd_;
    std::string buffer_;
    size_t consumed_ = 0;
};

/// The record in one line of the log; empty if the line is none.
std::optional<LogRecord> parse_log_record(std::string_view line);

}  // namespace gantry::engine
