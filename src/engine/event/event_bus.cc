#include "engine/event/event_bus.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace gantry::engine {
namespace {

// Docker keeps 256 and loses more than clients can bear (reliability R23).
constexpr size_t kRingSize = 4096;

constexpr std::array<std::string_view, 14> kFilterKeys = {
    "config", "container", "daemon", "event",  "image",   "label", "network",
    "node",   "plugin",    "scope",  "secret", "service", "type",  "volume"};

// Filters that name one object of a type: its id, the beginning of it, or its name.
constexpr std::array<std::string_view, 9> kActorTypes = {
    "config", "container", "daemon", "network", "node", "plugin", "secret", "service", "volume"};

// COMPAT: these actions carry more behind a colon, and a filter may leave that out (B5).
constexpr std::array<std::string_view, 3> kPrefixActions = {"exec_create", "exec_start",
                                                            "health_status"};

int64_t nanoseconds_of(WallTime time) {
    return time.time_since_epoch().count();
}

bool matches_action(const spec::Filters& filters, const std::string& action) {
    if (filters.match_exact("event", action)) {
        return true;
    }
    for (const std::string_view prefix : kPrefixActions) {
        if (action.starts_with(prefix) && filters.values("event").contains(std::string(prefix))) {
            return true;
        }
    }
    return false;
}

bool matches_actor(const spec::Filters& filters, std::string_view type,
                   const spec::EventMessage& event) {
    if (!filters.contains(type)) {
        return true;
    }
    if (event.type != type) {
        return false;
    }
    const auto name = event.actor.attributes.find("name");
    return filters.match_prefix(type, event.actor.id) ||
           (name != event.actor.attributes.end() && filters.match_exact(type, name->second));
}

/// The image of an event about an image or about a container made from it, with or without tag.
bool matches_image(const spec::Filters& filters, const spec::EventMessage& event) {
    if (!filters.contains("image")) {
        return true;
    }
    const auto& attributes = event.actor.attributes;
    const auto name = attributes.find(event.type == "image" ? "name" : "image");
    const auto same = [&](const std::string& image) {
        const size_t slash = image.rfind('/');
        const size_t colon = image.rfind(':');
        const bool tagged = colon != image.npos && (slash == image.npos || colon > slash);
        return filters.match_exact("image", image) ||
               (tagged && filters.match_exact("image", image.substr(0, colon)));
    };
    return (event.type == "image" && filters.match_exact("image", event.actor.id)) ||
           (name != attributes.end() && same(name->second));
}

}  // namespace

bool matches(const EventBus::Query& query, const spec::EventMessage& event) {
    const spec::Filters& filters = query.filters;
    if (query.until && event.time_nano > nanoseconds_of(*query.until)) {
        return false;
    }
    if (!matches_action(filters, event.action) || !filters.match_exact("type", event.type) ||
        !filters.match_exact("scope", event.scope) ||
        !filters.match_labels("label", event.actor.attributes)) {
        return false;
    }
    for (const std::string_view type : kActorTypes) {
        if (!matches_actor(filters, type, event)) {
            return false;
        }
    }
    return matches_image(filters, event);
}

Result<> EventBus::check(const Query& query) {
    if (query.since && query.until && *query.since > *query.until) {
        return fail(Kind::kInvalid,
                    fmt::format("`since` time ({}) cannot be after `until` time ({})",
                                nanoseconds_of(*query.since) / 1'000'000'000,
                                nanoseconds_of(*query.until) / 1'000'000'000));
    }
    return query.filters.check_keys(kFilterKeys);
}

void EventBus::publish(std::string_view type, std::string_view action, std::string_view actor_id,
                       Attributes attributes) {
    spec::EventMessage event;
    event.type = type;
    event.action = action;
    event.actor.id = actor_id;
    event.scope = "local";
    // COMPAT: clients before API 1.22 and compose read these three (types.md, breaker 5).
    if (type == "container" || type == "image") {
        event.status = action;
        event.id = actor_id;
        const auto image = attributes.find("image");
        event.from = image != attributes.end() ? image->second : "";
    }
    event.actor.attributes = std::move(attributes);

    MutexLock lock(mutex_);
    // Later events never have an earlier time, also when the clock was set back: `since` of a
    // client that reconnects must not skip one.
    last_time_ = std::max(nanoseconds_of(wall_now()), last_time_ + 1);
    event.time_nano = last_time_;
    event.time = last_time_ / 1'000'000'000;
    for (auto entry = subscribers_.begin(); entry != subscribers_.end();) {
        Subscriber& subscriber = entry->second;
        const bool keep = !matches(subscriber.query, event) || subscriber.sink(event);
        entry = keep ? std::next(entry) : subscribers_.erase(entry);
    }
    ring_.push_back(std::move(event));
    if (ring_.size() > kRingSize) {
        ring_.pop_front();
    }
}

EventBus::Subscription EventBus::subscribe(Query query, Sink sink) {
    MutexLock lock(mutex_);
    if (query.since) {
        const int64_t since = nanoseconds_of(*query.since);
        for (const spec::EventMessage& event : ring_) {
            if (event.time_nano >= since && matches(query, event) && !sink(event)) {
                return {};
            }
        }
    }
    const uint64_t number = next_number_++;
    subscribers_.emplace(number, Subscriber{std::move(query), std::move(sink)});
    return {this, number};
}

size_t EventBus::subscribers() const {
    MutexLock lock(mutex_);
    return subscribers_.size();
}

void EventBus::unsubscribe(uint64_t number) {
    MutexLock lock(mutex_);
    subscribers_.erase(number);
}

void EventBus::Subscription::reset() {
    if (bus_ != nullptr) {
        std::exchange(bus_, nullptr)->unsubscribe(number_);
    }
}

}  // namespace gantry::engine
