#include "runtime/impl/shim_reaper.h"

#include <vector>

#include "base/mutex.h"
#include "sys/process.h"

namespace gantry::runtime {

namespace {

constexpr int kPatienceMs = 20;

struct Shims {
    Mutex mutex;
    std::vector<UniqueFd> pidfds GT_GUARDED_BY(mutex);
};

Shims& shims() {
    static Shims instance;
    return instance;
}

}  // namespace

void remember_shim(UniqueFd pidfd) {
    if (pidfd) {
        // The usual case is a shim that has just closed its sockets.
        (void)sys::wait_gone(pidfd.get(), kPatienceMs);
    }
    Shims& all = shims();
    MutexLock lock(all.mutex);
    if (pidfd) {
        all.pidfds.push_back(std::move(pidfd));
    }
    std::erase_if(all.pidfds, [](const UniqueFd& fd) {
        const auto status = sys::wait_child(fd.get(), sys::Wait::kPoll, sys::Reap::kYes);
        return !status || status->has_value();
    });
}

}  // namespace gantry::runtime
