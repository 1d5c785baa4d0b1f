#include "engine/logdriver/log_compression.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/failpoint.h"
#include "base/scope_guard.h"
#include "engine/logdriver/log_files.h"
#include "store/gzip_file.h"

namespace gantry::engine {
namespace {

constexpr mode_t kMode = 0640;

std::string temporary_path(const LogStore& store) {
    return store.path + ".gz.tmp";
}

/// Writes the compressed form of FROM, with its time and its mark.
Result<> write_compressed(int from, const std::string& path) {
    GT_TRY_VAR(mark, log_file_mark(from));
    const UniqueFd to(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, kMode));
    if (!to) {
        return fail_errno(path);
    }
    GT_TRY(store::gzip_file(from, to.get(), mark));
    struct stat status{};
    if (::fstat(from, &status) < 0) {
        return fail_errno("stat log");
    }
    const timespec times[] = {status.st_atim, status.st_mtim};
    if (::futimens(to.get(), times) < 0) {
        return fail_errno("utimens");
    }
    return {};
}

}  // namespace

Result<bool> compress_one(const LogStore& store, const TakeCompressed& take) {
    const std::vector<LogFileEntry> files = list_log_files(store.path);
    const auto found = std::ranges::find_if(files, [&](const LogFileEntry& file) {
        return !file.compressed && file.path != store.path;
    });
    if (found == files.end()) {
        return false;
    }
    OpenLogFile file;
    GT_TRY_VAR(opened, file.open(*found));
    if (!opened) {
        return true;  // it was moved; the next call finds it
    }
    const std::string temporary = temporary_path(store);
    ScopeGuard cleanup([&] { ::unlink(temporary.c_str()); });
    GT_TRY(write_compressed(file.fd(), temporary));
    GT_FAILPOINT("logs.compress.take");
    GT_TRY(take(found->inode));
    cleanup.commit();
    return true;
}

Result<> take_compressed(const LogStore& store, uint64_t inode) {
    for (const LogFileEntry& file : list_log_files(store.path)) {
        if (file.compressed || file.inode != inode || file.path == store.path) {
            continue;
        }
        // ORDER: one of the two is there at any time.
        if (::rename(temporary_path(store).c_str(), (file.path + ".gz").c_str()) < 0 ||
            ::unlink(file.path.c_str()) < 0) {
            return fail_errno("rename log");
        }
        return {};
    }
    return fail(Kind::kNotFound, "the log file is gone");
}

Result<> remove_log_files(const LogStore& store) {
    std::vector<LogFileEntry> files = list_log_files(store.path);
    // From old to new: what a crash leaves is the newest part, without a gap.
    std::ranges::reverse(files);
    for (const LogFileEntry& file : files) {
        GT_FAILPOINT("logs.clear.unlink");
        if (::unlink(file.path.c_str()) < 0 && errno != ENOENT) {
            return fail_errno(file.path);
        }
    }
    return {};
}

}  // namespace gantry::engine
