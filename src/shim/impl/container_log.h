#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "shim/impl/json_encoder.h"
#include "shim/impl/log_file.h"
#include "shim/impl/log_peer.h"
#include "shim/plan.h"

namespace gantry::shim {

/// Lines longer than this are cut into several records; only the last has the newline (K2).
inline constexpr size_t kMaxRecord = 16384;

/// Writes a container's output to its log file and, if there is one, to its log's peer. Keeps the
/// unfinished line of each stream; everything else is in the file, or with the peer, when write()
/// returns.
///
/// A file is json-file's or "local": a line for each record, `o1a2b3c4d5e6f7a8b text`: o for
/// stdout, e for stderr, as a capital letter when the text goes on in the next record of its stream
/// (or its stream ended without a newline), then the time in nanoseconds as 16 hexadecimal digits.
class ContainerLog {
public:
    struct File {
        LogFormat format = LogFormat::kNone;
        const char* path = nullptr;
        int64_t max_size = -1;
        uint32_t max_files = 1;
        /// JSON object text or empty; only for json-file.
        std::string_view attrs;
    };
    /// The texts must live as long as the object. PEER, which is open, or null.
    void open(const File& file, LogPeer* peer);
    bool is_open() const { return carry_ != nullptr; }
    LogFile& file() { return file_; }
    const LogFile& file() const { return file_; }
    LogPeer* peer() { return peer_; }

    /// Bytes that STREAM's (0 stdout, 1 stderr) unfinished line needs in front of the next data.
    size_t carried(int stream) const { return carry_size_[stream]; }

    /// Logs SIZE new bytes of STREAM at NOW (nanoseconds since 1970). DATA must have kMaxRecord
    /// writable bytes in front of it and kEncoderOverread readable ones behind.
    void write(int stream, char* data, size_t size, int64_t now);

    /// Logs the unfinished line without a newline: the stream has ended.
    void finish(int stream, int64_t now);

    /// Gives back the memory that a burst of output took.
    void trim();

private:
    void put(int stream, const char* data, size_t size);
    void put_in_file(int stream, const char* data, size_t size);
    char* append_json(char* out, int stream, const char* data, size_t size);
    char* append_local(char* out, int stream, const char* data, size_t size) const;
    void set_time(int64_t now);
    void flush();

    LogFile file_;
    LogFormat format_ = LogFormat::kNone;
    LogPeer* peer_ = nullptr;
    std::string_view attrs_;
    int64_t now_ = 0;
    TimeFormatter formatter_;
    char time_[32] = {};
    size_t time_size_ = 0;
    size_t pending_ = 0;
    size_t carry_size_[2] = {};
    char (*carry_)[kMaxRecord + kEncoderOverread] = nullptr;  // of two streams
};

}  // namespace gantry::shim
