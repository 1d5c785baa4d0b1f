#include "engine/stats/stats_service.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "base/mutex.h"
#include "engine/container/container_service.h"
#include "engine/container/core.h"
#include "engine/stats/stats_sampler.h"

namespace gantry::engine {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kPeriod(1);
/// A second sample that follows the first one sooner says little about the processors.
constexpr milliseconds kLeastGap(500);

using SamplePtr = std::shared_ptr<const spec::ContainerStats>;

}  // namespace

class StatsService::Impl {
public:
    explicit Impl(ContainerCore& core) : core_(core) {}
    ~Impl() { stop(); }

    ContainerCore& core() { return core_; }
    Result<uint64_t> add(StatsSelection selection, Sink sink) GT_EXCLUDES(mutex_);
    void remove(uint64_t number) GT_EXCLUDES(mutex_);
    void stop() GT_EXCLUDES(mutex_);

private:
    struct Subscriber {
        StatsSelection selection;
        Sink sink;
        /// The containers of `refs`, which may be renamed.
        std::vector<ContainerId> ids;
        /// What this subscriber was told last, by container.
        std::map<ContainerId, SamplePtr> told;
        steady_clock::time_point told_at;
    };

    /// Newest first, unless the subscriber named them.
    std::vector<ContainerId> wanted_by(const Subscriber& subscriber) const;
    std::map<ContainerId, SamplePtr> take_samples(const std::set<ContainerId>& ids) const;
    static bool tell(Subscriber& subscriber, const std::vector<ContainerId>& ids,
                     const std::map<ContainerId, SamplePtr>& samples);
    void tick(steady_clock::time_point now) GT_EXCLUDES(mutex_);
    void work() GT_EXCLUDES(mutex_);

    ContainerCore& core_;
    Mutex mutex_;
    Condition changed_;
    std::map<uint64_t, Subscriber> subscribers_ GT_GUARDED_BY(mutex_);
    uint64_t next_number_ GT_GUARDED_BY(mutex_) = 1;
    bool stopping_ GT_GUARDED_BY(mutex_) = false;
    std::thread thread_ GT_GUARDED_BY(mutex_);
};

std::vector<ContainerId> StatsService::Impl::wanted_by(const Subscriber& subscriber) const {
    if (!subscriber.selection.refs.empty()) {
        return subscriber.ids;
    }
    std::vector<SnapshotPtr> shown;
    for (const EntryPtr& entry : core_.table.all()) {
        SnapshotPtr snapshot = entry->snapshot();
        if (subscriber.selection.stopped || snapshot->life.alive()) {
            shown.push_back(std::move(snapshot));
        }
    }
    std::ranges::sort(shown, std::ranges::greater(),
                      [](const SnapshotPtr& snapshot) { return snapshot->record->created; });
    std::vector<ContainerId> ids;
    for (const SnapshotPtr& snapshot : shown) {
        ids.push_back(snapshot->record->id);
    }
    return ids;
}

/// No lock is held: this waits for the kernel. A container that is gone has no sample.
std::map<ContainerId, SamplePtr> StatsService::Impl::take_samples(
    const std::set<ContainerId>& ids) const {
    std::map<ContainerId, SamplePtr> samples;
    StatsSampler sampler(core_);
    for (const ContainerId& id : ids) {
        if (const EntryPtr entry = core_.table.find_id(id)) {
            samples.emplace(id,
                            std::make_shared<const spec::ContainerStats>(sampler.sample(*entry)));
        }
    }
    return samples;
}

bool StatsService::Impl::tell(Subscriber& subscriber, const std::vector<ContainerId>& ids,
                              const std::map<ContainerId, SamplePtr>& samples) {
    std::vector<spec::ContainerStats> told;
    std::map<ContainerId, SamplePtr> present;
    for (const ContainerId& id : ids) {
        const auto sample = samples.find(id);
        if (sample == samples.end()) {
            continue;
        }
        const auto before = subscriber.told.find(id);
        told.push_back(with_previous(
            *sample->second, before == subscriber.told.end() ? nullptr : before->second.get()));
        present.insert(*sample);
    }
    subscriber.told = std::move(present);
    subscriber.told_at = steady_clock::now();
    return subscriber.sink(told);
}

Result<uint64_t> StatsService::Impl::add(StatsSelection selection, Sink sink) {
    Subscriber subscriber{.selection = std::move(selection),
                          .sink = std::move(sink),
                          .ids = {},
                          .told = {},
                          .told_at = {}};
    for (const std::string& ref : subscriber.selection.refs) {
        GT_TRY_VAR(entry, core_.table.find(ref));
        subscriber.ids.push_back(entry->id());
    }
    const std::vector<ContainerId> ids = wanted_by(subscriber);
    const auto samples = take_samples({ids.begin(), ids.end()});
    const MutexLock lock(mutex_);
    if (stopping_ || !tell(subscriber, ids, samples)) {
        return uint64_t{0};
    }
    const uint64_t number = next_number_++;
    subscribers_.emplace(number, std::move(subscriber));
    if (!thread_.joinable()) {
        thread_ = std::thread([this] { work(); });
    }
    changed_.notify_all();
    return number;
}

void StatsService::Impl::remove(uint64_t number) {
    std::optional<Subscriber> gone;  // freed without the lock
    const MutexLock lock(mutex_);
    if (const auto found = subscribers_.find(number); found != subscribers_.end()) {
        gone = std::move(found->second);
        subscribers_.erase(found);
    }
}

void StatsService::Impl::tick(steady_clock::time_point now) {
    std::map<uint64_t, std::vector<ContainerId>> due;
    std::set<ContainerId> ids;
    {
        const MutexLock lock(mutex_);
        for (const auto& [number, subscriber] : subscribers_) {
            if (now - subscriber.told_at >= kLeastGap) {
                due.emplace(number, wanted_by(subscriber));
            }
        }
    }
    for (const auto& [number, wanted] : due) {
        ids.insert(wanted.begin(), wanted.end());
    }
    const auto samples = take_samples(ids);
    std::vector<Subscriber> ended;  // freed without the lock
    const MutexLock lock(mutex_);
    for (const auto& [number, wanted] : due) {
        const auto found = subscribers_.find(number);
        if (found != subscribers_.end() && !tell(found->second, wanted, samples)) {
            ended.push_back(std::move(found->second));
            subscribers_.erase(found);
        }
    }
}

void StatsService::Impl::work() {
    auto next = steady_clock::now() + kPeriod;
    while (true) {
        {
            const MutexLock lock(mutex_);
            while (!stopping_ && subscribers_.empty()) {
                changed_.wait(mutex_);
                next = steady_clock::now() + kPeriod;
            }
            while (!stopping_ && changed_.wait_until(mutex_, next)) {
            }
            if (stopping_) {
                return;
            }
        }
        const auto now = steady_clock::now();
        tick(now);
        // A machine that was too slow for a tick skips it.
        next = std::max(next + kPeriod, now);
    }
}

void StatsService::Impl::stop() {
    std::thread thread;
    {
        const MutexLock lock(mutex_);
        stopping_ = true;
        thread = std::move(thread_);
        changed_.notify_all();
    }
    if (thread.joinable()) {
        thread.join();
    }
}

void StatsService::Subscription::reset() {
    if (const auto impl = impl_.lock(); impl && number_ != 0) {
        impl->remove(number_);
    }
    number_ = 0;
}

StatsService::StatsService(ContainerService& containers)
    : impl_(std::make_shared<Impl>(containers.core())) {}

StatsService::~StatsService() {
    impl_->stop();
}

Result<spec::ContainerStats> StatsService::sample(std::string_view ref) const {
    GT_TRY_VAR(entry, impl_->core().table.find(ref));
    return StatsSampler(impl_->core()).sample(*entry);
}

Result<bool> StatsService::is_running(std::string_view ref) const {
    GT_TRY_VAR(entry, impl_->core().table.find(ref));
    return entry->snapshot()->life.alive();
}

Result<StatsService::Subscription> StatsService::watch(StatsSelection selection, Sink sink) {
    GT_TRY_VAR(number, impl_->add(std::move(selection), std::move(sink)));
    return Subscription(impl_, number);
}

}  // namespace gantry::engine
