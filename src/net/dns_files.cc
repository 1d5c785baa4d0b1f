#include "net/dns_files.h"

#include <fmt/core.h>

#include "base/text.h"
#include "sys/files.h"

namespace gantry::net {
namespace {

constexpr size_t kMaxResolvConf = 1 << 20;

/// What a resolv.conf says, one member per kind of line.
struct ResolvConf {
    std::vector<std::string> servers;
    std::vector<std::string> search;
    std::vector<std::string> options;
};

/// The words of a line, separated by spaces or tabs.
std::vector<std::string> words_of(std::string_view line) {
    std::vector<std::string> words;
    while (!(line = trim(line)).empty()) {
        const size_t end = line.find_first_of(" \t");
        words.emplace_back(line.substr(0, end));
        line.remove_prefix(end == line.npos ? line.size() : end);
    }
    return words;
}

/// As resolv.conf(5) has it: the last search or domain line counts, options add up.
ResolvConf parse_resolv_conf(std::string_view text) {
    ResolvConf conf;
    for (const std::string_view line : split(text, '\n')) {
        std::vector<std::string> words = words_of(line.substr(0, line.find_first_of("#;")));
        if (words.size() < 2) {
            continue;
        }
        const std::string keyword = std::move(words.front());
        words.erase(words.begin());
        if (keyword == "nameserver") {
            conf.servers.push_back(std::move(words.front()));
        } else if (keyword == "search" || keyword == "domain") {
            conf.search = std::move(words);
        } else if (keyword == "options") {
            conf.options.insert(conf.options.end(), words.begin(), words.end());
        }
    }
    return conf;
}

/// The host's own loopback means nothing in a container, and the default bridge has no IPv6.
bool is_usable_server(const std::string& server) {
    const auto ip = sys::parse_ipv4(server);
    return ip && !ip->is_loopback();
}

}  // namespace

std::string format_hosts(std::span<const HostEntry> extra, std::span<const HostEntry> own,
                         Ipv6Lines ipv6) {
    std::string text = "127.0.0.1\tlocalhost\n";
    if (ipv6 == Ipv6Lines::kKeep) {
        text +=
            "::1\tlocalhost ip6-localhost ip6-loopback\n"
            "fe00::\tip6-localnet\n"
            "ff00::\tip6-mcastprefix\n"
            "ff02::1\tip6-allnodes\n"
            "ff02::2\tip6-allrouters\n";
    }
    for (const auto& entries : {extra, own}) {
        for (const HostEntry& entry : entries) {
            text += fmt::format("{}\t{}\n", entry.address, entry.names);
        }
    }
    return text;
}

std::string own_names(std::string_view hostname, std::string_view domainname) {
    if (domainname.empty()) {
        return std::string(hostname);
    }
    return fmt::format("{}.{} {}", hostname, domainname, hostname);
}

std::string format_resolv_conf(std::string_view host_resolv_conf, const DnsOptions& dns) {
    ResolvConf conf = parse_resolv_conf(host_resolv_conf);
    std::erase_if(conf.servers, [](const std::string& s) { return !is_usable_server(s); });
    if (!dns.servers.empty()) {
        conf.servers = dns.servers;
    } else if (conf.servers.empty()) {
        conf.servers = {"8.8.8.8", "8.8.4.4"};
    }
    if (!dns.search.empty()) {
        conf.search = dns.search;
        std::erase(conf.search, ".");
    }
    if (!dns.options.empty()) {
        conf.options = dns.options;
    }
    std::string text;
    for (const std::string& server : conf.servers) {
        text += fmt::format("nameserver {}\n", server);
    }
    if (!conf.search.empty()) {
        text += fmt::format("search {}\n", join(conf.search, " "));
    }
    if (!conf.options.empty()) {
        text += fmt::format("options {}\n", join(conf.options, " "));
    }
    return text;
}

std::string read_host_resolv_conf() {
    auto text = sys::read_file("/etc/resolv.conf", kMaxResolvConf);
    if (!text) {
        return {};
    }
    const std::vector<std::string> servers = parse_resolv_conf(*text).servers;
    if (servers == std::vector<std::string>{"127.0.0.53"}) {
        if (auto upstream = sys::read_file("/run/systemd/resolve/resolv.conf", kMaxResolvConf)) {
            return std::move(*upstream);
        }
    }
    return std::move(*text);
}

}  // namespace gantry::net
