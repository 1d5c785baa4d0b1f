#include "io/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace gantry::io {

struct ListenerMaker {
    static Listener make(UniqueFd fd, Transport transport) {
        Listener listener;
        listener.fd_ = std::move(fd);
        listener.transport_ = transport;
        return listener;
    }
    static void set_path(Listener& listener, std::string path) {
        listener.unlink_path_ = std::move(path);
    }
    static void set_tcp(Listener& listener, bool loopback, uint16_t port) {
        listener.loopback_ = loopback;
        listener.port_ = port;
    }
};

namespace {

union Address {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
    sockaddr_un local;
};

Result<Address> unix_address(const std::string& path) {
    Address address{};
    address.local.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.local.sun_path) {
        return fail(Kind::kInvalid, fmt::format("socket path {} is too long or empty", path));
    }
    std::memcpy(address.local.sun_path, path.data(), path.size());
    return address;
}

/// Clears the way for bind(2): removes a socket file that nobody serves.
Result<> remove_stale(const std::string& path, const Address& address) {
    struct stat info{};
    if (::lstat(path.c_str(), &info) < 0) {
        return errno == ENOENT ? Result<>() : Result<>(fail_errno(path));
    }
    if (!S_ISSOCK(info.st_mode)) {
        return fail(Kind::kConflict, fmt::format("{} exists and is not a socket", path));
    }
    const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!probe) {
        return fail_errno("socket");
    }
    if (::connect(probe.get(), &address.any, sizeof address.local) == 0 || errno != ECONNREFUSED) {
        return fail(Kind::kConflict, fmt::format("another process listens on {}", path));
    }
    if (::unlink(path.c_str()) < 0 && errno != ENOENT) {
        return fail_errno(fmt::format("remove {}", path));
    }
    return {};
}

Result<Listener> finish_tcp(UniqueFd fd) {
    Address address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd.get(), &address.any, &size) < 0) {
        return fail_errno("getsockname");
    }
    Listener listener = ListenerMaker::make(std::move(fd), Transport::kTcp);
    if (address.any.sa_family == AF_INET) {
        const bool loopback = (ntohl(address.v4.sin_addr.s_addr) >> 24) == 127;
        ListenerMaker::set_tcp(listener, loopback, ntohs(address.v4.sin_port));
    } else {
        const bool loopback = IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
        ListenerMaker::set_tcp(listener, loopback, ntohs(address.v6.sin6_port));
    }
    return listener;
}

}  // namespace

Listener& Listener::operator=(Listener&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(unlink_path_, other.unlink_path_);
    transport_ = other.transport_;
    loopback_ = other.loopback_;
    port_ = other.port_;
    return *this;
}

Listener::~Listener() {
    if (fd_ && !unlink_path_.empty()) {
        // A socket file that stays behind is replaced by the next start.
        (void)::unlink(unlink_path_.c_str());
    }
}

Result<Listener> listen_unix(const UnixListenOptions& options) {
    GT_TRY_VAR(address, unix_address(options.path));
    GT_TRY(remove_stale(options.path, address));
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) {
        return fail_errno("socket");
    }
    // ORDER: the mode is set on the socket before bind(2) makes the file (unix(7): fchmod on an
    // unbound socket decides the mode, less the umask), so nobody can connect in between.
    if (::fchmod(fd.get(), options.mode) < 0) {
        return fail_errno("fchmod");
    }
    if (::bind(fd.get(), &address.any, sizeof address.local) < 0) {
        return fail_errno(fmt::format("listen on {}", options.path));
    }
    Listener listener = ListenerMaker::make(std::move(fd), Transport::kUnix);
    ListenerMaker::set_path(listener, options.path);
    // Nobody can connect before listen(2). The group comes before the mode, which the umask may
    // have narrowed.
    if (options.group &&
        ::lchown(options.path.c_str(), static_cast<uid_t>(-1), *options.group) < 0) {
        return fail_errno(fmt::format("change the group of {}", options.path));
    }
    if (::chmod(options.path.c_str(), options.mode) < 0) {
        return fail_errno(fmt::format("change the mode of {}", options.path));
    }
    if (::listen(listener.fd(), SOMAXCONN) < 0) {
        return fail_errno(fmt::format("listen on {}", options.path));
    }
    return listener;
}

Result<Listener> listen_tcp(const std::string& address_text, uint16_t port) {
    Address address{};
    socklen_t size = sizeof address.v4;
    if (::inet_pton(AF_INET, address_text.c_str(), &address.v4.sin_addr) == 1) {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons(port);
    } else if (::inet_pton(AF_INET6, address_text.c_str(), &address.v6.sin6_addr) == 1) {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons(port);
        size = sizeof address.v6;
    } else {
        return fail(Kind::kInvalid, fmt::format("{} is not an IP address", address_text));
    }
    UniqueFd fd(::socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) {
        return fail_errno("socket");
    }
    const int on = 1;
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        ::bind(fd.get(), &address.any, size) < 0 || ::listen(fd.get(), SOMAXCONN) < 0) {
        return fail_errno(fmt::format("listen on {} port {}", address_text, port));
    }
    return finish_tcp(std::move(fd));
}

Result<Listener> adopt_listener(UniqueFd fd) {
    int listening = 0;
    int domain = 0;
    socklen_t size = sizeof listening;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 ||
        ::getsockopt(fd.get(), SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0) {
        return fail_errno("inherited socket");
    }
    if (listening == 0) {
        return fail(Kind::kInvalid, "inherited socket does not listen");
    }
    // accept(2) must not block when the client has left between poll(2) and it.
    const int flags = ::fcntl(fd.get(), F_GETFL);
    if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) < 0) {
        return fail_errno("inherited socket");
    }
    if (domain == AF_UNIX) {
        return ListenerMaker::make(std::move(fd), Transport::kUnix);
    }
    return finish_tcp(std::move(fd));
}

}  // namespace gantry::io
