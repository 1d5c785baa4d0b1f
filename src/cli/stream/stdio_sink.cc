#include "cli/stream/stdio_sink.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace gantry::cli {

StdioSink::StdioSink(int fd) : fd_(fd) {
    struct stat status = {};
    never_blocks_ = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

Result<> StdioSink::write_some() {
    // A pipe that poll(2) calls writable has room for PIPE_BUF bytes.
    const size_t size =
        never_blocks_ ? pending_.size() : std::min<size_t>(pending_.size(), PIPE_BUF);
    const ssize_t written = ::write(fd_, pending_.data(), size);
    if (written < 0) {
        if (errno == EINTR || errno == EAGAIN) {
            return {};
        }
        if (errno == EPIPE) {
            return fail(Kind::kCancelled, "write: broken pipe");
        }
        return fail_errno("write");
    }
    pending_.erase(0, static_cast<size_t>(written));
    return {};
}

}  // namespace gantry::cli
