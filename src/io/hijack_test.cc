#include <atomic>

#include "io/server_fixture.h"

namespace gantry::io {
namespace {

class HijackTest : public ServerFixture {
protected:
    /// Echoes what comes on the raw connection until the client half-closes, with the early bytes
    /// in brackets before it.
    static void echo_raw(Request& request, Responder& responder) {
        const auto body = request.body.read_all(100);
        Headers headers;
        headers.add("Content-Type", "application/vnd.docker.raw-stream");
        auto raw = responder.hijack(headers);
        ASSERT_TRUE(raw);
        const std::string greeting = "(" + *body + "|" + raw->early + ")";
        send(raw->fd, greeting);
        char buffer[256];
        ssize_t count;
        while ((count = ::recv(raw->fd.get(), buffer, sizeof buffer, 0)) > 0) {
            send(raw->fd, std::string_view(buffer, static_cast<size_t>(count)));
        }
    }
};

TEST_F(HijackTest, UpgradesAndHandsOverEarlyBytes) {
    serve(echo_raw);
    const UniqueFd fd = connect();
    send(fd,
         "POST /attach HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: "
         "2\r\n\r\n{}"
         "early");
    const std::string head = read_until(fd, "\r\n\r\n");
    EXPECT_TRUE(head.starts_with("HTTP/1.1 101 UPGRADED\r\n")) << head;
    EXPECT_NE(head.find("Connection: Upgrade\r\n"), std::string::npos) << head;
    EXPECT_NE(head.find("Upgrade: tcp\r\n"), std::string::npos) << head;
    EXPECT_EQ(head.find("Content-Length"), std::string::npos) << head;
    EXPECT_EQ(read_until(fd, ")"), "({}|early)");
    send(fd, "ping");
    EXPECT_EQ(read_until(fd, "ping"), "ping");
    ::shutdown(fd.get(), SHUT_WR);
    EXPECT_EQ(read_to_end(fd), "");
}

TEST_F(HijackTest, WithoutUpgradeItIsA200UntilTheEnd) {
    serve(echo_raw);
    const UniqueFd fd = connect();
    send(fd, "POST /attach HTTP/1.1\r\n\r\n");
    ::shutdown(fd.get(), SHUT_WR);
    const std::string answer = read_to_end(fd);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_EQ(answer.find("Upgrade"), std::string::npos) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\n(|)")) << answer;
}

TEST_F(HijackTest, StopDoesNotTouchAGivenAwaySocket) {
    std::atomic<int> given = -1;
    UniqueFd kept;
    serve([&](Request&, Responder& responder) {
        auto raw = responder.hijack({});
        kept = std::move(raw->fd);
        given = kept.get();
    });
    const UniqueFd fd = connect();
    send(fd, "POST /attach HTTP/1.1\r\n\r\n");
    ASSERT_TRUE(eventually([&] { return given >= 0 && server_->connections() == 0; }));
    server_.reset();
    send(kept, "still here");
    EXPECT_TRUE(read_until(fd, "here").ends_with("still here"));
}

}  // namespace
}  // namespace gantry::io
