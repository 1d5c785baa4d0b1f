#include "sys/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "sys/files.h"

namespace gantry::sys {
namespace {

SpawnRequest shell(const std::string& script) {
    return {.path = "/bin/sh", .argv = {"sh", "-c", script}, .env = {"A=b"}, .fds = {}};
}

/// Runs REQUEST with its standard output in a pipe and returns what it wrote.
std::string output_of(SpawnRequest request) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    request.fds.push_back({writer.get(), 1});
    auto child = spawn(request);
    EXPECT_TRUE(child) << child.error().text();
    writer.reset();
    std::string text = *read_all(reader.get(), 1 << 20);
    EXPECT_TRUE(wait_child(child->pidfd.get(), Wait::kBlock, Reap::kYes));
    return text;
}

TEST(Process, ReportsCodesAndSignals) {
    auto exits = spawn(shell("exit 7"));
    ASSERT_TRUE(exits);
    const auto code = wait_child(exits->pidfd.get(), Wait::kBlock, Reap::kYes);
    EXPECT_EQ((*code)->code, 7);
    auto dies = spawn(shell("kill -TERM $$"));
    const auto signal = wait_child(dies->pidfd.get(), Wait::kBlock, Reap::kYes);
    EXPECT_EQ((*signal)->signal, SIGTERM);
    EXPECT_EQ((*signal)->docker_code(), 143);
}

TEST(Process, PeeksBeforeItReaps) {
    auto child = spawn(shell("exit 3"));
    ASSERT_TRUE(child);
    EXPECT_TRUE(*wait_gone(child->pidfd.get(), 5000));
    for (int turn = 0; turn < 2; ++turn) {
        EXPECT_EQ((*wait_child(child->pidfd.get(), Wait::kPoll, Reap::kNo))->code, 3);
    }
    EXPECT_EQ((*wait_child(child->pidfd.get(), Wait::kBlock, Reap::kYes))->code, 3);
    EXPECT_EQ(send_signal(child->pidfd.get(), SIGKILL).error().kind(), Kind::kNotFound);
}

TEST(Process, PollsAndKillsOneThatRuns) {
    auto child = spawn(shell("exec sleep 100"));
    ASSERT_TRUE(child);
    EXPECT_FALSE(*wait_child(child->pidfd.get(), Wait::kPoll, Reap::kYes));
    EXPECT_FALSE(*wait_gone(child->pidfd.get(), 10));
    EXPECT_TRUE(send_signal(child->pidfd.get(), SIGKILL));
    EXPECT_EQ((*wait_child(child->pidfd.get(), Wait::kBlock, Reap::kYes))->docker_code(), 137);
}

TEST(Process, SaysWhyAProgramCannotRun) {
    const auto child = spawn({.path = "/no/such/program", .argv = {"x"}, .env = {}, .fds = {}});
    ASSERT_FALSE(child);
    EXPECT_EQ(child.error().text(), "exec /no/such/program: No such file or directory");
}

// P3
TEST(Process, ChildHasExactlyTheMappedFds) {
    const UniqueFd leaked(::open("/dev/null", O_RDONLY));  // without O_CLOEXEC, as a library might
    EXPECT_EQ(output_of(shell("echo /proc/self/fd/* $A")), "/proc/self/fd/0 /proc/self/fd/1 b\n")
        << "0 is the shell's own listing";
}

TEST(Process, MapsFdsThatOverlap) {
    auto one = make_sealed_memfd("one", "1");
    auto two = make_sealed_memfd("two", "2");
    SpawnRequest request = shell("cat <&3; cat <&4");
    // Give each the number that the other has, whichever they are.
    request.fds = {{two->get(), 3}, {one->get(), 4}};
    EXPECT_EQ(output_of(request), "21");
}

TEST(Process, ChildHasDefaultSignals) {
    ::signal(SIGPIPE, SIG_IGN);
    EXPECT_EQ(output_of(shell("grep -E 'SigIgn|SigBlk' /proc/self/status | cut -f2 | uniq")),
              "0000000000000000\n");
}

}  // namespace
}  // namespace gantry::sys
