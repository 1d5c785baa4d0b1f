#include "cli/read_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "base/unique_fd.h"

namespace gantry::cli {
/// Go prints errno texts in lower case.
Failure file_failure(std::string_view operation, const std::string& path) {
    const int error = errno;
    const Kind kind = error == ENOENT                     ? Kind::kNotFound
                      : error == EACCES || error == EPERM ? Kind::kForbidden
                                                          : Kind::kInternal;
    std::string text = ::strerror(error);
    text[0] = to_lower(text.substr(0, 1))[0];
    return Failure(Error(kind, fmt::format("{} {}: {}", operation, path, text), error));
}

Result<std::string> read_file(const std::string& path, size_t limit) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
        return file_failure("open", path);
    }
    std::string content;
    std::array<char, 16 * 1024> buffer = {};
    while (true) {
        const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return file_failure("read", path);
        }
        if (got == 0) {
            return content;
        }
        content.append(buffer.data(), static_cast<size_t>(got));
        if (content.size() > limit) {
            return fail(Kind::kInvalid, fmt::format("{} is longer than {} bytes", path, limit));
        }
    }
}

}  // namespace gantry::cli
