#include "net/impl/watch.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/epoll.h>

#include <utility>

#include "sys/nftables.h"

namespace gantry::net {
namespace {

using sys::NetlinkReply;
using sys::NetlinkSocket;

Result<> add_to(int epoll, int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        return fail_errno("epoll_ctl");
    }
    return {};
}

bool takes_away(const NetlinkReply& reply, Ipv4 gateway) {
    if (reply.type != RTM_DELADDR) {
        return false;
    }
    const auto local = sys::find_attribute(reply.attributes(sizeof(ifaddrmsg)), IFA_LOCAL);
    return ntohl(sys::attribute_u32(local)) == gateway.value;
}

}  // namespace

Result<Watch> Watch::open(Subject subject) {
    UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll) {
        return fail_errno("epoll_create");
    }
    GT_TRY_VAR(nft, NetlinkSocket::open(NETLINK_NETFILTER));
    GT_TRY_VAR(route, NetlinkSocket::open(NETLINK_ROUTE));
    GT_TRY(nft.join_group(sys::kNftGroup));
    GT_TRY(route.join_group(RTNLGRP_IPV4_IFADDR));
    GT_TRY(add_to(epoll.get(), nft.fd()));
    GT_TRY(add_to(epoll.get(), route.fd()));
    return Watch(std::unique_ptr<State>(
        new State{std::move(subject), std::move(epoll), {}, std::move(nft), std::move(route)}));
}

Result<bool> Watch::read() {
    State& state = *state_;
    const Subject& subject = state.subject;
    bool changed = false;
    const MutexLock lock(state.mutex);
    GT_TRY_VAR(all_of_nft, state.nft.receive([&](const NetlinkReply& reply) {
        changed |= reply.port_id != subject.own_port_id &&
                   (sys::is_nft_change(reply, sys::NftFamily::kInet, subject.table) ||
                    sys::is_nft_change(reply, sys::NftFamily::kBridge, subject.table));
    }));
    GT_TRY_VAR(all_of_route, state.route.receive([&](const NetlinkReply& reply) {
        changed |= takes_away(reply, subject.gateway);
    }));
    return changed || !all_of_nft || !all_of_route;
}

}  // namespace gantry::net
