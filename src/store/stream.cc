#include "store/stream.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace gantry::store {

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

}  // namespace gantry::store
