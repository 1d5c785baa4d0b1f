#include "shim/impl/process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace gantry::shim {

namespace {

// fcntl(2): F_GET_SEALS and the seals that keep a mapping's size and content.
constexpr int kGetSeals = 1034;
constexpr int kSealShrinkAndWrite = 0x2 | 0x8;

}  // namespace

bool MappedPlan::map(int fd) {
    struct stat status = {};
    const int seals = fcntl(fd, kGetSeals);
    if (seals < 0 || (seals & kSealShrinkAndWrite) != kSealShrinkAndWrite ||
        fstat(fd, &status) != 0 || status.st_size <= 0) {
        return false;
    }
    size_ = static_cast<uint64_t>(status.st_size);
    memory_ = mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd, 0);
    if (memory_ == MAP_FAILED) {
        memory_ = nullptr;
        return false;
    }
    view_ = PlanView::check(memory_, size_);
    return static_cast<bool>(view_);
}

void MappedPlan::unmap() {
    if (memory_ != nullptr) {
        munmap(memory_, size_);
        memory_ = nullptr;
        view_ = {};
    }
}

}  // namespace gantry::shim
