#include "net/dns_files.h"

#include <gtest/gtest.h>

namespace gantry::net {
namespace {

TEST(DnsFiles, HostsFileIsDockers) {
    const std::vector<HostEntry> extra{{"10.0.0.1", "db"}};
    const std::vector<HostEntry> own{{"172.17.0.2", own_names("web", "example.org")}};
    EXPECT_EQ(format_hosts(extra, own, Ipv6Lines::kKeep),
              "127.0.0.1\tlocalhost\n"
              "::1\tlocalhost ip6-localhost ip6-loopback\n"
              "fe00::\tip6-localnet\n"
              "ff00::\tip6-mcastprefix\n"
              "ff02::1\tip6-allnodes\n"
              "ff02::2\tip6-allrouters\n"
              "10.0.0.1\tdb\n"
              "172.17.0.2\tweb.example.org web\n");
    EXPECT_EQ(format_hosts({}, {}, Ipv6Lines::kDrop), "127.0.0.1\tlocalhost\n");
    EXPECT_EQ(own_names("web", ""), "web");
}

TEST(DnsFiles, ResolvConfIsTheHostsWithoutWhatAContainerCannotReach) {
    EXPECT_EQ(format_resolv_conf("# by somebody\n"
                                 "nameserver 127.0.0.53\n"
                                 "nameserver\t10.0.0.53 # the good one\n"
                                 "nameserver fe80::1\n"
                                 "domain old.example\n"
                                 "search a.example b.example\n"
                                 "options ndots:2\n"
                                 "options edns0",
                                 {}),
              "nameserver 10.0.0.53\n"
              "search a.example b.example\n"
              "options ndots:2 edns0\n");
}

TEST(DnsFiles, ResolvConfFallsBackToPublicServers) {
    EXPECT_EQ(format_resolv_conf("nameserver 127.0.0.1\n", {}),
              "nameserver 8.8.8.8\nnameserver 8.8.4.4\n");
    EXPECT_EQ(format_resolv_conf("", {}), "nameserver 8.8.8.8\nnameserver 8.8.4.4\n");
}

TEST(DnsFiles, OptionsReplacePartByPart) {
    const std::string host = "nameserver 10.0.0.53\nsearch corp\noptions rotate\n";
    EXPECT_EQ(
        format_resolv_conf(host, {.servers = {"1.1.1.1", "::1"}, .search = {}, .options = {}}),
        "nameserver 1.1.1.1\nnameserver ::1\nsearch corp\noptions rotate\n");
    EXPECT_EQ(format_resolv_conf(host, {.servers = {}, .search = {"."}, .options = {"ndots:1"}}),
              "nameserver 10.0.0.53\noptions ndots:1\n");
}

}  // namespace
}  // namespace gantry::net
