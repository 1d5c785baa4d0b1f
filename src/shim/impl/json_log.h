#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "shim/impl/json_encoder.h"
#include "shim/impl/log_file.h"

namespace gantry::shim {

/// Lines longer than this are cut into several records; only the last has the newline (K2).
inline constexpr size_t kMaxRecord = 16384;

/// Writes a container's output in the json-file format. Keeps the unfinished line of each stream;
/// everything else is in the file when write() returns.
class JsonLog {
public:
    /// ATTRS is JSON object text or empty. The texts must live as long as the object.
    void open(const char* path, int64_t max_size, uint32_t max_files, std::string_view attrs);
    bool is_open() const { return file_.is_open(); }

    /// Bytes that STREAM's (0 stdout, 1 stderr) unfinished line needs in front of the next data.
    size_t carried(int stream) const { return carry_size_[stream]; }

    /// Logs SIZE new bytes of STREAM at NOW (nanoseconds since 1970). DATA must have kMaxRecord
    /// writable bytes in front of it and kEncoderOverread readable ones behind.
    void write(int stream, char* data, size_t size, int64_t now);

    /// Logs the unfinished line without a newline: the stream has ended.
    void finish(int stream, int64_t now);

    /// Gives back the memory that a burst of output took.
    void trim();

    uint64_t dropped() const { return file_.dropped(); }

private:
    void put(int stream, const char* data, size_t size);
    void flush();

    LogFile file_;
    std::string_view attrs_;
    TimeFormatter formatter_;
    char time_[32] = {};
    size_t time_size_ = 0;
    size_t pending_ = 0;
    size_t carry_size_[2] = {};
    char (*carry_)[kMaxRecord + kEncoderOverread] = nullptr;  // of two streams
};

}  // namespace gantry::shim
