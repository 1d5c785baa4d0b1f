#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <atomic>

#include "cli/daemon_fake.h"
#include "cli/stream/detach_matcher.h"
#include "cli/stream/pending_reply.h"
#include "cli/user_fake.h"

namespace gantry::cli {
namespace {

using Words = std::vector<std::string>;

/// A daemon with one container "c1" whose life the test writes: what it does once it is started,
/// with the attached connection, and its exit status.
class ContainerFake : public FakeDaemon {
public:
    explicit ContainerFake(std::function<void(FakeConnection&)> life, int status = 0) {
        on("POST /containers/create", 201, R"({"Id":"c1","Warnings":["careful"]})");
        on("POST /containers/c1/attach",
           [this, life](const FakeRequest&, FakeConnection& connection) {
               connection.upgrade();
               EXPECT_TRUE(started.wait());
               life(connection);
               ended.raise();
               connection.close();
           });
        on("POST /containers/c1/wait",
           [this, status](const FakeRequest&, FakeConnection& connection) {
               connection.begin_chunked();
               EXPECT_TRUE(ended.wait());
               connection.chunk("{\"StatusCode\":" + std::to_string(status) + "}\n");
               connection.chunk("");
           });
        on("POST /containers/c1/start", [this](const FakeRequest&, FakeConnection& connection) {
            connection.send("HTTP/1.1 204 No Content\r\n\r\n");
            started.raise();
        });
        on("POST /containers/c1/kill",
           [this](const FakeRequest& request, FakeConnection& connection) {
               connection.send("HTTP/1.1 204 No Content\r\n\r\n");
               last_kill = request.target;
               killed.raise();
           });
        on("POST /containers/c1/resize",
           [this](const FakeRequest& request, FakeConnection& connection) {
               connection.reply(200, "");
               if (request.target.find("h=50") != std::string::npos) {
                   resized.raise();
               }
           });
    }

    Event started;
    Event ended;
    Event killed;
    Event resized;
    std::string last_kill;
};

TEST(Run, AttachesWaitsStartsAndTellsTheStreamsApart) {
    ContainerFake daemon(
        [](FakeConnection& connection) {
            connection.frame(1, "out\n");
            connection.frame(2, "err\n");
            connection.send(std::string_view("\1\0\0\0", 4));  // A frame in pieces.
            connection.send(std::string_view("\0\0\0\3x", 5));
            connection.send("yz");
        },
        7);
    FakeUser user(daemon, {"run", "--rm", "img", "true"});
    EXPECT_EQ(user.finish(), 7);
    EXPECT_EQ(user.out(), "out\nxyz");
    EXPECT_EQ(user.err(), "WARNING: careful\nerr\n");
    EXPECT_EQ(
        daemon.log(),
        (Words{"POST /containers/create", "POST /containers/c1/attach?stream=1&stdout=1&stderr=1",
               "POST /containers/c1/wait?condition=removed", "POST /containers/c1/start"}));
}

TEST(Run, ClosesTheContainersInputAtTheEndOfItsOwn) {
    std::string received;
    ContainerFake daemon([&](FakeConnection& connection) {
        received = connection.receive_all();
        connection.frame(1, "got " + std::to_string(received.size()));
    });
    FakeUser user(daemon, {"run", "-i", "img"});
    user.type("some input");
    user.close_input();
    EXPECT_EQ(user.finish(), 0);
    EXPECT_EQ(received, "some input");
    EXPECT_EQ(user.out(), "got 10");
}

TEST(Run, CarriesMuchDataBothWaysAtOnce) {
    constexpr size_t kSize = 4UL << 20;
    ContainerFake daemon([](FakeConnection& connection) {
        const std::string block(32 * 1024, 'x');
        for (size_t sent = 0; sent < kSize; sent += block.size()) {
            connection.frame(1, block);
        }
        connection.frame(2, std::to_string(connection.receive_all().size()));
    });
    FakeUser user(daemon, {"run", "-i", "img"});
    std::thread writer([&] {
        const std::string block(64 * 1024, 'y');
        for (size_t sent = 0; sent < kSize; sent += block.size()) {
            user.type(block);
        }
        user.close_input();
    });
    EXPECT_EQ(user.finish(), 0);
    writer.join();
    EXPECT_EQ(user.out().size(), kSize);
    EXPECT_EQ(user.err(), "WARNING: careful\n" + std::to_string(kSize));
}

TEST(Run, ExitsWithWhatTheFailedStartMeans) {
    struct Failure {
        const char* message;
        int status;
    };
    for (const auto& [message, status] :
         {Failure{"exec: \\\"x\\\": executable file not found in $PATH", 127},
          Failure{"exec: \\\"/etc\\\": is a directory", 126},
          Failure{"port is already allocated", 125}}) {
        ContainerFake daemon([](FakeConnection&) {});
        daemon.on("POST /containers/c1/start", 400,
                  std::string(R"({"message":")") + message + "\"}");
        FakeUser user(daemon, {"run", "img"});
        EXPECT_EQ(user.finish(), status);
        EXPECT_TRUE(user.err().find("docker: Error response from daemon: ") != std::string::npos);
        EXPECT_TRUE(user.err().ends_with("\n\nRun 'docker run --help' for more information\n"));
        daemon.started.raise();
    }
}

TEST(Run, PassesSignalsOn) {
    ContainerFake daemon(
        [&daemon](FakeConnection& connection) {
            connection.frame(1, "up");
            EXPECT_TRUE(daemon.killed.wait());
        },
        143);
    FakeUser user(daemon, {"run", "img"});
    ASSERT_TRUE(user.expect("up"));
    ::kill(user.pid(), SIGTERM);
    EXPECT_EQ(user.finish(), 143);
    EXPECT_EQ(daemon.last_kill, "/containers/c1/kill?signal=15");
}

TEST(Run, DiesOfTheSignalIfItIsNotToPassItOn) {
    Event done;
    ContainerFake daemon([&](FakeConnection& connection) {
        connection.frame(1, "up");
        EXPECT_TRUE(done.wait());
    });
    FakeUser user(daemon, {"run", "--sig-proxy=false", "img"});
    ASSERT_TRUE(user.expect("up"));
    ::kill(user.pid(), SIGINT);
    EXPECT_EQ(user.finish(), 130);
    done.raise();
}

TEST(Run, GivesUpAtTheThirdInterrupt) {
    Event done;
    ContainerFake daemon([&](FakeConnection& connection) {
        connection.frame(1, "up");
        EXPECT_TRUE(done.wait());
    });
    Event killed[3];
    int count = 0;
    daemon.on("POST /containers/c1/kill", [&](const FakeRequest&, FakeConnection& connection) {
        connection.send("HTTP/1.1 204 No Content\r\n\r\n");
        killed[count++].raise();
    });
    FakeUser user(daemon, {"run", "img"});
    ASSERT_TRUE(user.expect("up"));
    for (Event& one : killed) {
        ::kill(user.pid(), SIGINT);
        EXPECT_TRUE(one.wait());
    }
    EXPECT_EQ(user.finish(), 1);
    EXPECT_NE(user.err().find("got 3 SIGTERM/SIGINTs, forcefully exiting"), std::string::npos);
    done.raise();
}

TEST(Run, StillTakesSignalsWhenNobodyReadsItsOutput) {
    ContainerFake daemon(
        [&daemon](FakeConnection& connection) {
            for (int i = 0; i < 64; ++i) {
                connection.frame(1, std::string(4096, 'x'));
            }
            EXPECT_TRUE(daemon.killed.wait());
        },
        143);
    FakeUser user(daemon, {"run", "img"});
    ASSERT_TRUE(user.expect("x"));
    ::kill(user.pid(), SIGTERM);
    EXPECT_TRUE(daemon.killed.wait());
    EXPECT_EQ(user.finish(), 143);
    EXPECT_EQ(user.out().size(), 64U * 4096);
}

TEST(Run, DetachesAndPutsTheTerminalBack) {
    Event done;
    ContainerFake daemon([&](FakeConnection& connection) {
        connection.send("prompt");
        EXPECT_EQ(connection.receive_all(), "a\x10z");
        done.raise();
    });
    FakeUser user(daemon, {"run", "-it", "img"}, FakeUser::Streams::kTerminal);
    termios before = {};
    ASSERT_EQ(::tcgetattr(user.terminal(), &before), 0);
    ASSERT_TRUE(user.expect("prompt"));
    termios raw = {};
    ASSERT_EQ(::tcgetattr(user.terminal(), &raw), 0);
    EXPECT_EQ(raw.c_lflag & ECHO, 0U);
    user.type("a\x10z\x10\x11");
    EXPECT_TRUE(done.wait());
    EXPECT_EQ(user.finish(), 0);
    termios after = {};
    ASSERT_EQ(::tcgetattr(user.terminal(), &after), 0);
    EXPECT_EQ(before.c_lflag & ECHO, after.c_lflag & ECHO);
}

TEST(Run, SendsTheTerminalsSize) {
    ContainerFake daemon([&daemon](FakeConnection& connection) {
        connection.send("prompt");
        EXPECT_TRUE(daemon.resized.wait());
    });
    FakeUser user(daemon, {"run", "-it", "img"}, FakeUser::Streams::kTerminal);
    ASSERT_TRUE(user.expect("prompt"));
    const winsize size = {50, 100, 0, 0};
    ASSERT_EQ(::ioctl(user.terminal(), TIOCSWINSZ, &size), 0);
    EXPECT_EQ(user.finish(), 0);
}

TEST(Run, SaysWhenTheDaemonBreaksOff) {
    FakeDaemon daemon;
    daemon.on("POST /containers/create",
              [](const FakeRequest&, FakeConnection& connection) { connection.close(); });
    FakeUser user(daemon, {"run", "img"});
    EXPECT_EQ(user.finish(), 125);
    EXPECT_TRUE(user.err().starts_with("docker: ")) << user.err();
}

TEST(Run, PullsAnImageThatIsMissing) {
    FakeDaemon daemon;
    std::atomic<bool> pulled = false;
    daemon.on("POST /containers/create", [&](const FakeRequest&, FakeConnection& connection) {
        if (pulled) {
            connection.reply(201, R"({"Id":"c1","Warnings":[]})");
        } else {
            connection.reply(404, R"({"message":"No such image: img:latest"})");
        }
    });
    daemon.on("POST /images/create", [&](const FakeRequest& request, FakeConnection& connection) {
        EXPECT_EQ(request.target, "/images/create?fromImage=img&tag=latest");
        pulled = true;
        connection.reply(200, "{\"status\":\"Pulling from library/img\",\"id\":\"latest\"}\r\n");
    });
    daemon.on("POST /containers/c1/start", 204, "");
    FakeUser user(daemon, {"run", "-d", "img"});
    EXPECT_EQ(user.finish(), 0);
    EXPECT_EQ(user.out(), "c1\n");
    EXPECT_EQ(user.err(),
              "Unable to find image 'img:latest' locally\nlatest: Pulling from library/img\n");
}

TEST(Exec, ExitsWithTheCommandsStatus) {
    FakeDaemon daemon;
    daemon.on("POST /containers/c1/exec", 201, R"({"Id":"e1"})");
    daemon.on("POST /exec/e1/start", [](const FakeRequest& request, FakeConnection& connection) {
        EXPECT_EQ(request.body, R"({"Detach":false,"Tty":false})");
        connection.upgrade();
        connection.frame(1, "hello\n");
        connection.close();
    });
    daemon.on("GET /exec/e1/json", 200, R"({"ID":"e1","Running":false,"ExitCode":9})");
    FakeUser user(daemon, {"exec", "c1", "true"});
    EXPECT_EQ(user.finish(), 9);
    EXPECT_EQ(user.out(), "hello\n");
}

TEST(Start, TakesAnExitStatusThatCameWithTheHead) {
    ContainerFake daemon([](FakeConnection& connection) { connection.frame(1, "bye\n"); });
    daemon.on("GET /containers/c1/json", 200,
              R"({"Id":"c1","Config":{"Tty":false},"HostConfig":{"AutoRemove":false}})");
    daemon.on("POST /containers/c1/wait", 200, "{\"StatusCode\":5}\n");
    FakeUser user(daemon, {"start", "-a", "c1"});
    EXPECT_EQ(user.finish(), 5);
    EXPECT_EQ(user.out(), "bye\n");
}

TEST(DetachMatcher, HoldsBackWhatMayBeTheKeys) {
    DetachMatcher matcher("\x10\x11");
    std::string passed;
    EXPECT_FALSE(matcher.feed("a\x10", passed));
    EXPECT_EQ(passed, "a");
    EXPECT_FALSE(matcher.feed("b\x10\x10", passed));
    EXPECT_EQ(passed,
              "a\x10"
              "b\x10");
    EXPECT_TRUE(matcher.feed("\x11rest", passed));
    EXPECT_EQ(passed,
              "a\x10"
              "b\x10");
}

}  // namespace
}  // namespace gantry::cli
