#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "runtime/container_fixture.h"

namespace gantry::runtime {
namespace {

using StreamTest = ContainerFixture;

struct Pair {
    UniqueFd ours;
    UniqueFd theirs;
};

Pair make_pair() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

AttachOptions all_streams(uint64_t notify_id, bool framed = false) {
    AttachOptions options;
    options.standard_input = options.standard_output = options.standard_error = true;
    options.framing = framed ? StreamFraming::kStdcopy : StreamFraming::kNone;
    options.notify_id = notify_id;
    return options;
}

std::string frame(char stream, const std::string& text) {
    std::string bytes = {stream, 0, 0, 0, 0, 0, 0, static_cast<char>(text.size())};
    return bytes + text;
}

void put(const UniqueFd& fd, const std::string& text) {
    ASSERT_EQ(write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

TEST_F(StreamTest, GivesInputUntilTheFirstClientsHalfClose) {
    LaunchOptions launch_options = options();
    launch_options.stdin_mode = StdinMode::kOnce;
    const auto shim = launch(shell("cat; echo done >&2"), launch_options);
    Pair client = make_pair();
    AttachOptions attach = all_streams(5, true);
    attach.early_input = "early ";
    ASSERT_TRUE(shim->attach(std::move(client.theirs), attach));
    ASSERT_TRUE(shim->start());
    put(client.ours, "late\n");
    shutdown(client.ours.get(), SHUT_WR);
    EXPECT_EQ(wait_event(*shim, Event::Type::kExited).exit.code, 0);
    ASSERT_TRUE(shim->release());
    const std::string got = read_to_end(client.ours.get());
    // The two writes may reach cat together or apart.
    EXPECT_TRUE(got == frame(1, "early late\n") + frame(2, "done\n") ||
                got == frame(1, "early ") + frame(1, "late\n") + frame(2, "done\n"))
        << got;
    EXPECT_EQ(wait_event(*shim, Event::Type::kAttachClosed).notify_id, 5U);
}

TEST_F(StreamTest, LaterClientsMayWriteWhenStdinStaysOpen) {
    LaunchOptions launch_options = options();
    launch_options.stdin_mode = StdinMode::kOpen;
    const auto shim = launch(shell("read a; echo got $a; read b; echo got $b"), launch_options);
    ASSERT_TRUE(shim->start());
    Pair first = make_pair();
    ASSERT_TRUE(shim->attach(std::move(first.theirs), all_streams(1)));
    put(first.ours, "one\n");
    read_until(first.ours.get(), [](const std::string& text) { return text == "got one\n"; });
    first.ours.reset();
    EXPECT_EQ(wait_event(*shim, Event::Type::kAttachClosed).notify_id, 1U);
    Pair second = make_pair();
    Pair watcher = make_pair();
    ASSERT_TRUE(shim->attach(std::move(second.theirs), all_streams(2)));
    ASSERT_TRUE(shim->attach(std::move(watcher.theirs), all_streams(3)));
    put(second.ours, "two\n");
    EXPECT_EQ(wait_event(*shim, Event::Type::kExited).exit.code, 0);
    ASSERT_TRUE(shim->release());
    EXPECT_EQ(read_to_end(second.ours.get()), "got two\n");
    EXPECT_EQ(read_to_end(watcher.ours.get()), "got two\n");
    EXPECT_EQ(log_text(), "got one\ngot two\n");
}

TEST_F(StreamTest, HasATerminalWithSizeAndDetachKeys) {
    LaunchOptions launch_options = options();
    launch_options.stdin_mode = StdinMode::kOpen;
    auto config = shell(
        "tty; stty size; test -c /dev/console; echo $?; read x; stty size; "
        "echo got $x",
        true);
    config.process.console_size = spec::oci::ConsoleSize{33, 77};
    const auto shim = launch(config, launch_options);
    Pair client = make_pair();
    AttachOptions attach = all_streams(9, true);
    attach.detach_keys = "\x10\x11";
    ASSERT_TRUE(shim->attach(std::move(client.theirs), attach));
    ASSERT_TRUE(shim->start());
    const std::string first = read_until(client.ours.get(), [](const std::string& text) {
        return text.find("33 77\r\n0\r\n") != std::string::npos;
    });
    EXPECT_TRUE(first.starts_with("/dev/")) << first;
    ASSERT_TRUE(shim->resize(50, 100));
    put(client.ours, "a\x10");
    put(client.ours, "\x11");
    EXPECT_EQ(wait_event(*shim, Event::Type::kDetached).notify_id, 9U);
    read_to_end(client.ours.get());

    Pair second = make_pair();
    AttachOptions again = all_streams(10);
    again.detach_keys = attach.detach_keys;
    ASSERT_TRUE(shim->attach(std::move(second.theirs), again));
    put(second.ours, "b\n");
    EXPECT_EQ(wait_event(*shim, Event::Type::kExited).exit.code, 0);
    ASSERT_TRUE(shim->release());
    const std::string rest = read_to_end(second.ours.get());
    EXPECT_NE(rest.find("50 100\r\n"), std::string::npos) << rest;
    EXPECT_NE(rest.find("got ab\r\n"), std::string::npos) << rest;
}

TEST_F(StreamTest, ASlowClientHoldsOutputBackAndLosesNothing) {
    const auto shim = launch(shell("seq 1 200000"), options());
    Pair client = make_pair();
    ASSERT_TRUE(shim->attach(std::move(client.theirs), all_streams(1)));
    ASSERT_TRUE(shim->start());
    std::string expected;
    for (int i = 1; i <= 200000; ++i) {
        expected += fmt::format("{}\n", i);
    }
    const std::string got = read_until(
        client.ours.get(), [&](const std::string& text) { return text.size() >= expected.size(); });
    EXPECT_EQ(got, expected);
    wait_event(*shim, Event::Type::kExited);
    ASSERT_TRUE(shim->release());
    EXPECT_EQ(log_text(), expected);
}

TEST_F(StreamTest, AnUnreadClientDoesNotDelayTheExit) {
    const auto shim = launch(shell("head -c 400000 /dev/zero | tr '\\0' x"), options());
    Pair client = make_pair();
    ASSERT_TRUE(shim->attach(std::move(client.theirs), all_streams(1)));
    ASSERT_TRUE(shim->start());
    // The socket takes some 200 KiB, the pipe 64; the rest needs a reader.
    const std::string got = read_until(
        client.ours.get(), [](const std::string& text) { return text.size() >= 150000; });
    EXPECT_EQ(wait_event(*shim, Event::Type::kExited).exit.code, 0);
    ASSERT_TRUE(shim->release());
    EXPECT_EQ(got.size() + read_to_end(client.ours.get()).size(), 400000U);
}

TEST_F(StreamTest, RotatesTheLog) {
    LaunchOptions launch_options = options();
    launch_options.log.max_size = 2000;
    launch_options.log.max_files = 3;
    run(shell("seq 1 100"), launch_options);
    EXPECT_NE(raw_log().find("{\"log\":\"100\\n\""), std::string::npos);
    EXPECT_FALSE(raw_log(".1").empty());
    EXPECT_FALSE(raw_log(".2").empty());
    EXPECT_TRUE(raw_log(".3").empty());
    EXPECT_LT(raw_log(".1").size(), 2200U);
}

TEST_F(StreamTest, BackgroundChildrenDoNotDelayAnExec) {
    const auto shim = launch(shell("sleep 100"), options());
    ASSERT_TRUE(shim->start());
    const auto config = shell("echo out; (sleep 90 &); exit 3");
    Pair client = make_pair();
    ExecOptions exec;
    exec.process = &config.process;
    exec.client = std::move(client.theirs);
    exec.attach = all_streams(4, true);
    const auto started = shim->exec(exec);
    ASSERT_TRUE(started) << started.error().text();
    const auto begin = std::chrono::steady_clock::now();
    const Event event = wait_event(*shim, Event::Type::kExecExited);
    EXPECT_EQ(event.exec, started->number);
    EXPECT_EQ(event.exit.code, 3);
    ASSERT_TRUE(shim->forget_exec(event.exec));
    EXPECT_EQ(read_to_end(client.ours.get()), frame(1, "out\n"));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
    ASSERT_TRUE(shim->kill(SIGKILL));
    wait_event(*shim, Event::Type::kExited);
    ASSERT_TRUE(shim->release());
}

TEST_F(StreamTest, ExecJoinsTheContainer) {
    auto container = shell("hostname inner; cat");
    container.process.capabilities->bounding.push_back("CAP_SYS_ADMIN");
    container.process.capabilities->permitted.push_back("CAP_SYS_ADMIN");
    container.process.capabilities->effective.push_back("CAP_SYS_ADMIN");
    LaunchOptions launch_options = options();
    launch_options.stdin_mode = StdinMode::kOpen;
    const auto shim = launch(container, launch_options);
    ASSERT_TRUE(shim->start());
    auto config = shell("hostname; cat; ls /proc/self/fd; grep CapEff /proc/self/status");
    config.process.env.push_back("A=b");
    Pair client = make_pair();
    ExecOptions exec;
    exec.process = &config.process;
    exec.open_stdin = true;
    exec.client = std::move(client.theirs);
    exec.attach = all_streams(4);
    const auto started = shim->exec(exec);
    ASSERT_TRUE(started) << started.error().text();
    put(client.ours, "input\n");
    shutdown(client.ours.get(), SHUT_WR);
    const Event event = wait_event(*shim, Event::Type::kExecExited);
    EXPECT_EQ(event.exit.code, 0);
    ASSERT_TRUE(shim->forget_exec(event.exec));
    const std::string got = read_to_end(client.ours.get());
    EXPECT_NE(got.find("input\n0\n1\n2\n3\nCapEff:\t00000000a80425fb\n"), std::string::npos) << got;

    config.process.args = {"nosuch"};
    Pair other = make_pair();
    exec.client = std::move(other.theirs);
    const auto failed = shim->exec(exec);
    ASSERT_FALSE(failed);
    EXPECT_NE(failed.error().text().find("OCI runtime exec failed"), std::string::npos);
    EXPECT_NE(failed.error().text().find("exec: \"nosuch\": executable file not found in $PATH"),
              std::string::npos)
        << failed.error().text();
    ASSERT_TRUE(exec.client) << "the socket is needed to tell the client";
    put(exec.client, "reason");
    exec.client.reset();
    EXPECT_EQ(read_to_end(other.ours.get()), "reason");

    ASSERT_TRUE(shim->close_stdin());
    EXPECT_EQ(wait_event(*shim, Event::Type::kExited).exit.code, 0);
    ASSERT_TRUE(shim->release());
}

TEST_F(StreamTest, ExecWithATerminal) {
    const auto shim = launch(shell("sleep 100"), options());
    ASSERT_TRUE(shim->start());
    auto config = shell("tty; stty size; read x; echo got $x; exit 9");
    config.process.terminal = true;
    config.process.console_size = spec::oci::ConsoleSize{11, 22};
    Pair client = make_pair();
    ExecOptions exec;
    exec.process = &config.process;
    exec.open_stdin = true;
    exec.client = std::move(client.theirs);
    exec.attach = all_streams(4);
    const auto started = shim->exec(exec);
    ASSERT_TRUE(started) << started.error().text();
    ASSERT_TRUE(shim->resize(12, 23, started->number));
    put(client.ours, "in\n");
    EXPECT_EQ(wait_event(*shim, Event::Type::kExecExited).exit.code, 9);
    ASSERT_TRUE(shim->forget_exec(started->number));
    const std::string got = read_to_end(client.ours.get());
    EXPECT_NE(got.find("/dev/pts/"), std::string::npos) << got;
    EXPECT_NE(got.find("got in\r\n"), std::string::npos) << got;
    ASSERT_TRUE(shim->kill(SIGKILL));
    wait_event(*shim, Event::Type::kExited);
    ASSERT_TRUE(shim->release());
}

}  // namespace
}  // namespace gantry::runtime
