#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace gantry::cli {

/// Output on its way to one of our standard streams, which may be a pipe nobody reads for a while.
/// Such a stream must not be made non-blocking, since others share it: instead little is written at
/// a time, and to pipes and terminals only after poll(2) said that it will not block.
class StdioSink {
public:
    explicit StdioSink(int fd);

    int fd() const { return fd_; }
    bool pending() const { return !pending_.empty(); }

    void push(std::string_view data) { pending_ += data; }

    /// Writes what fits without blocking, once poll(2) reported the stream writable.
    /// kCancelled: nobody reads any more.
    Result<> write_some();

private:
    int fd_;
    bool never_blocks_;
    std::string pending_;
};

}  // namespace gantry::cli
