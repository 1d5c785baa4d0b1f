#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>

#include "runtime/container_fixture.h"
#include "sys/process.h"

namespace gantry::runtime {
namespace {

class DaemonDeathTest : public ContainerFixture {
protected:
    void print_launch_times(const char* what, bool host_network) {
        using Clock = std::chrono::steady_clock;
        std::vector<int64_t> times[3];
        ConfigOptions choices;
        choices.host_network = host_network;
        for (int i = 0; i < 30; ++i) {
            auto config = default_config(choices);
            config->root.path = root();
            config->process.args = {"/bin/true"};
            const LaunchOptions launch_options = options();
            Clock::time_point at[4] = {Clock::now()};
            const auto shim = launch(*config, launch_options);
            at[1] = Clock::now();
            ASSERT_TRUE(shim->start());
            at[2] = Clock::now();
            EXPECT_EQ(wait_event(*shim, Event::Type::kExited).exit.code, 0);
            at[3] = Clock::now();
            ASSERT_TRUE(shim->release());
            wait_event(*shim, Event::Type::kGone);
            for (int step = 0; step < 3; ++step) {
                times[step].push_back((at[step + 1] - at[step]) / std::chrono::microseconds(1));
            }
        }
        for (auto& list : times) {
            std::sort(list.begin(), list.end());
        }
        std::printf("launch, %s, us med/min: set up %ld/%ld, exec %ld/%ld, exit seen %ld/%ld\n",
                    what, times[0][15], times[0][0], times[1][15], times[1][0], times[2][15],
                    times[2][0]);
    }
};

TEST_F(DaemonDeathTest, BeforeStartNothingStays) {
    const LaunchOptions launch_options = options();
    auto shim = launch(shell("sleep 100"), launch_options);
    const UniqueFd init(fcntl(shim->init_pidfd(), F_DUPFD_CLOEXEC, 0));
    EXPECT_EQ(static_cast<int>(shim->phase()), static_cast<int>(ShimHandle::Phase::kReady));
    shim.reset();
    const auto gone = sys::wait_gone(init.get(), 5000);
    EXPECT_TRUE(gone && *gone);
    EXPECT_EQ(reconnect(launch_options.shim_dir).error().kind(), Kind::kUnavailable);
}

TEST_F(DaemonDeathTest, AfterStartTheContainerGoesOnAndIsAdopted) {
    LaunchOptions launch_options = options();
    launch_options.stdin_mode = StdinMode::kOpen;
    auto shim = launch(shell("echo one; read x; echo two; exit 5"), launch_options);
    ASSERT_TRUE(shim->start());
    const pid_t pid = shim->pid();
    shim.reset();
    auto adopted = reconnect(launch_options.shim_dir);
    ASSERT_TRUE(adopted) << adopted.error().text();
    EXPECT_EQ(static_cast<int>(adopted->phase()), static_cast<int>(ShimHandle::Phase::kRunning));
    EXPECT_EQ(adopted->pid(), pid);
    ASSERT_TRUE(adopted->close_stdin());
    EXPECT_EQ(wait_event(*adopted, Event::Type::kExited).exit.code, 5);
    EXPECT_EQ(log_text(), "one\ntwo\n");

    // A third daemon finds it ended; the exit is told again.
    auto third = reconnect(launch_options.shim_dir);
    ASSERT_TRUE(third) << third.error().text();
    EXPECT_EQ(static_cast<int>(third->phase()), static_cast<int>(ShimHandle::Phase::kExited));
    EXPECT_EQ(third->exit().code, 5);
    EXPECT_EQ(wait_event(*third, Event::Type::kExited).exit.code, 5);
    EXPECT_EQ(wait_event(*adopted, Event::Type::kGone).type, Event::Type::kGone);
    ASSERT_TRUE(third->release());
    wait_event(*third, Event::Type::kGone);
    const auto record = read_exit_record(launch_options.container_dir);
    ASSERT_TRUE(record && *record);
    EXPECT_EQ((*record)->code, 5);
}

TEST_F(DaemonDeathTest, TheContainerDiesWithItsShim) {
    auto shim = launch(shell("sleep 100"), options());
    ASSERT_TRUE(shim->start());
    const UniqueFd init(fcntl(shim->init_pidfd(), F_DUPFD_CLOEXEC, 0));
    std::string status = read_file(fmt::format("/proc/{}/status", shim->pid()));
    pid_t shim_pid = 0;
    ASSERT_EQ(std::sscanf(status.c_str() + status.find("PPid:"), "PPid: %d", &shim_pid), 1);
    ASSERT_EQ(kill(shim_pid, SIGKILL), 0);
    EXPECT_EQ(wait_event(*shim).type, Event::Type::kGone);
    const auto gone = sys::wait_gone(init.get(), 5000);
    EXPECT_TRUE(gone && *gone);
}

/// What boot does with a container whose start was not committed.
TEST_F(DaemonDeathTest, ReleasedBeforeItsEndTheShimDoesNotStay) {
    auto shim = launch(shell("sleep 100"), options());
    ASSERT_TRUE(shim->start());
    const std::string status = read_file(fmt::format("/proc/{}/status", shim->pid()));
    pid_t shim_pid = 0;
    ASSERT_EQ(std::sscanf(status.c_str() + status.find("PPid:"), "PPid: %d", &shim_pid), 1);
    const auto shim_process = sys::open_pidfd(shim_pid);
    ASSERT_TRUE(shim_process);
    ASSERT_TRUE(shim->kill(SIGKILL));
    ASSERT_TRUE(shim->release());
    shim.reset();
    const auto gone = sys::wait_gone(shim_process->get(), 5000);
    EXPECT_TRUE(gone && *gone);
}

TEST_F(DaemonDeathTest, OddMessagesDoNoHarm) {
    const auto shim = launch(shell("sleep 100"), options());
    ASSERT_TRUE(shim->start());
    for (const size_t size : {size_t{1}, size_t{7}, size_t{31}, size_t{40}, size_t{60000}}) {
        const std::string junk(size, '\xff');
        ASSERT_GT(write(shim->fd(), junk.data(), junk.size()), 0);
    }
    EXPECT_FALSE(shim->resize(1, 1));
    EXPECT_FALSE(shim->forget_exec(77));
    ASSERT_TRUE(shim->kill(SIGKILL));
    EXPECT_EQ(wait_event(*shim, Event::Type::kExited).exit.code, 137);
    ASSERT_TRUE(shim->release());
}

TEST_F(DaemonDeathTest, PrintsMemoryAndTimes) {
    // A network namespace is usually ready before (src/net): making one is most of the cost, and
    // waits for whoever else makes or drops one.
    print_launch_times("own network namespace", false);
    print_launch_times("no network namespace", true);

    const auto shim = launch(shell("sleep 100"), options());
    ASSERT_TRUE(shim->start());
    std::string status = read_file(fmt::format("/proc/{}/status", shim->pid()));
    int shim_pid = 0;
    ASSERT_EQ(std::sscanf(status.c_str() + status.find("PPid:"), "PPid: %d", &shim_pid), 1);
    const std::string rollup = read_file(fmt::format("/proc/{}/smaps_rollup", shim_pid));
    std::printf("%s", rollup.c_str());
    ASSERT_TRUE(shim->kill(SIGKILL));
    wait_event(*shim, Event::Type::kExited);
    ASSERT_TRUE(shim->release());
}

TEST_F(DaemonDeathTest, PrintsLogThroughput) {
    constexpr size_t kSize = size_t{32} << 20;
    constexpr int kTimes = 5;
    std::string text;
    while (text.size() < kSize) {
        text += std::string(79, 'x') + "\n";
    }
    std::ofstream(root() + "/big") << text;
    const auto shim = launch(shell("cat /big /big /big /big /big"), options());
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_TRUE(shim->start());
    EXPECT_EQ(wait_event(*shim, Event::Type::kExited).exit.code, 0);
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    std::printf("json-file log end to end, 80-byte lines: %.0f MB/s (busybox cat)\n",
                static_cast<double>(text.size()) * kTimes / 1e6 / time.count());
    const std::string log = raw_log();
    EXPECT_EQ(static_cast<size_t>(std::count(log.begin(), log.end(), '\n')),
              text.size() / 80 * kTimes);
    ASSERT_TRUE(shim->release());
}

}  // namespace
}  // namespace gantry::runtime
