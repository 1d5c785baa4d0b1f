#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <set>
#include <vector>

#include "base/mutex.h"
#include "engine/container/core.h"
#include "engine/container/dependencies.h"
#include "engine/event/event_bus.h"
#include "io/loop.h"

namespace gantry::engine {

/// Starts what the restart policies want to run when the daemon starts, each container after those
/// that it depends on; what depends on nothing starts at once, side by side.
///
/// A dependency that cannot be met any more, and one that is not met after the patience, holds
/// nobody up: the container is started all the same, with a line in the log. In a circle the
/// dependency that closes it does not count. While it waits, a container is in Phase::kRestarting,
/// and a stop or a removal takes it out.
class BootStart : public std::enable_shared_from_this<BootStart> {
public:
    static constexpr std::chrono::seconds kPatience{120};

    /// ENTRIES that are in Phase::kRestarting start after their policy's delay, the others at once.
    static std::shared_ptr<BootStart> begin(ContainerCore& core,
                                            const std::vector<EntryPtr>& entries,
                                            std::chrono::nanoseconds patience = kPatience);

    /// Private to begin().
    explicit BootStart(ContainerCore& core) : core_(core) {}

    /// Nothing more is started. Waits for a callback that runs; not on the loop's thread.
    void stop() GT_EXCLUDES(mutex_);

private:
    struct Node {
        EntryPtr entry;
        std::vector<Dependency> needs;
        /// Its policy restarts it: after the delay.
        bool delayed = false;
        bool begun = false;
        /// It runs, or will not.
        bool over = false;
    };

    /// Whether some container has to wait for another.
    bool fill(const std::vector<EntryPtr>& entries) GT_EXCLUDES(mutex_);
    void drop_circles() GT_REQUIRES(mutex_);
    /// Whether GOAL is reached from NODE along the needs.
    bool leads_to(const Node& node, const Node& goal, std::set<const Node*>& seen) const
        GT_REQUIRES(mutex_);
    const Node* find(const ContainerId& id) const GT_REQUIRES(mutex_);
    DependencyState state_of(const Dependency& need) const GT_REQUIRES(mutex_);
    bool may_begin(const Node& node) const GT_REQUIRES(mutex_);
    void listen(std::chrono::nanoseconds patience) GT_EXCLUDES(mutex_);
    void look() GT_EXCLUDES(mutex_);
    void start_node(size_t index) GT_EXCLUDES(mutex_);

    ContainerCore& core_;
    Mutex mutex_;
    std::vector<Node> nodes_ GT_GUARDED_BY(mutex_);
    bool out_of_patience_ GT_GUARDED_BY(mutex_) = false;
    bool stopped_ GT_GUARDED_BY(mutex_) = false;
    /// All have begun: no event matters any more. Shared with the bus's sink.
    const std::shared_ptr<std::atomic<bool>> done_ = std::make_shared<std::atomic<bool>>(false);
    EventBus::Subscription events_;
    io::LoopHandle timer_;
};

}  // namespace gantry::engine
