#include "io/client.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "io/impl/deadline.h"
#include "io/impl/input_buffer.h"
#include "io/impl/parser.h"
#include "io/impl/response_text.h"

namespace gantry::io {
namespace {

constexpr size_t kHeadLimit = 64 * 1024;
/// How much of an early answer is taken in while the request's body is still being sent.
constexpr size_t kPollAnswerLimit = InputBuffer::kLimit;

Failure unreachable(const std::string& where, int error) {
    return Failure(Error(Kind::kUnavailable,
                         fmt::format("connect to {}: {}", where, std::strerror(error)), error));
}

/// connect(2) with a deadline; leaves the socket in blocking mode. 0 or an errno.
int connect_before(int fd, const sockaddr* address, socklen_t size, Deadline deadline) {
    const int flags = ::fcntl(fd, F_GETFL);
    (void)::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    int error = ::connect(fd, address, size) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
        pollfd writable{fd, POLLOUT, 0};
        int ready;
        do {
            ready = ::poll(&writable, 1, poll_timeout(deadline));
        } while (ready < 0 && errno == EINTR);
        socklen_t length = sizeof error;
        if (ready == 0) {
            error = ETIMEDOUT;
        } else if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) {
            error = errno;
        }
    }
    (void)::fcntl(fd, F_SETFL, flags);
    return error;
}

Result<UniqueFd> connect_unix(const std::string& path, Deadline deadline) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return fail(Kind::kInvalid, fmt::format("socket path {} is too long", path));
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) {
        return fail_errno("socket");
    }
    // SAFETY: the sockets API passes every address type through sockaddr.
    const auto* any = reinterpret_cast<const sockaddr*>(&address);
    if (const int error = connect_before(fd.get(), any, sizeof address, deadline); error != 0) {
        return unreachable("unix://" + path, error);
    }
    return fd;
}

Result<UniqueFd> connect_tcp(const std::string& host, uint16_t port, Deadline deadline) {
    const std::string where = fmt::format("tcp://{}:{}", host, port);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const std::string service = std::to_string(port);
    if (const int code = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &found); code != 0) {
        return fail(Kind::kUnavailable,
                    fmt::format("connect to {}: {}", where, ::gai_strerror(code)));
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, ::freeaddrinfo);
    int error = EADDRNOTAVAIL;
    for (const addrinfo* it = addresses.get(); it != nullptr; it = it->ai_next) {
        UniqueFd fd(::socket(it->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        error = fd ? connect_before(fd.get(), it->ai_addr, it->ai_addrlen, deadline) : errno;
        if (error == 0) {
            const int on = 1;
            (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            (void)::setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
            return fd;
        }
    }
    return unreachable(where, error);
}

std::string format_request(const ClientRequest& request, const std::string& host,
                           std::string_view framing) {
    std::string out =
        fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method, request.target, host);
    for (const auto& [name, value] : request.headers) {
        out += fmt::format("{}: {}\r\n", name, value);
    }
    out += framing;
    out += "\r\n";
    return out;
}

}  // namespace

struct ClientConnection::Impl {
    UniqueFd fd;
    std::string host;
    InputBuffer input;
    std::optional<Parser> parser;
    bool head_request = false;
    bool peer_ended = false;

    /// More bytes into the buffer; 0 at the end of the connection.
    Result<size_t> receive(int flags) {
        const std::span<char> room = input.room();
        if (room.empty()) {
            return fail(Kind::kInvalid, "the daemon's answer is not HTTP");
        }
        for (;;) {
            const ssize_t count = ::recv(fd.get(), room.data(), room.size(), flags);
            if (count >= 0) {
                input.added(static_cast<size_t>(count));
                peer_ended = count == 0;
                return static_cast<size_t>(count);
            }
            if (errno != EINTR) {
                return fail_errno("receive from the daemon");
            }
        }
    }

    /// Waits until the socket takes bytes. Meanwhile it takes in what the daemon answers, so that
    /// two full sockets cannot wait for each other for ever.
    void wait_writable() {
        const bool listen = !peer_ended && input.data().size() < kPollAnswerLimit;
        pollfd ready{fd.get(), static_cast<short>(listen ? POLLOUT | POLLIN : POLLOUT), 0};
        if (::poll(&ready, 1, -1) > 0 && listen && (ready.revents & POLLIN) != 0) {
            // An error or end shows again at the next send or read.
            (void)receive(MSG_DONTWAIT);
        }
    }

    Result<> transmit(std::string_view data) {
        while (!data.empty()) {
            const ssize_t sent =
                ::send(fd.get(), data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
            if (sent >= 0) {
                data.remove_prefix(static_cast<size_t>(sent));
            } else if (errno == EAGAIN) {
                wait_writable();
            } else if (errno != EINTR) {
                return fail_errno("send to the daemon");
            }
        }
        return {};
    }
};

ClientConnection::ClientConnection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ClientConnection::ClientConnection(ClientConnection&&) noexcept = default;
ClientConnection& ClientConnection::operator=(ClientConnection&&) noexcept = default;
ClientConnection::~ClientConnection() = default;

Result<ClientConnection> ClientConnection::connect(const ClientAddress& address,
                                                   std::chrono::milliseconds timeout) {
    const Deadline deadline = std::chrono::steady_clock::now() + timeout;
    const bool local = !address.unix_path.empty();
    GT_TRY_VAR(fd, local ? connect_unix(address.unix_path, deadline)
                         : connect_tcp(address.host, address.port, deadline));
    auto impl = std::make_unique<Impl>();
    impl->fd = std::move(fd);
    const bool v6 = address.host.find(':') != std::string::npos;
    impl->host =
        local ? "localhost"
              : fmt::format("{}{}{}:{}", v6 ? "[" : "", address.host, v6 ? "]" : "", address.port);
    return ClientConnection(std::move(impl));
}

Result<ClientResponse> ClientConnection::send(const ClientRequest& request, std::string_view body) {
    impl_->head_request = request.method == "HEAD";
    const bool bare = body.empty() && (request.method == "GET" || request.method == "HEAD");
    std::string text =
        format_request(request, impl_->host,
                       bare ? std::string() : fmt::format("Content-Length: {}\r\n", body.size()));
    text += body;
    // A daemon that refuses the head may stop reading before it has all of the body. Its answer
    // tells more than the failed send.
    const auto sent = impl_->transmit(text);
    auto answer = read_head();
    if (!answer && !sent) {
        return Failure(Error(Kind::kUnavailable, sent.error().text(), sent.error().sys_errno()));
    }
    return answer;
}

Result<> ClientConnection::begin(const ClientRequest& request) {
    impl_->head_request = request.method == "HEAD";
    return impl_->transmit(format_request(request, impl_->host, "Transfer-Encoding: chunked\r\n"));
}

Result<> ClientConnection::write(std::string_view data) {
    // An empty chunk would be the end mark.
    return data.empty() ? Result<>() : impl_->transmit(format_chunk(data));
}

Result<> ClientConnection::finish_request() {
    return impl_->transmit(kLastChunk);
}

Result<ClientResponse> ClientConnection::read_head() {
    const BodyRule rule = impl_->head_request ? BodyRule::kNone : BodyRule::kAsDeclared;
    for (;;) {
        impl_->parser.emplace(MessageKind::kResponse, kHeadLimit, rule);
        Parser& parser = *impl_->parser;
        while (!parser.head_done()) {
            if (!impl_->input.empty()) {
                GT_TRY_VAR(used, parser.parse_head(impl_->input.data()));
                impl_->input.consume(used);
                if (parser.head_done()) {
                    break;
                }
            }
            GT_TRY_VAR(count, impl_->receive(0));
            if (count == 0) {
                return fail(Kind::kCancelled, "the daemon closed the connection without an answer");
            }
        }
        const int status = parser.head().status;
        if (status == 101 || status / 100 != 1) {
            return ClientResponse{status, std::move(parser.head().reason),
                                  std::move(parser.head().headers)};
        }
    }
}

Result<size_t> ClientConnection::read(std::span<char> into) {
    if (into.empty() || !impl_->parser) {
        return size_t{0};
    }
    Parser& parser = *impl_->parser;
    while (!parser.message_done()) {
        GT_TRY_VAR(step, parser.parse_body(impl_->input.data(), into));
        impl_->input.consume(step.consumed);
        if (step.produced > 0) {
            return step.produced;
        }
        if (step.consumed > 0) {
            continue;
        }
        GT_TRY_VAR(count, impl_->receive(0));
        if (count == 0 && !parser.end_of_input()) {
            return fail(Kind::kCancelled, "the daemon broke off its answer");
        }
    }
    return size_t{0};
}

Result<std::string> ClientConnection::read_all(size_t limit) {
    std::string out;
    size_t used = 0;
    for (;;) {
        if (used == out.size()) {
            out.resize(std::min(used + 16 * 1024, limit + 1));
        }
        GT_TRY_VAR(count, read(std::span(out).subspan(used)));
        used += count;
        if (used > limit) {
            return fail(Kind::kInvalid, "the daemon's answer is too long");
        }
        if (count == 0) {
            out.resize(used);
            return out;
        }
    }
}

bool ClientConnection::reusable() const {
    return impl_->parser && impl_->parser->message_done() && impl_->parser->keep_alive();
}

RawConnection ClientConnection::into_raw() && {
    return {std::move(impl_->fd), impl_->input.take()};
}

int ClientConnection::fd() const {
    return impl_->fd.get();
}

}  // namespace gantry::io
