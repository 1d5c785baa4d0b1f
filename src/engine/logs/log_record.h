#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace gantry::engine {

/// One record of a log: at most 16 KiB of one stream's output. `text` ends in a newline unless the
/// record is a part of a longer line, or the last of its stream.
struct LogRecord {
    bool is_stderr = false;
    WallTime time{};
    std::string text;
    /// json-file's "attrs", in the file's order.
    std::vector<std::pair<std::string, std::string>> attributes = {};
};

/// The record in one line (without its newline) of a json-file log; empty if the line is none.
std::optional<LogRecord> parse_json_record(std::string_view line);

/// The same for `local` (shim/impl/container_log.h).
std::optional<LogRecord> parse_local_record(std::string_view line);

}  // namespace gantry::engine
