#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "net/networks.h"
#include "sys/namespace.h"
#include "sys/process.h"
#include "sys/rtnetlink.h"

namespace gantry::net {

/// A service that listens somewhere, and a connection to it.
struct Service {
    UniqueFd socket;
    uint16_t port = 0;
};

inline sockaddr_in address_of(const std::string& ip, uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, ip.c_str(), &address.sin_addr);
    return address;
}

/// A machine of its own for each test: a network namespace that plays the host, in which BODY runs,
/// and one that plays its neighbour on a LAN: host 10.9.0.1, neighbour 10.9.0.2.
class NetworkWorld {
public:
    static void run(const std::function<void(NetworkWorld&)>& body) {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "needs root to make network namespaces";
        }
        const auto done = sys::run_on_own_thread([&]() -> Result<> {
            NetworkWorld world;
            GT_TRY(world.set_up());
            body(world);
            return {};
        });
        ASSERT_TRUE(done) << done.error().text();
    }

    int host() const { return host_.get(); }
    int lan() const { return lan_.get(); }

    static Result<> inside(int netns, const std::function<Result<>()>& body) {
        return sys::run_on_own_thread([&]() -> Result<> {
            GT_TRY(sys::enter_namespace(netns, sys::Namespace::kNet));
            return body();
        });
    }

    /// Runs a program in NETNS and expects it to succeed.
    static void command(int netns, const std::vector<std::string>& argv) {
        const auto done = inside(netns, [&]() -> Result<> {
            GT_TRY_VAR(child, sys::spawn({.path = argv.front(),
                                          .argv = argv,
                                          .env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
                                          .fds = {{2, 1}, {2, 2}}}));
            GT_TRY_VAR(status,
                       sys::wait_child(child.pidfd.get(), sys::Wait::kBlock, sys::Reap::kYes));
            EXPECT_EQ(status->docker_code(), 0) << argv.front() << ' ' << argv.at(1);
            return {};
        });
        EXPECT_TRUE(done) << done.error().text();
    }

    static Service listen(int netns, const std::string& ip, uint16_t port, int type = SOCK_STREAM) {
        Service service;
        const auto done = inside(netns, [&]() -> Result<> {
            service.socket.reset(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
            sockaddr_in address = address_of(ip, port);
            socklen_t size = sizeof address;
            auto* generic = reinterpret_cast<sockaddr*>(&address);
            if (::bind(service.socket.get(), generic, size) < 0 ||
                (type == SOCK_STREAM && ::listen(service.socket.get(), 8) < 0) ||
                ::getsockname(service.socket.get(), generic, &size) < 0) {
                return fail_errno("listen");
            }
            service.port = ntohs(address.sin_port);
            return {};
        });
        EXPECT_TRUE(done) << done.error().text();
        return service;
    }

    /// A TCP connection from NETNS; an empty fd if it is refused or nobody answers for a while.
    static UniqueFd connect(int netns, const std::string& ip, uint16_t port,
                            int timeout_ms = 3000) {
        UniqueFd connected;
        (void)inside(netns, [&]() -> Result<> {
            UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
            const sockaddr_in address = address_of(ip, port);
            const auto* generic = reinterpret_cast<const sockaddr*>(&address);
            if (::connect(socket.get(), generic, sizeof address) < 0 && errno != EINPROGRESS) {
                return fail_errno("connect");
            }
            pollfd poll{.fd = socket.get(), .events = POLLOUT, .revents = 0};
            int error = 0;
            socklen_t size = sizeof error;
            if (::poll(&poll, 1, timeout_ms) == 1 &&
                ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 &&
                error == 0) {
                connected = std::move(socket);
            }
            return {};
        });
        return connected;
    }

    /// True when SERVICE is what a client in NETNS reaches at IP and PORT: bytes go both ways.
    static bool reaches(int netns, const std::string& ip, uint16_t port, const Service& service,
                        std::string* seen_client = nullptr) {
        const UniqueFd client = connect(netns, ip, port);
        if (!client) {
            return false;
        }
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        pollfd waiting{.fd = service.socket.get(), .events = POLLIN, .revents = 0};
        if (::poll(&waiting, 1, 1000) != 1) {
            return false;
        }
        const UniqueFd served(::accept4(service.socket.get(), reinterpret_cast<sockaddr*>(&peer),
                                        &size, SOCK_CLOEXEC));
        if (seen_client != nullptr) {
            *seen_client = sys::format_ipv4({ntohl(peer.sin_addr.s_addr)});
        }
        char byte = 0;
        pollfd answer{.fd = client.get(), .events = POLLIN, .revents = 0};
        return ::send(served.get(), "x", 1, MSG_NOSIGNAL) == 1 && ::poll(&answer, 1, 1000) == 1 &&
               ::recv(client.get(), &byte, 1, 0) == 1 && byte == 'x';
    }

    /// True when nobody answers a client in NETNS within a short time.
    static bool is_blocked(int netns, const std::string& ip, uint16_t port) {
        return !connect(netns, ip, port, 300);
    }

private:
    Result<> set_up() {
        GT_TRY(sys::unshare_namespace(sys::Namespace::kNet));
        GT_TRY_VAR(host, sys::open_own_namespace(sys::Namespace::kNet));
        host_ = std::move(host);
        GT_TRY(sys::run_on_own_thread([this]() -> Result<> {
            GT_TRY(sys::unshare_namespace(sys::Namespace::kNet));
            GT_TRY_VAR(lan, sys::open_own_namespace(sys::Namespace::kNet));
            lan_ = std::move(lan);
            return {};
        }));
        command(host_.get(), {"/sbin/ip", "link", "set", "lo", "up"});
        GT_TRY_VAR(socket, sys::NetlinkSocket::open(NETLINK_ROUTE));
        sys::NetlinkMessages batch;
        sys::put_veth(batch, {.name = "lan0",
                              .bridge = 0,
                              .peer_name = "eth0",
                              .peer_mac = sys::random_mac(),
                              .peer_netns = lan_.get(),
                              .mtu = 1500});
        GT_TRY(socket.transact(batch));
        command(host_.get(), {"/sbin/ip", "addr", "add", "10.9.0.1/24", "dev", "lan0"});
        command(lan_.get(), {"/sbin/ip", "addr", "add", "10.9.0.2/24", "dev", "eth0"});
        command(lan_.get(), {"/sbin/ip", "link", "set", "eth0", "up"});
        command(lan_.get(), {"/sbin/ip", "route", "add", "default", "via", "10.9.0.1"});
        return {};
    }

    UniqueFd host_;
    UniqueFd lan_;
};

}  // namespace gantry::net
