#include "api/parked_events.h"

#include <fmt/core.h>

#include <memory>
#include <utility>

#include "api/query_values.h"
#include "io/loop.h"
#include "spec/api/system.h"

namespace gantry::api {
namespace {

/// Room for the whole ring of past events and a burst behind it.
constexpr size_t kQueueLimit = 1024 * 1024;

/// One client of the event stream. Its outlet's on_closed callback owns it.
struct ParkedEvents {
    std::shared_ptr<io::Outlet> outlet;
    io::LoopHandle end_timer;
    engine::EventBus::Subscription subscription;
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
    GT_TRY_VAR(outlet, call.responder.park(answer_head(200, kJson), {kQueueLimit}));
    const std::optional<WallTime> until = query.until;
    auto parked = std::make_shared<ParkedEvents>();
    parked->outlet = outlet;
    // SAFETY: the subscription ends before the outlet that its sink uses: both are in PARKED.
    parked->subscription = call.services.events.subscribe(
        std::move(query), [&to = *outlet](const spec::EventMessage& event) {
            return to.push(spec::to_json(event) + "\n") == io::Outlet::Push::kAccepted;
        });
    if (until && *until <= wall_now()) {
        outlet->finish();
    } else if (until) {
        parked->end_timer =
            call.services.loop.after(*until - wall_now(), [weak = std::weak_ptr(outlet)] {
                if (const auto strong = weak.lock()) {
                    strong->finish();
                }
            });
    }
    outlet->on_closed([parked] { parked->subscription.reset(); });
    return {};
}

}  // namespace gantry::api
