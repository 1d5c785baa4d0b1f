#include "io/server.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include <atomic>
#include <latch>

#include "io/server_fixture.h"

namespace gantry::io {
namespace {

using namespace std::chrono_literals;

ResponseHead head_of(int status) {
    ResponseHead head;
    head.status = status;
    head.headers.add("Content-Type", "text/plain");
    return head;
}

/// Answers with what it was asked: method, path, query and body.
void echo(Request& request, Responder& responder) {
    const auto body = request.body.read_all(1024 * 1024);
    const std::string text =
        body ? request.method + " " + request.path + "?" + request.query + " [" + *body + "]"
             : body.error().text();
    (void)responder.send(head_of(body ? 200 : 400), text);
}

class ServerTest : public ServerFixture {};

TEST_F(ServerTest, AnswersAndKeepsTheConnection) {
    serve(echo);
    const UniqueFd fd = connect();
    for (int i = 0; i < 3; ++i) {
        send(fd, "GET /a/b?x=1 HTTP/1.1\r\nHost: h\r\n\r\n");
        const std::string answer = read_until(fd, "[]");
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"))
            << answer;
        EXPECT_TRUE(answer.ends_with("Content-Length: 15\r\n\r\nGET /a/b?x=1 []")) << answer;
    }
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
    serve(echo);
    const std::string answer = exchange(
        "POST /1 HTTP/1.1\r\nContent-Length: 3\r\n\r\none"
        "POST /2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\nt\r\n2\r\nwo\r\n0\r\n\r\n"
        "GET /3 HTTP/1.1\r\nConnection: close\r\n\r\n");
    const size_t one = answer.find("POST /1? [one]");
    const size_t two = answer.find("POST /2? [two]");
    const size_t three = answer.find("GET /3? []");
    EXPECT_LT(one, two);
    EXPECT_LT(two, three);
    EXPECT_TRUE(answer.ends_with("GET /3? []")) << answer;
}

TEST_F(ServerTest, ReadsRequestsThatArriveByteByByte) {
    serve(echo);
    const UniqueFd fd = connect();
    for (const char c : std::string_view(
             "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")) {
        send(fd, std::string_view(&c, 1));
    }
    EXPECT_TRUE(read_until(fd, "]").ends_with("POST /x? [abc]"));
}

// Each byte in a read of its own: what comes early must not upset the parser (Beast 1.81 aborted).
TEST_F(ServerTest, ReadsAnEmptyChunkedBodyByteByByte) {
    serve(echo);
    const UniqueFd fd = connect();
    send(fd, "POST /x HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
    read_until(fd, "\r\n\r\n");
    for (const char c : std::string_view("0\r\n\r\n")) {
        send(fd, std::string_view(&c, 1));
        ASSERT_TRUE(eventually([&] {
            int unread = -1;
            return ::ioctl(fd.get(), SIOCOUTQ, &unread) == 0 && unread == 0;
        }));
    }
    EXPECT_TRUE(read_until(fd, "]").ends_with("POST /x? []"));
}

TEST_F(ServerTest, SendsOnlyTheHeadToHead) {
    serve(echo);
    const std::string answer = exchange("HEAD /x HTTP/1.1\r\nConnection: close\r\n\r\n");
    EXPECT_NE(answer.find("Content-Length: 11\r\n"), std::string::npos) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST_F(ServerTest, AsksForTheBodyOnlyWhenItIsRead) {
    serve(echo);
    const UniqueFd fd = connect();
    send(fd, "POST /x HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(read_until(fd, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    send(fd, "ab");
    EXPECT_TRUE(read_until(fd, "]").ends_with("POST /x? [ab]"));
}

TEST_F(ServerTest, ClosesWhenAHandlerLeavesABodyUnread) {
    serve([](Request&, Responder& responder) { (void)responder.send(head_of(404), "no"); });
    const std::string answer =
        exchange("POST /x HTTP/1.1\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos) << answer;
    EXPECT_TRUE(answer.ends_with("no")) << answer;
}

TEST_F(ServerTest, OldClientsGetOneAnswerPerConnection) {
    serve(echo);
    const std::string answer = exchange("GET / HTTP/1.0\r\n\r\n");
    EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
    EXPECT_TRUE(answer.ends_with("GET /? []")) << answer;
}

TEST_F(ServerTest, StreamsInChunks) {
    serve([](Request&, Responder& responder) {
        auto stream = responder.stream(head_of(200));
        ASSERT_TRUE(stream);
        EXPECT_TRUE((*stream)->write("hello"));
        EXPECT_TRUE((*stream)->write(""));
        EXPECT_TRUE((*stream)->write("0123456789abcdef"));
        EXPECT_TRUE((*stream)->finish());
    });
    const UniqueFd fd = connect();
    for (int i = 0; i < 2; ++i) {
        send(fd, "GET / HTTP/1.1\r\n\r\n");
        const std::string answer = read_until(fd, "0\r\n\r\n");
        EXPECT_TRUE(
            answer.ends_with("Transfer-Encoding: chunked\r\n\r\n"
                             "5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"))
            << answer;
    }
}

TEST_F(ServerTest, AStreamThatBreaksOffHasNoEndMark) {
    serve([](Request&, Responder& responder) {
        auto stream = responder.stream(head_of(200));
        EXPECT_TRUE((*stream)->write("hello"));
    });
    EXPECT_TRUE(exchange("GET / HTTP/1.1\r\n\r\n").ends_with("5\r\nhello\r\n"));
}

TEST_F(ServerTest, AHandlerThatSaysNothingOrThrowsIs500) {
    serve([](Request& request, Responder&) {
        if (request.path == "/throw") {
            throw std::runtime_error("of a library");
        }
    });
    for (const char* path : {"/throw", "/silent"}) {
        const std::string answer = exchange(std::string("GET ") + path + " HTTP/1.1\r\n\r\n");
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 ")) << answer;
    }
}

TEST_F(ServerTest, NoHeaderValueEndsItsLine) {
    serve([](Request&, Responder& responder) {
        ResponseHead head;
        head.headers.add("X-Path", "a\r\nSet-Cookie: b");
        (void)responder.send(head, "");
    });
    const std::string answer = exchange("GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    EXPECT_NE(answer.find("X-Path: a  Set-Cookie: b\r\n"), std::string::npos) << answer;
}

TEST_F(ServerTest, RefusesWhatIsNotHttp) {
    serve(echo);
    for (const std::string_view request : {
             "\r\nnonsense\r\n\r\n",
             "GET / HTTP/2.0\r\n\r\n",
             "GET / HTTP/1.1\r\nbad header\r\n\r\n",
             "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
             "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
             "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
             "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
             "GET / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n",
             "GET / HTTP/1.1\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
             "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
         }) {
        const std::string answer = exchange(request);
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << request << "\n" << answer;
        EXPECT_NE(answer.find("{\"message\":\""), std::string::npos) << answer;
    }
}

TEST_F(ServerTest, RefusesBrokenChunks) {
    serve(echo);
    for (const std::string_view body :
         {"x\r\nabc\r\n", "3\r\nabcd\r\n0\r\n\r\n", "11111111111111111\r\na\r\n0\r\n\r\n"}) {
        const std::string answer =
            exchange("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(body));
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << body << "\n" << answer;
    }
}

TEST_F(ServerTest, RefusesAChunkExtensionWithoutEnd) {
    serve(echo);
    const std::string answer = exchange("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;" +
                                        std::string(80'000, 'x'));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
}

TEST_F(ServerTest, RefusesAHugeHead) {
    serve(echo);
    const std::string one = exchange("GET / HTTP/1.1\r\nX: " + std::string(70'000, 'x'));
    EXPECT_TRUE(one.starts_with("HTTP/1.1 431 ")) << one;
    std::string many = "GET / HTTP/1.1\r\n";
    while (many.size() < 70'000) {
        many += "X-Field: some value\r\n";
    }
    EXPECT_TRUE(exchange(many + "\r\n").starts_with("HTTP/1.1 431 "));
    EXPECT_TRUE(exchange("GET /" + std::string(70'000, 'x')).starts_with("HTTP/1.1 431 "));
}

TEST_F(ServerTest, BodyLimitIsTheHandlers) {
    serve([](Request& request, Responder& responder) {
        const auto body = request.body.read_all(10);
        (void)responder.send(head_of(body ? 200 : 400), body ? *body : body.error().text());
    });
    EXPECT_TRUE(
        exchange("POST / HTTP/1.1\r\nContent-Length: 10\r\nConnection: close\r\n\r\n0123456789")
            .ends_with("0123456789"));
    for (const std::string_view request :
         {"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 11\r\n\r\n0123456789a",
          "POST / HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
          "b\r\n0123456789a\r\n0\r\n\r\n"}) {
        const std::string answer = exchange(request);
        EXPECT_TRUE(answer.ends_with("request body is larger than 10 bytes")) << answer;
    }
}

TEST_F(ServerTest, ClosesSlowAndIdleConnections) {
    ServerOptions options;
    options.header_deadline = 100ms;
    options.idle_deadline = 150ms;
    serve(echo, options);
    const UniqueFd dribble = connect();
    send(dribble, "GET / HT");
    EXPECT_TRUE(read_to_end(dribble).starts_with("HTTP/1.1 408 "));
    EXPECT_EQ(read_to_end(connect()), "");
    const UniqueFd idle = connect();
    send(idle, "GET / HTTP/1.1\r\n\r\n");
    EXPECT_TRUE(read_to_end(idle).ends_with("GET /? []"));
}

TEST_F(ServerTest, ABodyThatStopsTimesOut) {
    ServerOptions options;
    options.stream_deadline = 100ms;
    std::atomic<bool> timed_out = false;
    serve(
        [&](Request& request, Responder& responder) {
            char byte;
            (void)request.body.read(std::span(&byte, 1));
            const auto second = request.body.read(std::span(&byte, 1));
            timed_out = !second && second.error().kind() == Kind::kTimeout;
            (void)responder.send(head_of(200), "done");
        },
        options);
    EXPECT_TRUE(exchange("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\na").ends_with("done"));
    EXPECT_TRUE(timed_out);
}

TEST_F(ServerTest, ShedsConnectionsOverItsLimit) {
    ServerOptions options;
    options.max_connections = 2;
    serve(echo, options);
    UniqueFd first = connect();
    const UniqueFd second = connect();
    ASSERT_TRUE(eventually([&] { return server_->connections() == 2; }));
    EXPECT_TRUE(read_to_end(connect()).starts_with("HTTP/1.1 503 "));
    first.reset();
    ASSERT_TRUE(eventually([&] { return server_->connections() == 1; }));
    EXPECT_TRUE(exchange("GET / HTTP/1.0\r\n\r\n").ends_with("GET /? []"));
}

TEST_F(ServerTest, ShedsConnectionsWithoutDescriptors) {
    serve(echo);
    std::vector<UniqueFd> held;
    UniqueFd waiting = connect();
    ASSERT_TRUE(eventually([&] { return server_->connections() == 1; }));
    // The client's own socket must be the last descriptor there is.
    rlimit old{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
    const UniqueFd probe(::fcntl(0, F_DUPFD_CLOEXEC, 0));
    const rlimit tight{static_cast<rlim_t>(probe.get()) + 8, old.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
    for (UniqueFd fd(::fcntl(0, F_DUPFD_CLOEXEC, 0)); fd;
         fd = UniqueFd(::fcntl(0, F_DUPFD_CLOEXEC, 0))) {
        held.push_back(std::move(fd));
    }
    held.pop_back();
    const std::string answer = read_to_end(connect());
    EXPECT_NE(answer.find("out of file descriptors"), std::string::npos) << answer;
    held.clear();
    EXPECT_TRUE(exchange("GET / HTTP/1.0\r\n\r\n").ends_with("GET /? []"));
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
}

TEST_F(ServerTest, KnowsItsPeer) {
    serve([](Request& request, Responder& responder) {
        (void)responder.send(head_of(200), std::to_string(request.peer.pid) + " " +
                                               std::to_string(request.peer.uid));
    });
    EXPECT_TRUE(
        exchange("GET / HTTP/1.0\r\n\r\n")
            .ends_with("\r\n" + std::to_string(::getpid()) + " " + std::to_string(::getuid())));
}

TEST_F(ServerTest, HandlerLearnsThatTheClientLeft) {
    std::atomic<int> seen = 0;
    std::latch started(1);
    serve([&](Request& request, Responder& responder) {
        EXPECT_FALSE(request.cancellation.requested());
        started.count_down();
        int never[2];
        ASSERT_EQ(::pipe2(never, O_CLOEXEC), 0);
        const UniqueFd read_end(never[0]);
        const UniqueFd write_end(never[1]);
        const auto wakeup = request.cancellation.wait(read_end.get(), POLLIN,
                                                      std::chrono::steady_clock::now() + kPatience);
        seen = wakeup && *wakeup == Wakeup::kCancelled && request.cancellation.requested() ? 1 : 2;
        (void)responder.send(head_of(200), "");
    });
    UniqueFd fd = connect();
    send(fd, "GET / HTTP/1.1\r\n\r\n");
    started.wait();
    fd.reset();
    EXPECT_TRUE(eventually([&] { return seen == 1; }));
}

TEST_F(ServerTest, StopCancelsHandlersAndClosesIdleConnections) {
    std::latch started(1);
    serve([&](Request& request, Responder& responder) {
        started.count_down();
        const auto wakeup =
            request.cancellation.wait(-1, 0, std::chrono::steady_clock::now() + kPatience);
        (void)responder.send(head_of(503),
                             wakeup && *wakeup == Wakeup::kCancelled ? "stopped" : "late");
    });
    const UniqueFd busy = connect();
    send(busy, "GET / HTTP/1.1\r\n\r\n");
    const UniqueFd idle = connect();
    started.wait();
    ASSERT_TRUE(eventually([&] { return server_->connections() == 2; }));
    EXPECT_TRUE(server_->stop(std::chrono::steady_clock::now() + kPatience));
    EXPECT_EQ(server_->connections(), 0U);
    EXPECT_TRUE(read_to_end(busy).ends_with("stopped"));
    EXPECT_EQ(read_to_end(idle), "");
    EXPECT_NE(::access(path_.c_str(), F_OK), 0);
}

TEST_F(ServerTest, StopCutsClientsThatDoNotRead) {
    std::latch started(1);
    std::atomic<bool> failed = false;
    serve([&](Request&, Responder& responder) {
        auto stream = responder.stream(head_of(200));
        started.count_down();
        const std::string block(64 * 1024, 'x');
        while ((*stream)->write(block)) {
        }
        failed = true;
    });
    const UniqueFd stuck = connect();
    send(stuck, "GET / HTTP/1.1\r\n\r\n");
    started.wait();
    EXPECT_FALSE(server_->stop(std::chrono::steady_clock::now() + 50ms));
    EXPECT_TRUE(eventually([&] { return failed.load(); }));
}

TEST_F(ServerTest, ManyShortConnections) {
    serve(echo);
    for (int i = 0; i < 500; ++i) {
        ASSERT_TRUE(exchange("GET / HTTP/1.0\r\n\r\n").ends_with("GET /? []"));
    }
    EXPECT_TRUE(eventually([&] { return server_->connections() == 0; }));
}

}  // namespace
}  // namespace gantry::io
