#pragma once

#include "api/call.h"
#include "engine/event/event_bus.h"

namespace gantry::api {

/// The query of GET /events, checked.
Result<engine::EventBus::Query> decode_events(const io::Query& query);

/// Answers with the stream of QUERY's events on a parked connection, until its end, its client's
/// leaving, or the client's being too slow.
Result<> park_events(Call& call, engine::EventBus::Query query);

}  // namespace gantry::api
