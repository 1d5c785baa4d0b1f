#include "io/impl/connection.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <exception>

#include "base/text.h"
#include "io/impl/browser_defence.h"
#include "io/impl/request_body.h"
#include "io/impl/response_text.h"

namespace gantry::io {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kRefusalDeadline{1'000};
constexpr size_t kLingerBytes = 1024 * 1024;

std::string peer_address(int fd) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    // SAFETY: the sockets API passes every address type through sockaddr.
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) < 0) {
        return "";
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (storage.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
        ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
        return fmt::format("{}:{}", text.data(), ntohs(v4.sin_port));
    }
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    return fmt::format("[{}]:{}", text.data(), ntohs(v6.sin6_port));
}

Peer identify(int fd, Transport transport) {
    Peer peer;
    peer.transport = transport;
    if (transport == Transport::kTcp) {
        peer.address = peer_address(fd);
        return peer;
    }
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) {
        peer.pid = credentials.pid;
        peer.uid = credentials.uid;
        peer.gid = credentials.gid;
    }
    return peer;
}

/// A proxy's `GET http://host/path` means /path.
std::string_view origin_form(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (target.starts_with(scheme)) {
            target.remove_prefix(scheme.size());
            const size_t slash = target.find('/');
            return slash == std::string_view::npos ? "/" : target.substr(slash);
        }
    }
    return target;
}

}  // namespace

Connection::Connection(Server::Core& core, UniqueFd fd, Transport transport, bool loopback)
    : core_(core),
      stream_(std::move(fd), core.stopped_fd()),
      peer_(identify(stream_.fd(), transport)),
      loopback_(loopback) {
    core_.remember_socket(stream_.fd());
}

Connection::~Connection() {
    // After a hijack or park the reply has done it already and the descriptor is gone.
    if (stream_.fd() >= 0) {
        core_.forget_socket(stream_.fd());
    }
}

void Connection::run() {
    Next next = serve(steady_clock::now() + core_.options().header_deadline);
    while (next == Next::kRequest) {
        next = serve(steady_clock::now() + core_.options().idle_deadline);
    }
}

Connection::Next Connection::serve(Deadline first_byte) {
    std::optional<Parser> parser = read_head(first_byte);
    if (!parser) {
        return Next::kClose;
    }
    if (const std::string_view reason = refusal(parser->head()); !reason.empty()) {
        refuse(403, reason);
        return Next::kClose;
    }
    const std::string* expect = parser->head().headers.find("Expect");
    if (expect != nullptr && !equals_ignoring_case(*expect, "100-continue")) {
        refuse(417, "unknown expectation");
        return Next::kClose;
    }
    return answer(*parser);
}

std::optional<Parser> Connection::read_head(Deadline first_byte) {
    Parser parser(MessageKind::kRequest, core_.options().header_limit);
    bool started = !input_.empty();
    Deadline deadline =
        started ? steady_clock::now() + core_.options().header_deadline : first_byte;
    for (;;) {
        if (!input_.empty()) {
            const auto used = parser.parse_head(input_.data());
            if (!used) {
                refuse(used.error().sys_errno() == EMSGSIZE ? 431 : 400, used.error().text());
                return std::nullopt;
            }
            input_.consume(*used);
            if (parser.head_done()) {
                return parser;
            }
        }
        const std::span<char> room = input_.room();
        if (room.empty()) {
            refuse(431, "request header is too large");
            return std::nullopt;
        }
        const auto count = stream_.read_some(room, deadline, StopRule::kWatch);
        if (!count && count.error().kind() == Kind::kTimeout && started) {
            refuse(408, "the request header did not arrive in time");
        }
        if (!count || *count == 0) {
            return std::nullopt;
        }
        input_.added(*count);
        if (!started) {
            started = true;
            deadline = steady_clock::now() + core_.options().header_deadline;
        }
    }
}

std::string_view Connection::refusal(const MessageHead& head) const {
    if (peer_.transport != Transport::kTcp) {
        return "";
    }
    return refuse_browser(head.headers, loopback_ ? HostRule::kLoopback : HostRule::kAny);
}

Connection::Next Connection::answer(Parser& parser) {
    RequestBody body(parser, input_, stream_, core_.options().stream_deadline);
    const Cancellation cancellation(stream_.fd(),
                                    peer_.transport == Transport::kTcp ? POLLRDHUP : short{0},
                                    core_.stopped_fd());
    MessageHead& head = parser.head();
    const Cut target = cut(origin_form(head.target), '?');
    const bool keep_alive = parser.keep_alive() && head.minor == 1;
    Request request{std::move(head.method),
                    std::string(target.before),
                    std::string(target.after),
                    std::move(head.headers),
                    peer_,
                    body,
                    cancellation};
    Reply reply(core_, stream_, input_, body, request, head.minor, keep_alive);
    try {
        core_.handler()(request, reply);
    } catch (const std::exception&) {
        // Not one of ours, which do not throw: a library's, or memory. The request has failed and
        // the process lives on.
    }
    if (!reply.answered()) {
        (void)stream_.write_all(format_refusal(500, "internal error"), {}, kRefusalDeadline);
    }
    if (reply.may_continue()) {
        return Next::kRequest;
    }
    if (stream_.fd() >= 0) {
        linger();
    }
    return Next::kClose;
}

void Connection::refuse(int status, std::string_view text) {
    // The text may quote the parser, never the client.
    if (stream_.write_all(format_refusal(status, text), {}, kRefusalDeadline)) {
        linger();
    }
}

void Connection::linger() {
    (void)::shutdown(stream_.fd(), SHUT_WR);
    const Deadline deadline = steady_clock::now() + kRefusalDeadline;
    std::array<char, 4096> ignored;
    for (size_t total = 0; total < kLingerBytes;) {
        const auto count = stream_.read_some(ignored, deadline, StopRule::kWatch);
        if (!count || *count == 0) {
            return;
        }
        total += *count;
    }
}

}  // namespace gantry::io
