#include "store/trash.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/failpoint.h"
#include "base/id.h"
#include "sys/files.h"

namespace gantry::store {

Result<std::unique_ptr<Trash>> Trash::open(const std::string& data_root) {
    const std::string path = data_root + "/trash";
    GT_TRY(sys::make_dirs(path.c_str(), 0700));
    GT_TRY_VAR(directory, sys::open_file(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY));
    return std::unique_ptr<Trash>(new Trash(std::move(directory)));
}

Trash::Trash(UniqueFd directory) : directory_(std::move(directory)) {
    thread_ = std::thread([this] { run(); });
}

Trash::~Trash() {
    {
        MutexLock lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

Result<> Trash::discard(int directory, const std::string& name) {
    GT_FAILPOINT("store.discard");
    if (::renameat(directory, name.c_str(), directory_.get(), random_id().c_str()) < 0) {
        if (errno == ENOENT) {
            return {};
        }
        return fail_errno(fmt::format("move {} to the trash", name));
    }
    {
        MutexLock lock(mutex_);
        ++discarded_;
    }
    changed_.notify_all();
    return {};
}

void Trash::drain() {
    MutexLock lock(mutex_);
    const uint64_t goal = discarded_;
    while (deleted_ < goal && !stopping_) {
        changed_.wait(mutex_);
    }
}

void Trash::run() {
    // Linux gives every thread a nice value of its own. Not being allowed to be nice is no reason
    // not to work.
    (void)::setpriority(PRIO_PROCESS, 0, 19);
    for (;;) {
        uint64_t seen = 0;
        {
            MutexLock lock(mutex_);
            while (deleted_ == discarded_ && !stopping_) {
                changed_.wait(mutex_);
            }
            if (stopping_) {
                return;
            }
            seen = discarded_;
        }
        // An entry that cannot be deleted stays until the next round or the next start.
        if (const auto names = sys::list_dir(directory_.get(), ".")) {
            for (const std::string& name : *names) {
                (void)sys::remove_tree(directory_.get(), name.c_str());
                MutexLock lock(mutex_);
                if (stopping_) {
                    return;
                }
            }
        }
        {
            MutexLock lock(mutex_);
            deleted_ = seen;
        }
        changed_.notify_all();
    }
}

}  // namespace gantry::store
