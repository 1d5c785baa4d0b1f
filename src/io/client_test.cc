#include "io/client.h"

#include "io/server_fixture.h"

namespace gantry::io {
namespace {

class ClientTest : public ServerFixture {};

TEST_F(ClientTest, SendsSeveralRequestsOverOneConnection) {
    serve([](Request& request, Responder& responder) {
        const auto body = request.body.read_all(100);
        ResponseHead head{201, {}};
        head.headers.add("X-Type", std::string(request.headers.get("Content-Type")));
        (void)responder.send(head, request.method + request.path + *body);
    });
    ClientConnection connection = client();
    for (int i = 0; i < 3; ++i) {
        ClientRequest request{"POST", "/x", {}};
        request.headers.add("Content-Type", "application/json");
        const auto response = connection.send(request, "{}");
        ASSERT_TRUE(response) << response.error().text();
        EXPECT_EQ(response->status, 201);
        EXPECT_EQ(response->reason, "Created");
        EXPECT_EQ(response->headers.get("x-type"), "application/json");
        const auto body = connection.read_all(100);
        ASSERT_TRUE(body);
        EXPECT_EQ(*body, "POST/x{}");
        EXPECT_TRUE(connection.reusable());
    }
    const auto head = connection.send({"HEAD", "/y", {}});
    ASSERT_TRUE(head);
    EXPECT_EQ(connection.read_all(100).value(), "");
    EXPECT_TRUE(connection.reusable());
}

TEST_F(ClientTest, StreamsBothWays) {
    serve([](Request& request, Responder& responder) {
        auto stream = responder.stream({});
        char buffer[5000];
        for (;;) {
            const auto count = request.body.read(buffer);
            ASSERT_TRUE(count);
            if (*count == 0) {
                break;
            }
            ASSERT_TRUE((*stream)->write(std::string_view(buffer, *count)));
        }
        EXPECT_TRUE((*stream)->finish());
    });
    // The handler answers while it reads: only a client that does both gets through.
    ClientConnection connection = client();
    ASSERT_TRUE(connection.begin({"POST", "/", {}}));
    std::string sent;
    for (int i = 0; i < 40; ++i) {
        const std::string part(1000, static_cast<char>('a' + i % 26));
        ASSERT_TRUE(connection.write(part));
        sent += part;
    }
    ASSERT_TRUE(connection.finish_request());
    ASSERT_TRUE(connection.read_head());
    EXPECT_EQ(connection.read_all(sent.size()).value(), sent);
}

TEST_F(ClientTest, GetsTheAnswerOfAServerThatStopsReading) {
    serve([](Request&, Responder& responder) { (void)responder.send({400, {}}, "too much"); });
    ClientConnection connection = client();
    ASSERT_TRUE(connection.begin({"POST", "/", {}}));
    const std::string block(1024 * 1024, 'x');
    while (connection.write(block)) {
    }
    const auto response = connection.read_head();
    ASSERT_TRUE(response) << response.error().text();
    EXPECT_EQ(response->status, 400);
    EXPECT_EQ(connection.read_all(100).value(), "too much");
}

TEST_F(ClientTest, ReadsABodyThatEndsWithTheConnection) {
    serve([](Request&, Responder& responder) {
        auto raw = responder.hijack({});
        send(raw->fd, "until the end");
    });
    ClientConnection connection = client();
    ASSERT_TRUE(connection.send({"GET", "/", {}}));
    EXPECT_EQ(connection.read_all(100).value(), "until the end");
    EXPECT_FALSE(connection.reusable());
}

TEST_F(ClientTest, UpgradesToARawConnection) {
    serve([](Request&, Responder& responder) {
        auto raw = responder.hijack({});
        send(raw->fd, "hello");
        send(raw->fd, read_until(raw->fd, "!"));
    });
    ClientConnection connection = client();
    ClientRequest request{"POST", "/", {}};
    request.headers.add("Connection", "Upgrade");
    request.headers.add("Upgrade", "tcp");
    const auto response = connection.send(request);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 101);
    const RawConnection raw = std::move(connection).into_raw();
    send(raw.fd, "hi!");
    EXPECT_EQ(raw.early + read_until(raw.fd, "!"), "hellohi!");
}

TEST_F(ClientTest, NoticesABrokenOffAnswer) {
    serve([](Request&, Responder& responder) {
        auto stream = responder.stream({});
        (void)(*stream)->write("half");
    });
    ClientConnection connection = client();
    ASSERT_TRUE(connection.send({"GET", "/", {}}));
    const auto body = connection.read_all(100);
    ASSERT_FALSE(body);
    EXPECT_EQ(body.error().kind(), Kind::kCancelled);
}

TEST_F(ClientTest, LimitsWhatItReads) {
    serve([](Request&, Responder& responder) { (void)responder.send({}, std::string(100, 'x')); });
    ClientConnection connection = client();
    ASSERT_TRUE(connection.send({"GET", "/", {}}));
    EXPECT_EQ(connection.read_all(99).error().kind(), Kind::kInvalid);
    ClientConnection other = client();
    ASSERT_TRUE(other.send({"GET", "/", {}}));
    EXPECT_EQ(other.read_all(100).value().size(), 100U);
}

TEST_F(ClientTest, NobodyListens) {
    const auto missing = ClientConnection::connect({path_, "", 0}, kPatience);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().kind(), Kind::kUnavailable);
    EXPECT_EQ(missing.error().sys_errno(), ENOENT);
    EXPECT_EQ(missing.error().text(), "connect to unix://" + path_ + ": No such file or directory");
}

}  // namespace
}  // namespace gantry::io
