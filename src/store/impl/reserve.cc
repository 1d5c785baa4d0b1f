#include "store/impl/reserve.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdint>

namespace gantry::store {

namespace {

// Some dozens of commits; SQLite uses its log again from the start after a thousand pages.
constexpr off_t kSize = off_t{1} << 20;

/// Free bytes of the file system of FD; 0 if it does not say.
uint64_t free_bytes(int fd) {
    struct statvfs info{};
    return ::fstatvfs(fd, &info) == 0 ? info.f_bavail * info.f_frsize : 0;
}

}  // namespace

Result<Reserve> Reserve::open(const std::string& path) {
    UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) {
        return fail_errno(fmt::format("open {}", path));
    }
    Reserve reserve(std::move(file));
    reserve.take();
    return std::move(reserve);
}

void Reserve::give() {
    if (held_ && free_bytes(file_.get()) < kSize && ::ftruncate(file_.get(), 0) == 0) {
        held_ = false;
    }
}

void Reserve::take() {
    if (!held_ && free_bytes(file_.get()) > 2 * kSize) {
        // A file system that cannot allocate ahead has no reserve.
        held_ = ::fallocate(file_.get(), 0, 0, kSize) == 0;
    }
}

}  // namespace gantry::store
