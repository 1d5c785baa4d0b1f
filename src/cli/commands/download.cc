#include "cli/commands/download.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <optional>

#include "base/unique_fd.h"
#include "cli/interrupt.h"
#include "cli/read_file.h"

namespace gantry::cli {
namespace {

constexpr size_t kCopySize = 64 * 1024;

}  // namespace

Result<> download(io::ClientConnection& connection, const std::string& path) {
    const std::string temporary = fmt::format("{}.gantry-tmp-{}", path, ::getpid());
    const bool standard = path.empty();
    UniqueFd file;
    std::optional<RemoveOnInterrupt> unfinished;
    if (!standard) {
        unfinished.emplace(temporary);
        file.reset(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (!file) {
            return file_failure("open", path);
        }
    }
    const auto copy = [&]() -> Result<> {
        std::array<char, kCopySize> buffer = {};
        while (true) {
            GT_TRY_VAR(got, connection.read(buffer));
            if (got == 0) {
                return {};
            }
            for (size_t done = 0; done < got;) {
                const ssize_t written = ::write(standard ? STDOUT_FILENO : file.get(),
                                                buffer.data() + done, got - done);
                if (written < 0 && errno != EINTR) {
                    return fail_errno("writing the archive");
                }
                done += written > 0 ? static_cast<size_t>(written) : 0;
            }
        }
    };
    auto copied = copy();
    if (!standard && copied && ::rename(temporary.c_str(), path.c_str()) != 0) {
        copied = fail_errno("writing " + path);
    }
    if (!standard && !copied) {
        (void)::unlink(temporary.c_str());
    }
    return copied;
}

}  // namespace gantry::cli
