#include "base/stream.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace gantry {
namespace {

constexpr size_t kPiece = size_t{64} * 1024;

}  // namespace

Reader read_from_fd(int fd) {
    return [fd](std::span<char> into) -> Result<size_t> {
        for (;;) {
            const ssize_t count = ::read(fd, into.data(), into.size());
            if (count >= 0) {
                return static_cast<size_t>(count);
            }
            if (errno != EINTR) {
                return fail_errno("read");
            }
        }
    };
}

Reader read_from_memory(std::string_view text) {
    return [rest = text](std::span<char> into) mutable -> Result<size_t> {
        const size_t count = std::min(into.size(), rest.size());
        std::copy_n(rest.data(), count, into.data());
        rest.remove_prefix(count);
        return count;
    };
}

Result<> Gathered::write(std::string_view bytes) {
    if (buffer_.size() + bytes.size() > kPiece) {
        GT_TRY(flush());
    }
    if (bytes.size() >= kPiece) {
        return out_(bytes);
    }
    buffer_ += bytes;
    return {};
}

Result<> Gathered::flush() {
    if (buffer_.empty()) {
        return {};
    }
    auto written = out_(buffer_);
    buffer_.clear();
    return written;
}

}  // namespace gantry
