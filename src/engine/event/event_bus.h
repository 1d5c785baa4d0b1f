#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/mutex.h"
#include "spec/api/system.h"
#include "spec/filters.h"

namespace gantry::engine {

/// What happened, told to everybody who asked, in one order for all.
///
/// Thread-safe. Publishing never waits: a subscriber's sink queues or refuses, it does not block.
class EventBus {
public:
    using Attributes = std::map<std::string, std::string>;

    /// Takes one event; false drops the subscription (its queue is full or its reader is gone).
    /// Called under the bus's lock: it must not block nor call the bus.
    using Sink = std::function<bool(const spec::EventMessage&)>;

    /// Ends its subscription when it goes away.
    class Subscription {
    public:
        Subscription() = default;
        Subscription(EventBus* bus, uint64_t number) : bus_(bus), number_(number) {}
        Subscription(Subscription&& other) noexcept
            : bus_(std::exchange(other.bus_, nullptr)), number_(other.number_) {}
        Subscription& operator=(Subscription&& other) noexcept {
            reset();
            bus_ = std::exchange(other.bus_, nullptr);
            number_ = other.number_;
            return *this;
        }
        ~Subscription() { reset(); }
        void reset();

    private:
        EventBus* bus_ = nullptr;
        uint64_t number_ = 0;
    };

    struct Query {
        std::optional<WallTime> since;
        std::optional<WallTime> until;
        spec::Filters filters;
    };

    /// TYPE and ACTION are Docker's words ("container", "exec_create: sh"). The event is in the
    /// ring and with every subscriber when this returns.
    void publish(std::string_view type, std::string_view action, std::string_view actor_id,
                 Attributes attributes);

    /// Checks the filters' names and values. kInvalid in Docker's wording (behaviours B5, A13).
    static Result<> check(const Query& query);

    /// Replays to SINK what the ring holds since QUERY.since (nothing without `since`), then feeds
    /// it what comes, with no gap and nothing twice. Ending at `until` is the caller's timer.
    Subscription subscribe(Query query, Sink sink);

    /// Open subscriptions, for `docker info`.
    size_t subscribers() const;

private:
    struct Subscriber {
        Query query;
        Sink sink;
    };

    void unsubscribe(uint64_t number);

    mutable Mutex mutex_;
    std::deque<spec::EventMessage> ring_ GT_GUARDED_BY(mutex_);
    std::map<uint64_t, Subscriber> subscribers_ GT_GUARDED_BY(mutex_);
    uint64_t next_number_ GT_GUARDED_BY(mutex_) = 1;
    int64_t last_time_ GT_GUARDED_BY(mutex_) = 0;
};

/// Whether QUERY's filters let EVENT through (behaviours B5). Pure.
bool matches(const EventBus::Query& query, const spec::EventMessage& event);

}  // namespace gantry::engine
