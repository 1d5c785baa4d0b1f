#include "io/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>

namespace gantry::io {
namespace {

std::chrono::steady_clock::time_point patience() {
    return std::chrono::steady_clock::now() + std::chrono::seconds(10);
}

TEST(WorkerPool, RunsEverythingItAccepted) {
    std::atomic<int> done = 0;
    WorkerPool pool(3, 1000);
    for (int i = 0; i < 500; ++i) {
        ASSERT_TRUE(pool.submit([&] { ++done; }));
    }
    pool.stop();
    EXPECT_EQ(done, 500);
    EXPECT_FALSE(pool.submit([] {}));
}

TEST(WorkerPool, IsBoundedAndSaysHowMuchWaits) {
    std::latch started(2);
    std::latch release(1);
    WorkerPool pool(2, 3);
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(pool.submit([&] {
            started.count_down();
            release.wait();
        }));
    }
    started.wait();
    EXPECT_EQ(pool.running(), 2U);
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(pool.submit([] {}));
    }
    EXPECT_FALSE(pool.submit([] {}));
    EXPECT_EQ(pool.queued(), 3U);
    EXPECT_FALSE(pool.wait_idle(std::chrono::steady_clock::now()));
    release.count_down();
    EXPECT_TRUE(pool.wait_idle(patience()));
    EXPECT_EQ(pool.queued() + pool.running(), 0U);
}

TEST(WorkerPool, ATaskIsFreedBeforeThePoolIsIdle) {
    WorkerPool pool(1, 1);
    auto held = std::make_shared<int>(1);
    ASSERT_TRUE(pool.submit([held] {}));
    EXPECT_TRUE(pool.wait_idle(patience()));
    EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace gantry::io
