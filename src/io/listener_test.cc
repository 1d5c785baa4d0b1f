#include "io/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include "io/server_fixture.h"

namespace gantry::io {
namespace {

class ListenerTest : public ServerFixture {};

TEST_F(ListenerTest, SetsModeAndGroup) {
    const auto listener = listen_unix({path_, 0660, ::getgid()});
    ASSERT_TRUE(listener) << listener.error().text();
    struct stat info{};
    ASSERT_EQ(::stat(path_.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0660U);
    EXPECT_EQ(info.st_gid, ::getgid());
}

TEST_F(ListenerTest, ReplacesAStaleSocketOnly) {
    {
        const UniqueFd stale(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path_.data(), path_.size());
        ASSERT_EQ(::bind(stale.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }
    const auto first = listen_unix({path_, 0600, {}});
    ASSERT_TRUE(first) << first.error().text();
    const auto second = listen_unix({path_, 0600, {}});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind(), Kind::kConflict);
    EXPECT_EQ(::access(path_.c_str(), F_OK), 0);
}

TEST_F(ListenerTest, LeavesFilesAndLinksAlone) {
    const UniqueFd file(::open(path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    EXPECT_EQ(listen_unix({path_, 0600, {}}).error().kind(), Kind::kConflict);
    EXPECT_EQ(::access(path_.c_str(), F_OK), 0);
    ::unlink(path_.c_str());
    ASSERT_EQ(::symlink("/nowhere/socket", path_.c_str()), 0);
    EXPECT_EQ(listen_unix({path_, 0600, {}}).error().kind(), Kind::kConflict);
    EXPECT_EQ(listen_unix({std::string(200, 'x'), 0600, {}}).error().kind(), Kind::kInvalid);
}

class TcpTest : public ServerFixture {
protected:
    void SetUp() override {
        ServerFixture::SetUp();
        auto listener = listen_tcp("127.0.0.1", 0);
        ASSERT_TRUE(listener) << listener.error().text();
        EXPECT_TRUE(listener->loopback());
        port_ = listener->port();
        std::vector<Listener> listeners;
        listeners.push_back(std::move(*listener));
        server_ = std::make_unique<Server>(*loop_, ServerOptions{},
                                           [](Request& request, Responder& responder) {
                                               (void)responder.send({}, request.peer.address);
                                           });
        ASSERT_TRUE(server_->start(std::move(listeners)));
    }

    int status(Headers headers) {
        auto connection = ClientConnection::connect({"", "127.0.0.1", port_}, kPatience);
        EXPECT_TRUE(connection);
        const auto response = connection->send({"POST", "/", std::move(headers)});
        EXPECT_TRUE(response) << response.error().text();
        const auto body = connection->read_all(1000);
        EXPECT_TRUE(body);
        EXPECT_TRUE(response->status != 200 || body->starts_with("127.0.0.1:")) << *body;
        return response->status;
    }

    /// The status of the answer to these lines of a head.
    std::string ask(std::string_view head) {
        const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port_);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        send(fd, "GET / HTTP/1.0\r\n" + std::string(head) + "\r\n");
        return read_to_end(fd).substr(9, 3);
    }

    uint16_t port_ = 0;
};

TEST_F(TcpTest, ServesProgramsAndRefusesBrowsers) {
    const auto one = [](std::string name, std::string value) {
        Headers headers;
        headers.add(std::move(name), std::move(value));
        return headers;
    };
    EXPECT_EQ(status({}), 200);
    EXPECT_EQ(status(one("Origin", "http://evil.example")), 403);
    EXPECT_EQ(status(one("origin", "null")), 403);
    EXPECT_EQ(status(one("Sec-Fetch-Site", "cross-site")), 403);
    EXPECT_EQ(status(one("Sec-Fetch-Site", "none")), 200);
}

TEST_F(TcpTest, AcceptsOnlyItsOwnOriginAndOnlyForWebSockets) {
    const auto web = [&](std::string_view origin, std::string_view host,
                         std::string_view protocol) {
        return ask(
            fmt::format("Origin: {}\r\nHost: {}\r\nUpgrade: {}\r\n", origin, host, protocol));
    };
    EXPECT_EQ(web("http://127.0.0.1:2375", "127.0.0.1:2375", "websocket"), "200");
    EXPECT_EQ(web("http://127.0.0.1:2375", "127.0.0.1:2375", "tcp"), "403");
    EXPECT_EQ(web("http://127.0.0.1:80", "127.0.0.1:2375", "websocket"), "403");
    EXPECT_EQ(web("http://evil.example", "127.0.0.1:2375", "websocket"), "403");
    EXPECT_EQ(web("http://evil.example:2375", "evil.example:2375", "websocket"), "403");
    EXPECT_EQ(web("null", "127.0.0.1:2375", "websocket"), "403");
}

TEST_F(TcpTest, RefusesRebindingHosts) {
    EXPECT_EQ(ask("Host: 127.0.0.1:2375\r\n"), "200");
    EXPECT_EQ(ask("Host: [::1]:2375\r\n"), "200");
    EXPECT_EQ(ask("Host: LocalHost\r\n"), "200");
    EXPECT_EQ(ask("Host: evil.example\r\n"), "403");
    EXPECT_EQ(ask("Host: evil.example:2375\r\n"), "403");
    EXPECT_EQ(ask("Host: 127.0.0.1.evil.example\r\n"), "403");
}

TEST_F(TcpTest, ABusyPortIsAnError) {
    const auto again = listen_tcp("127.0.0.1", port_);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().sys_errno(), EADDRINUSE);
    EXPECT_FALSE(listen_tcp("localhost.example", 0));
}

}  // namespace
}  // namespace gantry::io
