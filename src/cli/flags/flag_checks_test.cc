#include <gtest/gtest.h>

#include "cli/flags/flag_types.h"
#include "cli/flags/network_flag.h"

namespace gantry::cli {
namespace {

std::string why(const Result<>& result) {
    return result ? "" : result.error().text();
}

TEST(FlagChecks, BytesAndDurations) {
    EXPECT_EQ(why(check_bytes("512m")), "");
    EXPECT_EQ(why(check_bytes("abc")), "invalid size: 'abc'");
    EXPECT_EQ(why(check_swap_bytes("-1")), "");
    EXPECT_EQ(why(check_bytes("-5")), "invalid size: '-5'");
    EXPECT_EQ(why(check_duration("1m30s")), "");
    EXPECT_EQ(why(check_duration("5")), "time: missing unit in duration \"5\"");
}

TEST(FlagChecks, Cpus) {
    EXPECT_EQ(parse_nano_cpus("1.5"), 1'500'000'000);
    EXPECT_EQ(parse_nano_cpus("1/4"), 250'000'000);
    EXPECT_EQ(parse_nano_cpus("1/0"), std::nullopt);
    EXPECT_EQ(why(check_decimal("x")), "failed to parse x as a rational number");
}

TEST(FlagChecks, GoIntegers) {
    EXPECT_EQ(parse_go_int("0x10"), 16);
    EXPECT_EQ(parse_go_int("010"), 8);
    EXPECT_EQ(parse_go_int("-0b11"), -3);
    EXPECT_EQ(parse_go_int("--1"), std::nullopt);
    EXPECT_EQ(parse_go_int("1 "), std::nullopt);
    EXPECT_EQ(parse_go_int(""), std::nullopt);
}

TEST(FlagChecks, EnvironmentAndLabels) {
    EXPECT_EQ(why(check_env("A")), "");
    EXPECT_EQ(why(check_env("")), "invalid environment variable: ");
    EXPECT_EQ(why(check_env("=x")), "invalid environment variable: =x");
    EXPECT_EQ(why(check_label("")), "invalid label '': empty name");
    EXPECT_EQ(why(check_label("a b=c")), "label 'a b' contains whitespaces");
    EXPECT_EQ(why(check_filter("foo")), "bad format of filter (expected name=value)");
}

TEST(FlagChecks, Ulimits) {
    EXPECT_EQ(why(check_ulimit("nofile=1024:2048")), "");
    EXPECT_EQ(why(check_ulimit("nofile=-1")), "");
    EXPECT_EQ(why(check_ulimit("foo")), "invalid ulimit argument: foo");
    EXPECT_EQ(why(check_ulimit("foo=1")), "invalid ulimit type: foo");
    EXPECT_EQ(why(check_ulimit("nofile=2:1")),
              "ulimit soft limit must be less than or equal to hard limit: 2 > 1");
}

TEST(FlagChecks, HostsAndAddresses) {
    EXPECT_EQ(why(check_extra_host("a:10.0.0.1")), "");
    EXPECT_EQ(why(check_extra_host("a=::1")), "");
    EXPECT_EQ(why(check_extra_host("a:host-gateway")), "");
    EXPECT_EQ(why(check_extra_host("foo")), "bad format for add-host: \"foo\"");
    EXPECT_EQ(why(check_extra_host("a:b")), "invalid IP address in add-host: \"b\"");
    EXPECT_EQ(why(check_address("foo")), "IP address is not correctly formatted: foo");
    EXPECT_EQ(why(check_dns_search("foo bar")), "foo bar is not a valid domain");
    EXPECT_EQ(why(check_attach("foo")), "valid streams are STDIN, STDOUT and STDERR");
}

TEST(FlagChecks, Devices) {
    EXPECT_EQ(why(check_device_rule("c 1:* rwm")), "");
    EXPECT_EQ(why(check_device_rule("foo")), "invalid device cgroup format 'foo'");
    EXPECT_EQ(why(check_throttle_bytes("/dev/sda:1mb")), "");
    EXPECT_EQ(why(check_throttle_bytes("5")), "bad format: 5");
    EXPECT_EQ(why(check_weight_device("/dev/sda:5")), "invalid weight for device: /dev/sda:5");
    EXPECT_EQ(why(check_sysctl("foo")), "sysctl 'foo' is not allowed");
    EXPECT_EQ(why(check_sysctl("net.ipv4.ip_forward=1")), "");
}

TEST(NetworkFlag, ShortAndLongForm) {
    EXPECT_EQ(parse_network_flag("host")->network, "host");
    const auto attachment = parse_network_flag(
        "name=mynet,alias=web,ip=10.0.0.2,\"driver-opt=a=1,2\",mac-address=02:42:ac:11:00:02");
    ASSERT_TRUE(attachment) << attachment.error().text();
    EXPECT_EQ(attachment->network, "mynet");
    EXPECT_EQ(attachment->endpoint.aliases, std::vector<std::string>{"web"});
    EXPECT_EQ(attachment->endpoint.ipam_config->ipv4_address, "10.0.0.2");
    EXPECT_EQ(attachment->endpoint.driver_opts.at("a"), "1,2");
    EXPECT_EQ(parse_network_flag("a=b,c").error().text(), "invalid field key a");
    EXPECT_EQ(parse_network_flag("alias=x").error().text(), "network name/id is not specified");
}

TEST(GpusFlag, CountsAndDevices) {
    EXPECT_EQ(parse_gpus_flag("all")->count, -1);
    EXPECT_EQ(parse_gpus_flag("2")->count, 2);
    const auto request = parse_gpus_flag("\"device=0,1\",capabilities=compute");
    ASSERT_TRUE(request);
    EXPECT_EQ(request->count, 0);
    EXPECT_EQ(request->device_ids, (std::vector<std::string>{"0", "1"}));
    EXPECT_EQ(request->capabilities[0], (std::vector<std::string>{"gpu", "compute"}));
    EXPECT_FALSE(parse_gpus_flag("foo"));
}

}  // namespace
}  // namespace gantry::cli
