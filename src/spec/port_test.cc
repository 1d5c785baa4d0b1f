#include "spec/port.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

namespace gantry::spec {
namespace {

/// "8080->80/tcp@127.0.0.1 ..." or the error.
std::string published(std::string_view text) {
    const auto specs = parse_publish(text);
    if (!specs) {
        return specs.error().text();
    }
    std::string all;
    for (const PublishSpec& spec : *specs) {
        all +=
            fmt::format("{}{}->{}{}", all.empty() ? "" : " ", spec.host_port,
                        spec.container_port.str(), spec.host_ip.empty() ? "" : "@" + spec.host_ip);
    }
    return all;
}

TEST(Port, Parses) {
    EXPECT_EQ(parse_port("80")->str(), "80/tcp");
    EXPECT_EQ(parse_port("53/UDP")->str(), "53/udp");
    EXPECT_EQ(parse_port("9/sctp")->str(), "9/sctp");
    for (const std::string_view bad : {"", "0", "65536", "-1", "80/icmp", "80/tcp/udp", "x", "80 ",
                                       "99999999999999999999", "+80", "80-81"}) {
        EXPECT_FALSE(parse_port(bad)) << bad;
    }
}

TEST(Port, Ranges) {
    EXPECT_EQ(parse_port_range("8000-8010")->last, 8010);
    EXPECT_EQ(parse_port_range("0")->first, 0);
    for (const std::string_view bad : {"", "-", "1-", "-1", "10-1", "0-5", "1-65536", "1-2-3"}) {
        EXPECT_FALSE(parse_port_range(bad)) << bad;
    }
    EXPECT_EQ(parse_expose("80-82/udp")->size(), 3U);
    EXPECT_EQ(parse_expose("1-65535")->size(), 65535U);
    EXPECT_FALSE(parse_expose("0"));
    EXPECT_FALSE(parse_expose("80-"));
}

TEST(Publish, AllForms) {
    EXPECT_EQ(published("80"), "->80/tcp");
    EXPECT_EQ(published("80/udp"), "->80/udp");
    EXPECT_EQ(published("8080:80"), "8080->80/tcp");
    EXPECT_EQ(published(":80"), "->80/tcp");
    EXPECT_EQ(published("127.0.0.1:8080:80/udp"), "8080->80/udp@127.0.0.1");
    EXPECT_EQ(published("127.0.0.1::80"), "->80/tcp@127.0.0.1");
    EXPECT_EQ(published("[::1]:8080:80"), "8080->80/tcp@::1");
    EXPECT_EQ(published("::1:8080:80"), "8080->80/tcp@::1");
    EXPECT_EQ(published("8000-8001:80-81"), "8000->80/tcp 8001->81/tcp");
    EXPECT_EQ(published("80-81"), "->80/tcp ->81/tcp");
    EXPECT_EQ(published("8000-8010:80"), "8000-8010->80/tcp");
}

TEST(Publish, RefusesInTheClisWords) {
    EXPECT_EQ(published(""), "no port specified: <empty>");
    EXPECT_EQ(published("8080:"), "no port specified: 8080:<empty>");
    EXPECT_EQ(published("x:80"), "invalid hostPort: x");
    EXPECT_EQ(published("80:x"), "invalid containerPort: x");
    EXPECT_EQ(published("80:0"), "invalid containerPort: 0");
    EXPECT_EQ(published("host:80:80"), "invalid IP address: host");
    EXPECT_EQ(published("80/icmp"), "invalid proto: icmp");
    EXPECT_EQ(published("1-3:1-2"),
              "invalid ranges specified for container and host Ports: 1-2 and 1-3");
    EXPECT_EQ(published("70000:80"), "invalid hostPort: 70000");
}

}  // namespace
}  // namespace gantry::spec
