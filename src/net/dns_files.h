#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/endpoint.h"

namespace gantry::net {

/// One line "address<TAB>names" of a hosts file.
struct HostEntry {
    std::string address;
    std::string names;
};

enum class Ipv6Lines { kKeep, kDrop };

/// The content of a container's /etc/hosts (COMPAT: behaviour H1): the fixed part, then EXTRA in
/// order (--add-host), then OWN, the container's addresses with its names.
std::string format_hosts(std::span<const HostEntry> extra, std::span<const HostEntry> own,
                         Ipv6Lines ipv6);

/// The names of a container in its own hosts line: "host.domain host", or "host".
std::string own_names(std::string_view hostname, std::string_view domainname);

/// What --dns, --dns-search and --dns-option say; empty means not given. A search list of just "."
/// clears the host's.
struct DnsOptions {
    std::vector<std::string> servers;
    std::vector<std::string> search;
    std::vector<std::string> options;
};

/// The content of a container's /etc/resolv.conf on the default bridge (COMPAT: behaviour H4): the
/// host's without loopback and IPv6 name servers, 8.8.8.8 and 8.8.4.4 if none is left, each part
/// replaced by DNS where that is given. Pure.
std::string format_resolv_conf(std::string_view host_resolv_conf, const DnsOptions& dns);

/// The host's file: /run/systemd/resolve/resolv.conf when /etc/resolv.conf names only 127.0.0.53,
/// else /etc/resolv.conf. Empty if there is none.
std::string read_host_resolv_conf();

}  // namespace gantry::net
