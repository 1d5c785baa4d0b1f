#include "api/parked_events.h"

#include <fmt/core.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/query_values.h"
#include "base/mutex.h"
#include "io/loop.h"
#include "spec/api/system.h"

namespace gantry::api {
namespace {

/// Room for the whole ring of past events and a burst behind it.
constexpr size_t kQueueLimit = 1024 * 1024;

/// One client of the event stream. It is subscribed before it is parked, so that a client that has
/// the answer's head misses nothing that happens from then on; what comes in between is kept.
///
/// Its outlet's on_closed callback owns it. Locks are taken in the order bus, feed, outlet.
class EventFeed {
public:
    /// The bus's sink.
    bool take(const spec::EventMessage& event) {
        std::string line = spec::to_json(event) + "\n";
        MutexLock lock(mutex_);
        if (outlet_) {
            return outlet_->push(line) == io::Outlet::Push::kAccepted;
        }
        early_.push_back(std::move(line));
        return early_.size() <= kEarlyLimit;
    }

    void subscribe(engine::EventBus& bus, engine::EventBus::Query query) {
        subscription_ = bus.subscribe(
            std::move(query), [this](const spec::EventMessage& event) { return take(event); });
    }

    void set_outlet(std::shared_ptr<io::Outlet> outlet) {
        MutexLock lock(mutex_);
        outlet_ = std::move(outlet);
        for (const std::string& line : early_) {
            (void)outlet_->push(line);  // A closed outlet tells its owner.
        }
        early_ = {};
    }

    void set_end(io::LoopHandle timer) { end_timer_ = std::move(timer); }

    /// No event arrives any more. Not under a lock that publishing takes.
    void unsubscribe() { subscription_.reset(); }

private:
    static constexpr size_t kEarlyLimit = 1024;

    Mutex mutex_;
    std::shared_ptr<io::Outlet> outlet_ GT_GUARDED_BY(mutex_);
    std::vector<std::string> early_ GT_GUARDED_BY(mutex_);
    io::LoopHandle end_timer_;
    // INVARIANT: the last member, so that the sink ends before what it uses.
    engine::EventBus::Subscription subscription_;
};

}  // namespace

Result<engine::EventBus::Query> decode_events(const io::Query& query) {
    engine::EventBus::Query events;
    GT_TRY_VAR(since, time_value(query, "since"));
    GT_TRY_VAR(until, time_value(query, "until"));
    if (since && until && *since > *until) {
        return fail(Kind::kInvalid,
                    fmt::format("`since` time ({}) cannot be after `until` time ({})",
                                query.get("since"), query.get("until")));
    }
    events.since = since;
    events.until = until;
    GT_TRY_VAR(filters, spec::Filters::parse(query.get("filters")));
    events.filters = std::move(filters);
    GT_TRY(engine::EventBus::check(events));
    return events;
}

Result<> park_events(Call& call, engine::EventBus::Query query) {
    const std::optional<WallTime> until = query.until;
    const auto feed = std::make_shared<EventFeed>();
    feed->subscribe(call.services.events, std::move(query));
    GT_TRY_VAR(outlet, call.responder.park(answer_head(200, kJson), {kQueueLimit}));
    feed->set_outlet(outlet);
    if (until && *until <= wall_now()) {
        outlet->finish();
    } else if (until) {
        feed->set_end(call.services.loop.after(*until - wall_now(), [weak = std::weak_ptr(outlet)] {
            if (const auto strong = weak.lock()) {
                strong->finish();
            }
        }));
    }
    outlet->on_closed([feed] { feed->unsubscribe(); });
    return {};
}

}  // namespace gantry::api
