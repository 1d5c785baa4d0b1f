#include "io/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <array>
#include <cerrno>
#include <deque>
#include <map>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "io/impl/deadline.h"

namespace gantry::io {

/// The state that the thread, the Loop and every handle share.
///
/// INVARIANT: callbacks run, and what they captured is freed, with mutex_ unlocked. Identifiers are
/// never used again, so an event that epoll reported for a removed watch finds nothing.
class LoopCore {
public:
    Result<> open() {
        epoll_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
        if (!epoll_) {
            return fail_errno("epoll_create1");
        }
        wake_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (!wake_) {
            return fail_errno("eventfd");
        }
        return control(EPOLL_CTL_ADD, wake_.get(), EPOLLIN, kWakeId);
    }

    void start() {
        thread_ = std::thread([this] { run(); });
        thread_id_ = thread_.get_id();
        MutexLock lock(mutex_);
        started_ = true;
        changed_.notify_all();
    }

    Result<uint64_t> add_watch(int fd, uint32_t events, Loop::EventCallback callback) {
        MutexLock lock(mutex_);
        const uint64_t id = next_id_++;
        GT_TRY(control(EPOLL_CTL_ADD, fd, events, id));
        watches_.emplace(id, Watch{fd, std::make_shared<Loop::EventCallback>(std::move(callback))});
        return id;
    }

    Result<> change_watch(uint64_t id, uint32_t events) {
        MutexLock lock(mutex_);
        const auto found = watches_.find(id);
        if (found == watches_.end()) {
            return {};
        }
        return control(EPOLL_CTL_MOD, found->second.fd, events, id);
    }

    uint64_t add_timer(std::chrono::nanoseconds delay, Loop::Callback callback) {
        const Deadline due = std::chrono::steady_clock::now() + delay;
        MutexLock lock(mutex_);
        const uint64_t id = next_id_++;
        if (stopping_) {
            return id;
        }
        const bool first = timers_.empty() || due < timers_.begin()->first.first;
        timers_.emplace(std::pair(due, id), std::move(callback));
        due_.emplace(id, due);
        if (first) {
            wake();
        }
        return id;
    }

    void add_post(Loop::Callback callback) {
        MutexLock lock(mutex_);
        if (stopping_) {
            return;
        }
        posted_.push_back(std::move(callback));
        if (posted_.size() == 1) {
            wake();
        }
    }

    void remove(uint64_t id) {
        // Freed after the lock.
        std::shared_ptr<Loop::EventCallback> watch;
        Loop::Callback timer;
        MutexLock lock(mutex_);
        if (const auto found = watches_.find(id); found != watches_.end()) {
            // Fails only if the caller closed the descriptor too early; epoll forgot it then.
            (void)control(EPOLL_CTL_DEL, found->second.fd, 0, id);
            watch = std::move(found->second.callback);
            watches_.erase(found);
        } else if (const auto due = due_.find(id); due != due_.end()) {
            const auto entry = timers_.find(std::pair(due->second, id));
            timer = std::move(entry->second);
            timers_.erase(entry);
            due_.erase(due);
        }
        while (running_id_ == id && !on_thread()) {
            changed_.wait(mutex_);
        }
    }

    void stop() {
        {
            MutexLock lock(mutex_);
            stopping_ = true;
            wake();
        }
        if (thread_.joinable()) {
            GT_CHECK(!on_thread());
            thread_.join();
        }
        std::unordered_map<uint64_t, Watch> watches;
        std::map<std::pair<Deadline, uint64_t>, Loop::Callback> timers;
        std::deque<Loop::Callback> posted;
        MutexLock lock(mutex_);
        for (const auto& [id, watch] : watches_) {
            (void)control(EPOLL_CTL_DEL, watch.fd, 0, id);
        }
        watches.swap(watches_);
        timers.swap(timers_);
        posted.swap(posted_);
        due_.clear();
    }

    bool on_thread() const { return std::this_thread::get_id() == thread_id_; }

private:
    static constexpr uint64_t kWakeId = 0;

    struct Watch {
        int fd;
        std::shared_ptr<Loop::EventCallback> callback;
    };

    Result<> control(int operation, int fd, uint32_t events, uint64_t id) {
        epoll_event event{};
        event.events = events;
        event.data.u64 = id;
        if (::epoll_ctl(epoll_.get(), operation, fd, &event) < 0) {
            return fail_errno("epoll_ctl");
        }
        return {};
    }

    void wake() { (void)::eventfd_write(wake_.get(), 1); }

    void run() {
        {
            MutexLock lock(mutex_);
            while (!started_) {
                changed_.wait(mutex_);
            }
        }
        std::array<epoll_event, 128> events;
        while (const auto timeout = next_timeout()) {
            const int count = ::epoll_wait(epoll_.get(), events.data(),
                                           static_cast<int>(events.size()), *timeout);
            GT_CHECK(count >= 0 || errno == EINTR);
            for (int i = 0; i < count; ++i) {
                const epoll_event event = events[static_cast<size_t>(i)];
                if (event.data.u64 == kWakeId) {
                    eventfd_t ignored;
                    (void)::eventfd_read(wake_.get(), &ignored);
                } else {
                    run_watch(event.data.u64, event.events);
                }
            }
            run_timers();
            run_posted();
        }
    }

    /// Empty when the loop must end.
    std::optional<int> next_timeout() {
        MutexLock lock(mutex_);
        if (stopping_) {
            return std::nullopt;
        }
        if (!posted_.empty()) {
            return 0;
        }
        return timers_.empty() ? -1 : poll_timeout(timers_.begin()->first.first);
    }

    void run_watch(uint64_t id, uint32_t events) {
        std::shared_ptr<Loop::EventCallback> callback;
        {
            MutexLock lock(mutex_);
            const auto found = watches_.find(id);
            if (found == watches_.end() || stopping_) {
                return;
            }
            callback = found->second.callback;
            running_id_ = id;
        }
        (*callback)(events);
        // ORDER: remove() promises that nothing captured is in use any more when it returns.
        callback.reset();
        end_running();
    }

    void run_timers() {
        for (;;) {
            Loop::Callback callback;
            {
                MutexLock lock(mutex_);
                if (stopping_ || timers_.empty() ||
                    timers_.begin()->first.first > std::chrono::steady_clock::now()) {
                    return;
                }
                auto entry = timers_.extract(timers_.begin());
                running_id_ = entry.key().second;
                due_.erase(running_id_);
                callback = std::move(entry.mapped());
            }
            callback();
            callback = nullptr;
            end_running();
        }
    }

    void run_posted() {
        std::deque<Loop::Callback> batch;
        {
            MutexLock lock(mutex_);
            batch.swap(posted_);
        }
        while (!batch.empty() && !stopping()) {
            batch.front()();
            batch.pop_front();
        }
    }

    bool stopping() {
        MutexLock lock(mutex_);
        return stopping_;
    }

    void end_running() {
        MutexLock lock(mutex_);
        running_id_ = kWakeId;
        changed_.notify_all();
    }

    UniqueFd epoll_;
    UniqueFd wake_;
    std::thread thread_;
    /// Written once before the thread passes its gate.
    std::thread::id thread_id_;

    Mutex mutex_;
    Condition changed_;
    bool started_ GT_GUARDED_BY(mutex_) = false;
    bool stopping_ GT_GUARDED_BY(mutex_) = false;
    uint64_t next_id_ GT_GUARDED_BY(mutex_) = kWakeId + 1;
    /// The watch or timer whose callback runs now.
    uint64_t running_id_ GT_GUARDED_BY(mutex_) = kWakeId;
    std::unordered_map<uint64_t, Watch> watches_ GT_GUARDED_BY(mutex_);
    std::map<std::pair<Deadline, uint64_t>, Loop::Callback> timers_ GT_GUARDED_BY(mutex_);
    std::unordered_map<uint64_t, Deadline> due_ GT_GUARDED_BY(mutex_);
    std::deque<Loop::Callback> posted_ GT_GUARDED_BY(mutex_);
};

LoopHandle::LoopHandle(std::shared_ptr<LoopCore> core, uint64_t id)
    : core_(std::move(core)), id_(id) {}

LoopHandle::LoopHandle(LoopHandle&& other) noexcept
    : core_(std::move(other.core_)), id_(std::exchange(other.id_, 0)) {}

LoopHandle& LoopHandle::operator=(LoopHandle&& other) noexcept {
    if (this != &other) {
        reset();
        core_ = std::move(other.core_);
        id_ = std::exchange(other.id_, 0);
    }
    return *this;
}

LoopHandle::~LoopHandle() {
    reset();
}

void LoopHandle::reset() {
    if (id_ != 0) {
        core_->remove(std::exchange(id_, 0));
        core_.reset();
    }
}

Result<> LoopHandle::set_events(uint32_t events) {
    return core_ ? core_->change_watch(id_, events) : Result<>();
}

Loop::Loop(std::shared_ptr<LoopCore> core) : core_(std::move(core)) {}

Loop::~Loop() {
    stop();
}

Result<std::unique_ptr<Loop>> Loop::start() {
    auto core = std::make_shared<LoopCore>();
    GT_TRY(core->open());
    core->start();
    return std::unique_ptr<Loop>(new Loop(std::move(core)));
}

Result<LoopHandle> Loop::watch(int fd, uint32_t events, EventCallback callback) {
    GT_TRY_VAR(id, core_->add_watch(fd, events, std::move(callback)));
    return LoopHandle(core_, id);
}

LoopHandle Loop::after(std::chrono::nanoseconds delay, Callback callback) {
    return LoopHandle(core_, core_->add_timer(delay, std::move(callback)));
}

void Loop::post(Callback callback) {
    core_->add_post(std::move(callback));
}

bool Loop::on_loop_thread() const {
    return core_->on_thread();
}

void Loop::stop() {
    core_->stop();
}

}  // namespace gantry::io
