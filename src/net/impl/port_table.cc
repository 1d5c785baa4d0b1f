#include "net/impl/port_table.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>

#include "base/text.h"
#include "sys/files.h"

namespace gantry::net {
namespace {

int socket_type(PortProtocol protocol) {
    return protocol == PortProtocol::kUdp ? SOCK_DGRAM : SOCK_STREAM;
}

/// Go's words for the errno of bind(2), which Docker's clients show.
const char* go_text(int error) {
    switch (error) {
        case EADDRINUSE: return "address already in use";
        case EADDRNOTAVAIL: return "cannot assign requested address";
        case EACCES: return "permission denied";
        default: return "bind failed";
    }
}

/// The socket takes nothing in: should a packet get past the rules (somebody flushed them), its
/// sender must not find a service that never answers.
Result<> make_deaf(int socket) {
    sock_filter drop_all{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0};
    const sock_fprog program{.len = 1, .filter = &drop_all};
    if (::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0) {
        return fail_errno("SO_ATTACH_FILTER");
    }
    return {};
}

/// A socket that keeps PORT of IP from everybody else.
Result<UniqueFd> bind_port(PortProtocol protocol, Ipv4 ip, uint16_t port) {
    UniqueFd fd(
        ::socket(AF_INET, socket_type(protocol) | SOCK_CLOEXEC, static_cast<int>(protocol)));
    if (!fd && protocol == PortProtocol::kSctp && errno == EPROTONOSUPPORT) {
        return UniqueFd();  // nobody else on this kernel can have it either
    }
    if (!fd) {
        return fail_errno("socket");
    }
    const bool stream = protocol != PortProtocol::kUdp;
    const int on = 1;
    // Connections of an earlier owner that are in TIME_WAIT must not keep the port.
    if (stream && ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) {
        return fail_errno("SO_REUSEADDR");
    }
    GT_TRY(make_deaf(fd.get()));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(ip.value);
    // SAFETY: the socket API's way to pass addresses of every family.
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    // With SO_REUSEADDR only a listening socket keeps others out.
    if (::bind(fd.get(), generic, sizeof address) < 0 || (stream && ::listen(fd.get(), 0) < 0)) {
        const int error = errno;
        return Failure(
            Error(Kind::kInternal,
                  fmt::format("failed to bind host port {}:{}/{}: {}", sys::format_ipv4(ip), port,
                              protocol_name(protocol), go_text(error)),
                  error));
    }
    return fd;
}

}  // namespace

PortTable::PortTable() {
    const auto text = sys::read_file("/proc/sys/net/ipv4/ip_local_port_range", 64);
    if (!text) {
        return;  // Docker's fallback stays
    }
    const Cut range = cut(trim(*text), '\t');
    const auto first = parse_uint(range.before);
    const auto last = parse_uint(range.after);
    if (first && last && *first > 0 && *first <= *last && *last <= UINT16_MAX) {
        ephemeral_first_ = static_cast<uint16_t>(*first);
        ephemeral_last_ = static_cast<uint16_t>(*last);
    }
}

bool PortTable::is_taken(PortProtocol protocol, uint16_t port, Ipv4 ip) const {
    const auto [begin, end] = taken_.equal_range({protocol, port});
    for (auto entry = begin; entry != end; ++entry) {
        const Ipv4 other = entry->second.first;
        if (ip.is_any() || other.is_any() || ip == other) {
            return true;
        }
    }
    return false;
}

Result<> PortTable::take_one(const PortRequest& request, uint16_t host_port) {
    if (is_taken(request.protocol, host_port, request.host_ip)) {
        return Failure(Error(Kind::kInternal,
                             fmt::format("Bind for {}:{} failed: port is already allocated",
                                         sys::format_ipv4(request.host_ip), host_port),
                             EADDRINUSE));
    }
    GT_TRY_VAR(socket, bind_port(request.protocol, request.host_ip, host_port));
    taken_.emplace(Key{request.protocol, host_port}, std::pair(request.host_ip, std::move(socket)));
    return {};
}

Result<PublishedPort> PortTable::take(const PortRequest& request) {
    const bool chosen = request.host_first != 0;
    const unsigned first = chosen ? request.host_first : ephemeral_first_;
    const unsigned last = chosen ? request.host_last : ephemeral_last_;
    std::optional<Error> refused;
    for (unsigned port = first; port <= last; ++port) {
        const auto host_port = static_cast<uint16_t>(port);
        auto taken = take_one(request, host_port);
        if (taken) {
            return PublishedPort{request.protocol, request.container_port, request.host_ip,
                                 host_port};
        }
        const bool next_may_do = taken.error().sys_errno() == EADDRINUSE;
        refused.emplace(std::move(taken).error());
        if (!next_may_do) {
            break;
        }
    }
    if (chosen && first == last && refused) {
        return Failure(std::move(*refused));
    }
    if (refused && refused->sys_errno() != EADDRINUSE) {
        return Failure(std::move(*refused));
    }
    return fail(Kind::kInternal, "all ports are allocated");
}

void PortTable::give_back(const PublishedPort& port) {
    const auto [begin, end] = taken_.equal_range({port.protocol, port.host_port});
    for (auto entry = begin; entry != end; ++entry) {
        if (entry->second.first == port.host_ip) {
            taken_.erase(entry);
            return;
        }
    }
}

}  // namespace gantry::net
