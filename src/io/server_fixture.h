#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <string>

#include "io/client.h"
#include "io/listener.h"
#include "io/loop.h"
#include "io/server.h"

namespace gantry::io {

/// Tests only: a Server on a unix socket in a directory of its own, and raw clients for it.
class ServerFixture : public ::testing::Test {
protected:
    static constexpr std::chrono::seconds kPatience{10};

    void SetUp() override {
        char name[] = "/tmp/gantry-io-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        directory_ = name;
        path_ = directory_ + "/s";
        auto loop = Loop::start();
        ASSERT_TRUE(loop);
        loop_ = std::move(*loop);
    }

    void TearDown() override {
        server_.reset();
        loop_.reset();
        ::unlink(path_.c_str());
        ::rmdir(directory_.c_str());
    }

    void serve(Handler handler, ServerOptions options = {}) {
        std::vector<Listener> listeners;
        auto listener = listen_unix({path_, 0600, std::nullopt});
        ASSERT_TRUE(listener) << listener.error().text();
        listeners.push_back(std::move(*listener));
        server_ = std::make_unique<Server>(*loop_, options, std::move(handler));
        ASSERT_TRUE(server_->start(std::move(listeners)));
    }

    UniqueFd connect() {
        UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path_.data(), path_.size());
        EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        const timeval limit{kPatience.count(), 0};
        EXPECT_EQ(::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
        return fd;
    }

    static void send(const UniqueFd& fd, std::string_view text) {
        EXPECT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(text.size()));
    }

    /// What comes until the server closes; "TIMEOUT" at the end if it does not.
    static std::string read_to_end(const UniqueFd& fd) {
        std::string out;
        char buffer[4096];
        for (;;) {
            const ssize_t count = ::recv(fd.get(), buffer, sizeof buffer, 0);
            if (count <= 0) {
                return count < 0 && errno == EAGAIN ? out + "TIMEOUT" : out;
            }
            out.append(buffer, static_cast<size_t>(count));
        }
    }

    /// What comes until it ends with MARK.
    static std::string read_until(const UniqueFd& fd, std::string_view mark) {
        std::string out;
        char c;
        while (!out.ends_with(mark)) {
            if (::recv(fd.get(), &c, 1, 0) <= 0) {
                return out + "ENDED";
            }
            out += c;
        }
        return out;
    }

    /// Sends one request and reads to the end of the connection.
    std::string exchange(std::string_view request) {
        const UniqueFd fd = connect();
        send(fd, request);
        return read_to_end(fd);
    }

    static bool eventually(const std::function<bool()>& condition) {
        const auto deadline = std::chrono::steady_clock::now() + kPatience;
        while (std::chrono::steady_clock::now() < deadline) {
            if (condition()) {
                return true;
            }
            ::poll(nullptr, 0, 1);
        }
        return condition();
    }

    ClientConnection client() {
        auto connection = ClientConnection::connect({path_, "", 0}, kPatience);
        EXPECT_TRUE(connection);
        return std::move(*connection);
    }

    std::string directory_;
    std::string path_;
    std::unique_ptr<Loop> loop_;
    std::unique_ptr<Server> server_;
};

}  // namespace gantry::io
