#include "io/loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "base/unique_fd.h"

namespace gantry::io {
namespace {

using namespace std::chrono_literals;

class LoopTest : public ::testing::Test {
protected:
    void SetUp() override {
        auto loop = Loop::start();
        ASSERT_TRUE(loop);
        loop_ = std::move(*loop);
        int ends[2];
        ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        read_.reset(ends[0]);
        write_.reset(ends[1]);
    }

    /// Waits until everything posted so far has run.
    void settle() {
        std::latch done(1);
        loop_->post([&] { done.count_down(); });
        done.wait();
    }

    std::unique_ptr<Loop> loop_;
    UniqueFd read_;
    UniqueFd write_;
};

TEST_F(LoopTest, RunsPostedFunctionsInOrder) {
    std::vector<int> order;
    std::latch done(1);
    for (int i = 0; i < 100; ++i) {
        loop_->post([&, i] { order.push_back(i); });
    }
    loop_->post([&] {
        EXPECT_TRUE(loop_->on_loop_thread());
        done.count_down();
    });
    done.wait();
    EXPECT_FALSE(loop_->on_loop_thread());
    ASSERT_EQ(order.size(), 100U);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(LoopTest, CallsBackWhenADescriptorIsReady) {
    std::latch ready(1);
    LoopHandle watch;
    auto made = loop_->watch(read_.get(), EPOLLIN, [&](uint32_t events) {
        EXPECT_TRUE(events & EPOLLIN);
        char byte;
        EXPECT_EQ(::read(read_.get(), &byte, 1), 1);
        ready.count_down();
    });
    ASSERT_TRUE(made);
    watch = std::move(*made);
    ASSERT_EQ(::write(write_.get(), "x", 1), 1);
    ready.wait();
}

TEST_F(LoopTest, NoCallbackRunsAfterReset) {
    std::atomic<bool> alive = true;
    std::atomic<int> calls = 0;
    auto watch = loop_->watch(read_.get(), EPOLLIN, [&](uint32_t) {
        EXPECT_TRUE(alive);
        ++calls;
    });
    ASSERT_TRUE(watch);
    ASSERT_EQ(::write(write_.get(), "x", 1), 1);
    while (calls == 0) {
        std::this_thread::yield();
    }
    // Level-triggered and never read: the callback runs again and again until this returns.
    watch->reset();
    alive = false;
    const int after = calls;
    settle();
    EXPECT_EQ(calls, after);
}

TEST_F(LoopTest, ACallbackMayEndItsOwnWatch) {
    LoopHandle watch;
    std::latch armed(1);
    std::atomic<int> calls = 0;
    auto made = loop_->watch(read_.get(), EPOLLIN, [&](uint32_t) {
        armed.wait();
        ++calls;
        watch.reset();
    });
    watch = std::move(*made);
    armed.count_down();
    ASSERT_EQ(::write(write_.get(), "x", 1), 1);
    while (calls == 0) {
        std::this_thread::yield();
    }
    settle();
    EXPECT_EQ(calls, 1);
}

TEST_F(LoopTest, EventsCanBeSwitched) {
    std::atomic<int> calls = 0;
    auto watch = loop_->watch(write_.get(), 0, [&](uint32_t) { ++calls; });
    settle();
    EXPECT_EQ(calls, 0);
    ASSERT_TRUE(watch->set_events(EPOLLOUT));
    while (calls == 0) {
        std::this_thread::yield();
    }
}

TEST_F(LoopTest, TimersRunInOrderOfTheirTime) {
    std::vector<int> order;
    std::latch done(3);
    const auto add = [&](std::chrono::milliseconds delay, int name) {
        return loop_->after(delay, [&, name] {
            order.push_back(name);
            done.count_down();
        });
    };
    const LoopHandle late = add(30ms, 3);
    const LoopHandle early = add(1ms, 1);
    const LoopHandle middle = add(15ms, 2);
    LoopHandle never = loop_->after(5ms, [] { FAIL(); });
    never.reset();
    done.wait();
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST_F(LoopTest, WhatCallbacksHoldIsFreedByReset) {
    auto held = std::make_shared<int>(1);
    LoopHandle timer = loop_->after(1h, [held] {});
    EXPECT_EQ(held.use_count(), 2);
    timer.reset();
    EXPECT_EQ(held.use_count(), 1);
}

TEST_F(LoopTest, HandlesMayOutliveTheLoop) {
    auto held = std::make_shared<int>(1);
    auto watch = loop_->watch(read_.get(), EPOLLIN, [held](uint32_t) {});
    LoopHandle timer = loop_->after(1h, [held] {});
    loop_.reset();
    EXPECT_EQ(held.use_count(), 1);
    watch->reset();
    timer.reset();
}

TEST_F(LoopTest, RegularFilesAreRefused) {
    const UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    const auto watch = loop_->watch(file.get(), EPOLLIN, [](uint32_t) {});
    ASSERT_FALSE(watch);
    EXPECT_EQ(watch.error().kind(), Kind::kForbidden);
}

}  // namespace
}  // namespace gantry::io
