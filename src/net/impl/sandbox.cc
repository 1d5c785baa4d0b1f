#include "net/impl/sandbox.h"

#include <fmt/core.h>
#include <linux/netlink.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "base/failpoint.h"
#include "sys/files.h"
#include "sys/namespace.h"
#include "sys/rtnetlink.h"

namespace gantry::net {
namespace {

using sys::NetlinkMessages;
using sys::NetlinkSocket;

struct Sysctl {
    const char* path;
    const char* value;
};

// Docker's own (COMPAT: behaviour G11), and no word of neighbours about routes is believed (S76).
// What stands under "default" reaches interfaces that are made later.
constexpr std::array kSysctls{
    Sysctl{"/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"},
    Sysctl{"/proc/sys/net/ipv4/ping_group_range", "0 2147483647"},
    Sysctl{"/proc/sys/net/ipv4/conf/all/accept_redirects", "0"},
    Sysctl{"/proc/sys/net/ipv4/conf/default/accept_redirects", "0"},
    Sysctl{"/proc/sys/net/ipv6/conf/default/accept_redirects", "0"},
    Sysctl{"/proc/sys/net/ipv6/conf/default/accept_ra", "0"},
};

/// A setting that this kernel does not have needs no value.
Result<> write_sysctl(const char* path, const char* value) {
    auto written = sys::write_value(path, value);
    if (!written && written.error().sys_errno() == ENOENT) {
        return {};
    }
    return written;
}

/// A fresh namespace as seen by the thread that moved into it.
struct Inside {
    UniqueFd netns;
    NetlinkSocket socket;
};

/// SAFETY: moves the calling thread for good. /proc/sys/net shows a thread the settings of the
/// namespace that it is in, so these writes cannot reach the host's.
Result<Inside> move_into_fresh(int fresh, const OnNamespace& opened) {
    GT_TRY(fresh < 0 ? sys::unshare_namespace(sys::Namespace::kNet)
                     : sys::enter_namespace(fresh, sys::Namespace::kNet));
    GT_TRY_VAR(netns, sys::open_own_namespace(sys::Namespace::kNet));
    opened(netns.get());
    GT_TRY_VAR(socket, NetlinkSocket::open(NETLINK_ROUTE));
    for (const Sysctl& sysctl : kSysctls) {
        GT_TRY(write_sysctl(sysctl.path, sysctl.value));
    }
    return Inside{std::move(netns), std::move(socket)};
}

constexpr uint32_t kLoopbackIndex = 1;  // the kernel makes lo first, in every namespace

Result<> connect(NetlinkSocket& host, const Bridge& bridge, const Endpoint& endpoint,
                 Hairpin hairpin, Inside& inside) {
    NetlinkMessages pair;
    sys::put_veth(pair, {.name = endpoint.host_interface,
                         .bridge = bridge.index,
                         .peer_name = endpoint.interface,
                         .peer_mac = endpoint.mac,
                         .peer_netns = inside.netns.get(),
                         .mtu = bridge.mtu});
    if (hairpin == Hairpin::kOn) {
        sys::put_hairpin(pair, endpoint.host_interface);
    }
    GT_TRY(host.transact(pair));
    GT_FAILPOINT("net.veth");

    // The network has no IPv6; the other interfaces of a container are its own business.
    const std::string no_ipv6 =
        fmt::format("/proc/sys/net/ipv6/conf/{}/disable_ipv6", endpoint.interface);
    GT_TRY(write_sysctl(no_ipv6.c_str(), "1"));
    GT_TRY_VAR(link, sys::find_link(inside.socket, endpoint.interface));
    if (!link) {
        return fail(Kind::kInternal, fmt::format("{} vanished", endpoint.interface));
    }
    NetlinkMessages setup;
    sys::put_link_up(setup, kLoopbackIndex);
    sys::put_address(setup, link->index, {endpoint.ip, endpoint.prefix_length});
    sys::put_link_up(setup, link->index);
    sys::put_default_route(setup, endpoint.gateway);
    return inside.socket.transact(setup);
}

}  // namespace

Result<UniqueFd> make_empty_sandbox(int fresh, const OnNamespace& opened) {
    UniqueFd netns;
    GT_TRY(sys::run_on_own_thread([&]() -> Result<> {
        GT_TRY_VAR(inside, move_into_fresh(fresh, opened));
        NetlinkMessages setup;
        sys::put_link_up(setup, kLoopbackIndex);
        GT_TRY(inside.socket.transact(setup));
        netns = std::move(inside.netns);
        return {};
    }));
    return netns;
}

Result<UniqueFd> make_bridged_sandbox(const Bridge& bridge, const Endpoint& endpoint,
                                      Hairpin hairpin, int fresh, const OnNamespace& opened) {
    // ORDER: opened here, in the daemon's namespace, where it stays.
    GT_TRY_VAR(host, NetlinkSocket::open(NETLINK_ROUTE));
    UniqueFd netns;
    // When a step fails, the namespace's last fd closes and takes the pair with it.
    GT_TRY(sys::run_on_own_thread([&]() -> Result<> {
        GT_TRY_VAR(inside, move_into_fresh(fresh, opened));
        GT_TRY(connect(host, bridge, endpoint, hairpin, inside));
        netns = std::move(inside.netns);
        return {};
    }));
    return netns;
}

}  // namespace gantry::net
