#include "engine/logdriver/log_peer_socket.h"

#include <fmt/core.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace gantry::engine {

namespace {

constexpr int kPatienceMs = 5000;

}  // namespace

Result<std::string> unix_address(std::string_view path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return fail(Kind::kInvalid, fmt::format("{}: the path of a socket is too long", path));
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    return std::string(reinterpret_cast<const char*>(&address), sizeof address);
}

Result<std::string> internet_address(const std::string& host, const std::string& port, int type) {
    addrinfo hints{};
    hints.ai_socktype = type;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int code = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, ::freeaddrinfo);
    if (code != 0) {
        return fail(Kind::kUnavailable, fmt::format("lookup {}: {}", host, ::gai_strerror(code)));
    }
    return std::string(reinterpret_cast<const char*>(list->ai_addr), list->ai_addrlen);
}

Result<UniqueFd> connect_peer(const std::string& address, int type) {
    sockaddr_storage storage{};
    std::memcpy(&storage, address.data(), address.size());
    UniqueFd fd(::socket(storage.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) {
        return fail_errno("socket");
    }
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage),
                  static_cast<socklen_t>(address.size())) == 0) {
        return fd;
    }
    if (errno != EINPROGRESS) {
        return fail_errno("connect");
    }
    pollfd poll{.fd = fd.get(), .events = POLLOUT, .revents = 0};
    if (::poll(&poll, 1, kPatienceMs) <= 0) {
        return fail(Kind::kTimeout, "connect: i/o timeout");
    }
    int error = 0;
    socklen_t size = sizeof error;
    (void)::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        errno = error;
        return fail_errno("connect");
    }
    return fd;
}

}  // namespace gantry::engine
