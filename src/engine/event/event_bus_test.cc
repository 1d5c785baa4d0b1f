#include "engine/event/event_bus.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace gantry::engine {
namespace {

using Seen = std::vector<std::string>;

EventBus::Sink collect(Seen& seen) {
    return [&seen](const spec::EventMessage& event) {
        seen.push_back(event.action + " " + event.actor.id);
        return true;
    };
}

EventBus::Query query_of(std::string_view filters) {
    EventBus::Query query;
    auto parsed = spec::Filters::parse(filters);
    EXPECT_TRUE(parsed) << filters;
    query.filters = *std::move(parsed);
    return query;
}

TEST(EventBus, ReplaysWithoutGapAndWithoutRepeat) {
    EventBus bus;
    const WallTime begin = wall_now();
    bus.publish("container", "create", "c1", {});
    Seen seen;
    EventBus::Query query;
    query.since = begin;
    auto subscription = bus.subscribe(query, collect(seen));
    bus.publish("container", "start", "c1", {});
    EXPECT_EQ(seen, (Seen{"create c1", "start c1"}));
    subscription.reset();
    bus.publish("container", "die", "c1", {});
    EXPECT_EQ(seen.size(), 2U);
    EXPECT_EQ(bus.subscribers(), 0U);
}

TEST(EventBus, DropsWhoeverRefuses) {
    EventBus bus;
    int calls = 0;
    auto subscription = bus.subscribe({}, [&](const spec::EventMessage&) { return ++calls < 2; });
    for (int i = 0; i < 5; ++i) {
        bus.publish("container", "start", "c", {});
    }
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(bus.subscribers(), 0U);
}

TEST(EventBus, TimesNeverRepeat) {
    EventBus bus;
    int64_t last = 0;
    auto subscription = bus.subscribe({}, [&](const spec::EventMessage& event) {
        EXPECT_GT(event.time_nano, last);
        last = event.time_nano;
        return true;
    });
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 500; ++i) {
                bus.publish("container", "start", "c", {});
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
}

struct FilterCase {
    const char* filters;
    bool wanted;
};

TEST(EventBus, FiltersLikeDocker) {
    EventBus bus;
    const FilterCase cases[] = {
        {R"({})", true},
        {R"({"type":["container"]})", true},
        {R"({"type":["image"]})", false},
        {R"({"event":["exec_create"]})", true},
        {R"({"event":["exec_create: ls"]})", true},
        {R"({"event":["exec_die"]})", false},
        {R"({"container":["web"]})", true},
        {R"({"container":["abc"]})", true},
        {R"({"container":["abcd1234"]})", true},
        {R"({"container":["other"]})", false},
        {R"({"image":["busybox:1"]})", true},
        {R"({"image":["busybox"]})", true},
        {R"({"image":["busy"]})", false},
        {R"({"label":["tier=front"]})", true},
        {R"({"label":["tier"],"type":["container"]})", true},
        {R"({"label":["tier=front","absent"]})", false},
        {R"({"network":["web"]})", false},
        {R"({"scope":["swarm"]})", false},
    };
    for (const FilterCase& test : cases) {
        Seen seen;
        auto subscription = bus.subscribe(query_of(test.filters), collect(seen));
        bus.publish("container", "exec_create: ls", "abcd1234",
                    {{"name", "web"}, {"image", "busybox:1"}, {"tier", "front"}});
        EXPECT_EQ(!seen.empty(), test.wanted) << test.filters;
    }
}

TEST(EventBus, RefusesWhatMakesNoSense) {
    EXPECT_FALSE(EventBus::check(query_of(R"({"foo":["x"]})")));
    EventBus::Query query;
    query.since = WallTime(std::chrono::seconds(10));
    query.until = WallTime(std::chrono::seconds(1));
    auto checked = EventBus::check(query);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().text(), "`since` time (10) cannot be after `until` time (1)");
}

TEST(EventBus, KeepsABoundedPast) {
    EventBus bus;
    for (int i = 0; i < 5000; ++i) {
        bus.publish("container", "start", std::to_string(i), {});
    }
    Seen seen;
    EventBus::Query query;
    query.since = WallTime{};
    auto subscription = bus.subscribe(query, collect(seen));
    EXPECT_EQ(seen.size(), 4096U);
    EXPECT_EQ(seen.back(), "start 4999");
}

}  // namespace
}  // namespace gantry::engine
