#include "io/outlet.h"

#include <sys/resource.h>

#include <atomic>
#include <latch>
#include <thread>

#include "base/mutex.h"
#include "io/impl/parked_outlet.h"
#include "io/server_fixture.h"

namespace gantry::io {
namespace {

class OutletTest : public ServerFixture {
protected:
    /// Parks every request and keeps the outlets.
    void serve_parked(size_t queue_limit = 1000) {
        ServerOptions options;
        serve(
            [this, queue_limit](Request&, Responder& responder) {
                auto outlet = responder.park({}, {queue_limit});
                ASSERT_TRUE(outlet);
                MutexLock lock(mutex_);
                outlets_.push_back(std::move(*outlet));
                parked_ = outlets_.size();
            },
            options);
    }

    void TearDown() override {
        outlets_.clear();
        ServerFixture::TearDown();
    }

    UniqueFd park() {
        const size_t before = parked_;
        UniqueFd fd = connect();
        send(fd, "GET /events HTTP/1.1\r\n\r\n");
        EXPECT_TRUE(eventually([&] { return parked_ > before; }));
        return fd;
    }

    Mutex mutex_;
    std::vector<std::shared_ptr<Outlet>> outlets_;
    std::atomic<size_t> parked_ = 0;
};

TEST_F(OutletTest, HeadComesAtOnceAndThenChunks) {
    serve_parked();
    const UniqueFd fd = park();
    EXPECT_TRUE(read_until(fd, "\r\n\r\n").find("Transfer-Encoding: chunked\r\n") !=
                std::string::npos);
    EXPECT_EQ(outlets_[0]->push("one"), Outlet::Push::kAccepted);
    EXPECT_EQ(read_until(fd, "one\r\n"), "3\r\none\r\n");
    EXPECT_EQ(outlets_[0]->push("two"), Outlet::Push::kAccepted);
    outlets_[0]->finish();
    EXPECT_EQ(outlets_[0]->push("three"), Outlet::Push::kClosed);
    EXPECT_EQ(read_to_end(fd), "3\r\ntwo\r\n0\r\n\r\n");
}

TEST_F(OutletTest, TellsWhenTheClientLeaves) {
    serve_parked();
    UniqueFd fd = park();
    std::latch closed(1);
    outlets_[0]->on_closed([&] { closed.count_down(); });
    fd.reset();
    closed.wait();
    EXPECT_TRUE(outlets_[0]->closed());
    EXPECT_EQ(outlets_[0]->push("x"), Outlet::Push::kClosed);
    EXPECT_TRUE(eventually([&] { return server_->connections() == 0; }));
    std::latch again(1);
    outlets_[0]->on_closed([&] { again.count_down(); });
    again.wait();
}

TEST_F(OutletTest, AClientMayShutDownItsWritingSide) {
    serve_parked();
    const UniqueFd fd = park();
    ::shutdown(fd.get(), SHUT_WR);
    read_until(fd, "\r\n\r\n");
    EXPECT_EQ(outlets_[0]->push("one"), Outlet::Push::kAccepted);
    EXPECT_EQ(read_until(fd, "one\r\n"), "3\r\none\r\n");
}

TEST_F(OutletTest, DropsAReaderThatIsTooSlowWithoutAnEndMark) {
    serve_parked(10'000);
    const UniqueFd fd = park();
    const std::string block(1000, 'x');
    std::latch closed(1);
    outlets_[0]->on_closed([&] { closed.count_down(); });
    size_t pushed = 0;
    while (outlets_[0]->push(block) == Outlet::Push::kAccepted) {
        ASSERT_LT(++pushed, 10'000U);
    }
    closed.wait();
    const std::string all = read_to_end(fd);
    EXPECT_FALSE(all.ends_with("0\r\n\r\n"));
    EXPECT_FALSE(all.ends_with("TIMEOUT"));
}

TEST_F(OutletTest, QueuedBytesArriveInOrderAfterFinish) {
    serve_parked(64UL * 1024 * 1024);
    const UniqueFd fd = park();
    std::string expected;
    for (int i = 0; i < 2000; ++i) {
        std::string line = std::to_string(i) + std::string(1000, '.');
        ASSERT_EQ(outlets_[0]->push(line), Outlet::Push::kAccepted);
        expected += line;
    }
    outlets_[0]->finish();
    {
        MutexLock lock(mutex_);
        outlets_.clear();  // What is queued arrives without an owner.
    }
    const std::string all = read_to_end(fd);
    EXPECT_TRUE(all.ends_with("\r\n0\r\n\r\n"));
    EXPECT_NE(all.find("1999..."), std::string::npos);
    EXPECT_GT(all.size(), expected.size());
    EXPECT_TRUE(eventually([&] { return server_->connections() == 0; }));
}

TEST_F(OutletTest, LettingGoClosesWithoutAnEndMark) {
    serve_parked();
    const UniqueFd fd = park();
    outlets_[0]->push("one");
    {
        MutexLock lock(mutex_);
        outlets_.clear();
    }
    EXPECT_TRUE(read_to_end(fd).ends_with("\r\n\r\n3\r\none\r\n"));
    EXPECT_TRUE(eventually([&] { return server_->connections() == 0; }));
}

TEST_F(OutletTest, StopClosesParkedConnections) {
    serve_parked();
    const UniqueFd fd = park();
    EXPECT_TRUE(server_->stop(std::chrono::steady_clock::now() + kPatience));
    EXPECT_TRUE(read_to_end(fd).ends_with("\r\n\r\n"));
    EXPECT_EQ(outlets_[0]->push("x"), Outlet::Push::kClosed);
}

TEST_F(OutletTest, AThousandParkedClientsNeedNoThreads) {
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < 3000) {
        GTEST_SKIP() << "needs 3000 file descriptors";
    }
    serve_parked();
    std::vector<UniqueFd> clients;
    for (int i = 0; i < 1000; ++i) {
        clients.push_back(connect());
        send(clients.back(), "GET /events HTTP/1.1\r\n\r\n");
    }
    ASSERT_TRUE(eventually([&] { return parked_ == 1000 && server_->connections() == 1000; }));
    for (const auto& outlet : outlets_) {
        ASSERT_EQ(outlet->push("event"), Outlet::Push::kAccepted);
        outlet->finish();
    }
    for (const UniqueFd& client : clients) {
        ASSERT_TRUE(read_to_end(client).ends_with("5\r\nevent\r\n0\r\n\r\n"));
    }
    EXPECT_TRUE(eventually([&] { return server_->connections() == 0; }));
}

TEST_F(OutletTest, PushesFromManyThreadsStayWhole) {
    serve_parked(64UL * 1024 * 1024);
    const UniqueFd fd = park();
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < 500; ++n) {
                EXPECT_EQ(outlets_[0]->push("0123456789"), Outlet::Push::kAccepted);
            }
        });
    }
    std::thread reader([&] {
        read_until(fd, "\r\n\r\n");
        const std::string all = read_to_end(fd);
        EXPECT_EQ(all.size(), 2000 * std::string_view("a\r\n0123456789\r\n").size() + 5);
    });
    for (std::thread& thread : threads) {
        thread.join();
    }
    outlets_[0]->finish();
    reader.join();
}

/// Whether an outlet whose rest is still queued is freed with its loop; END comes last before that.
void expect_freed(const std::function<void(Loop&, ParkedOutlet&)>& end) {
    auto loop = Loop::start();
    ASSERT_TRUE(loop);
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const UniqueFd peer(ends[1]);
    std::atomic<int> released = 0;
    ParkedOutletOptions options;
    options.queue_limit = 64UL * 1024 * 1024;
    auto outlet = ParkedOutlet::make(**loop, UniqueFd(ends[0]), options, [&] { ++released; });
    ASSERT_TRUE(outlet);
    const std::weak_ptr<ParkedOutlet> weak = *outlet;
    ASSERT_EQ((*outlet)->push(std::string(8UL * 1024 * 1024, 'x')), Outlet::Push::kAccepted);
    (*outlet)->finish();
    end(**loop, **outlet);
    (*outlet).reset();
    (*loop)->stop();
    EXPECT_TRUE(weak.expired());
    EXPECT_EQ(released, 1);
}

TEST(ParkedOutletTest, IsFreedWithALoopThatStopsWhileItsRestIsQueued) {
    expect_freed([](Loop&, ParkedOutlet&) {});
}

TEST(ParkedOutletTest, IsFreedIfItsCloseIsDropped) {
    expect_freed([](Loop& loop, ParkedOutlet& outlet) {
        loop.stop();
        outlet.abort();
    });
}

}  // namespace
}  // namespace gantry::io
