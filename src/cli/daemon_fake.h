#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/unique_fd.h"

// A daemon that answers as a test says: for tests only.
namespace gantry::cli {

/// Ends the test instead of hanging it.
inline constexpr std::chrono::seconds kTestDeadline(20);

struct FakeRequest {
    std::string method;
    /// Without the version: "/containers/json?all=1".
    std::string target;
    std::string version;
    std::string body;
};

/// One connection of the client, as a handler sees it.
class FakeConnection {
public:
    explicit FakeConnection(int fd) : fd_(fd) {}

    int fd() const { return fd_; }

    void send(std::string_view data) const {
        while (!data.empty()) {
            const ssize_t sent = ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
            if (sent <= 0) {
                return;
            }
            data.remove_prefix(static_cast<size_t>(sent));
        }
    }

    void reply(int status, std::string_view json) const {
        send("HTTP/1.1 " + std::to_string(status) +
             " X\r\nContent-Type: application/json\r\nContent-Length: " +
             std::to_string(json.size()) + "\r\n\r\n" + std::string(json));
    }

    void upgrade() const {
        send(
            "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
            "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    }

    void begin_chunked() const {
        send(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            "Transfer-Encoding: chunked\r\n\r\n");
    }
    void chunk(std::string_view data) const {
        char size[20];
        (void)std::snprintf(size, sizeof size, "%zx\r\n", data.size());
        send(size + std::string(data) + "\r\n");
    }

    void frame(int stream, std::string_view data) const {
        std::string head(8, '\0');
        head[0] = static_cast<char>(stream);
        head[6] = static_cast<char>(data.size() >> 8);
        head[7] = static_cast<char>(data.size() & 0xff);
        send(head + std::string(data));
    }

    /// What the client sends until it closes its side.
    std::string receive_all() const {
        std::string all;
        char buffer[4096];
        for (ssize_t got; (got = ::recv(fd_, buffer, sizeof buffer, 0)) > 0;) {
            all.append(buffer, static_cast<size_t>(got));
        }
        return all;
    }

    void close() const { (void)::shutdown(fd_, SHUT_RDWR); }

private:
    int fd_;
};

/// Something that happened, for which another thread waits.
class Event {
public:
    void raise() {
        MutexLock lock(mutex_);
        raised_ = true;
        changed_.notify_all();
    }
    bool wait() {
        const auto deadline = std::chrono::steady_clock::now() + kTestDeadline;
        MutexLock lock(mutex_);
        while (!raised_) {
            if (!changed_.wait_until(mutex_, deadline)) {
                return false;
            }
        }
        return true;
    }

private:
    Mutex mutex_;
    Condition changed_;
    bool raised_ GT_GUARDED_BY(mutex_) = false;
};

/// Listens on a socket of its own directory. Handlers are found by "METHOD /path" and run on the
/// thread of their connection.
class FakeDaemon {
public:
    using Handler = std::function<void(const FakeRequest&, FakeConnection&)>;

    FakeDaemon() {
        EXPECT_NE(::mkdtemp(directory_.data()), nullptr);
        path_ = directory_ + "/s";
        listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address = {};
        address.sun_family = AF_UNIX;
        path_.copy(address.sun_path, sizeof address.sun_path - 1);
        // SAFETY: the sockets API passes every address type through sockaddr.
        const auto* any = reinterpret_cast<const sockaddr*>(&address);
        EXPECT_EQ(::bind(listener_.get(), any, sizeof address), 0);
        EXPECT_EQ(::listen(listener_.get(), 16), 0);
    }

    ~FakeDaemon() {
        (void)::shutdown(listener_.get(), SHUT_RDWR);
        if (acceptor_.joinable()) {
            acceptor_.join();
        }
        for (std::thread& thread : threads_) {
            thread.join();
        }
        (void)::unlink(path_.c_str());
        (void)::rmdir(directory_.c_str());
    }
    FakeDaemon(const FakeDaemon&) = delete;
    FakeDaemon& operator=(const FakeDaemon&) = delete;

    void on(const std::string& call, Handler handler) { handlers_[call] = std::move(handler); }
    void on(const std::string& call, int status, const std::string& json) {
        on(call,
           [=](const FakeRequest&, FakeConnection& connection) { connection.reply(status, json); });
    }

    std::string host() const { return "unix://" + path_; }

    /// From here on connections are served; after the client was forked.
    void serve() {
        acceptor_ = std::thread([this] {
            for (int fd; (fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
                threads_.emplace_back([this, fd] { serve_connection(UniqueFd(fd)); });
            }
        });
    }

    /// "METHOD /path?query" of every request so far, in the order of their coming.
    std::vector<std::string> log() {
        MutexLock lock(mutex_);
        return log_;
    }

private:
    /// Reads one request; false at the end of the connection.
    static bool read_request(int fd, FakeRequest& request) {
        std::string head;
        for (char c; head.find("\r\n\r\n") == std::string::npos; head += c) {
            if (::recv(fd, &c, 1, 0) != 1) {
                return false;
            }
        }
        const size_t space = head.find(' ');
        const size_t end = head.find(' ', space + 1);
        request.method = head.substr(0, space);
        request.target = head.substr(space + 1, end - space - 1);
        if (request.target.starts_with("/v1.")) {
            const size_t slash = request.target.find('/', 1);
            request.version = request.target.substr(2, slash - 2);
            request.target.erase(0, slash);
        }
        if (const size_t at = head.find("Content-Length: "); at != std::string::npos) {
            request.body.resize(std::strtoul(head.c_str() + at + 16, nullptr, 10));
            return request.body.empty() ||
                   ::recv(fd, request.body.data(), request.body.size(), MSG_WAITALL) ==
                       static_cast<ssize_t>(request.body.size());
        }
        if (head.find("Transfer-Encoding: chunked") != std::string::npos) {
            for (char c; !request.body.ends_with("0\r\n\r\n"); request.body += c) {
                if (::recv(fd, &c, 1, 0) != 1) {
                    return false;
                }
            }
        }
        return true;
    }

    void serve_connection(UniqueFd fd) {
        FakeConnection connection(fd.get());
        FakeRequest request;
        while (read_request(fd.get(), request)) {
            const std::string call =
                request.method + " " + request.target.substr(0, request.target.find('?'));
            {
                MutexLock lock(mutex_);
                log_.push_back(request.method + " " + request.target);
            }
            if (const auto handler = handlers_.find(call); handler != handlers_.end()) {
                handler->second(request, connection);
            } else {
                connection.reply(404, R"({"message":"page not found"})");
            }
            request = {};
        }
    }

    std::string directory_ = "/tmp/gantry-cli-fake-XXXXXX";
    std::string path_;
    UniqueFd listener_;
    std::map<std::string, Handler> handlers_;
    std::thread acceptor_;
    std::vector<std::thread> threads_;
    Mutex mutex_;
    std::vector<std::string> log_ GT_GUARDED_BY(mutex_);
};

}  // namespace gantry::cli
