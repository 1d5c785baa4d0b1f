#include "engine/container/wait.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

#include "engine/container/wait_list.h"

namespace gantry::engine {
namespace {

std::shared_ptr<WaitHandle::State> counting(std::atomic<int>& calls) {
    return std::make_shared<WaitHandle::State>([&calls](const WaitResult&) { ++calls; });
}

TEST(WaitCondition, HasThreeWords) {
    EXPECT_EQ(parse_wait_condition("").value(), WaitCondition::kNotRunning);
    EXPECT_EQ(parse_wait_condition("next-exit").value(), WaitCondition::kNextExit);
    EXPECT_EQ(parse_wait_condition("removed").value(), WaitCondition::kRemoved);
    const auto bad = parse_wait_condition("foo");
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().text(), "invalid condition: \"foo\"");
}

TEST(WaitHandle, FiresOnce) {
    std::atomic<int> calls = 0;
    const auto state = counting(calls);
    state->fire({});
    state->fire({});
    EXPECT_EQ(calls, 1);
}

TEST(WaitHandle, DoesNotFireAfterItIsGone) {
    std::atomic<int> calls = 0;
    const auto state = counting(calls);
    {
        const WaitHandle handle(state);
    }
    state->fire({});
    EXPECT_EQ(calls, 0);
}

TEST(WaitHandle, MayBeDestroyedInItsOwnCallback) {
    std::optional<WaitHandle> handle;
    const auto state =
        std::make_shared<WaitHandle::State>([&handle](const WaitResult&) { handle.reset(); });
    handle.emplace(state);
    state->fire({});
    EXPECT_FALSE(handle);
}

TEST(WaitHandle, CancelWaitsForARunningCallback) {
    for (int round = 0; round < 200; ++round) {
        std::atomic<bool> alive = true;
        std::atomic<bool> touched_dead = false;
        const auto state = std::make_shared<WaitHandle::State>([&](const WaitResult&) {
            std::this_thread::yield();
            touched_dead = !alive;
        });
        std::thread firing([&state] { state->fire({}); });
        {
            WaitHandle handle(state);
            handle.cancel();
            alive = false;
        }
        firing.join();
        EXPECT_FALSE(touched_dead);
    }
}

TEST(WaitList, HandsOutByCondition) {
    std::atomic<int> calls = 0;
    WaitList list;
    list.add(WaitCondition::kNotRunning, counting(calls));
    list.add(WaitCondition::kNextExit, counting(calls));
    list.add(WaitCondition::kRemoved, counting(calls));
    EXPECT_EQ(list.take_next_exit().size(), 1U);
    EXPECT_EQ(list.take_exited().size(), 1U);
    EXPECT_EQ(list.take_removed().size(), 1U);
    EXPECT_TRUE(list.take_all().empty());
}

}  // namespace
}  // namespace gantry::engine
