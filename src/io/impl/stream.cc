#include "io/impl/stream.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace gantry::io {
namespace {

Failure socket_failed(const char* what) {
    if (errno == EPIPE || errno == ECONNRESET) {
        return Failure(Error(Kind::kCancelled, "the connection was closed", errno));
    }
    return fail_errno(what);
}

}  // namespace

Result<size_t> SocketStream::read_some(std::span<char> into, Deadline deadline, StopRule rule) {
    for (;;) {
        const ssize_t count = ::recv(fd_.get(), into.data(), into.size(), MSG_DONTWAIT);
        if (count >= 0) {
            return static_cast<size_t>(count);
        }
        if (errno != EAGAIN && errno != EINTR) {
            return socket_failed("receive");
        }
        // poll(2) skips an entry whose descriptor is negative.
        std::array<pollfd, 2> fds{
            {{fd_.get(), POLLIN, 0}, {rule == StopRule::kWatch ? stopped_ : -1, POLLIN, 0}}};
        const int ready = ::poll(fds.data(), fds.size(), poll_timeout(deadline));
        if (ready == 0) {
            return fail(Kind::kTimeout, "the client sent nothing for too long");
        }
        if (ready > 0 && fds[0].revents == 0) {
            return fail(Kind::kCancelled, "the server is stopping");
        }
    }
}

Result<> SocketStream::write_all(std::string_view head, std::string_view body,
                                 std::chrono::milliseconds idle) {
    while (!head.empty() || !body.empty()) {
        // SAFETY: sendmsg(2) only reads through these pointers.
        std::array<iovec, 2> parts{{{const_cast<char*>(head.data()), head.size()},
                                    {const_cast<char*>(body.data()), body.size()}}};
        msghdr message{};
        message.msg_iov = parts.data();
        message.msg_iovlen = parts.size();
        const ssize_t sent = ::sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent >= 0) {
            const size_t of_head = std::min(static_cast<size_t>(sent), head.size());
            head.remove_prefix(of_head);
            body.remove_prefix(static_cast<size_t>(sent) - of_head);
            continue;
        }
        if (errno != EAGAIN && errno != EINTR) {
            return socket_failed("send");
        }
        pollfd writable{fd_.get(), POLLOUT, 0};
        if (::poll(&writable, 1, static_cast<int>(idle.count())) == 0) {
            return fail(Kind::kTimeout, "the client read nothing for too long");
        }
    }
    return {};
}

}  // namespace gantry::io
