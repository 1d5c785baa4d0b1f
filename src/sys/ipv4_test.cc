#include "sys/ipv4.h"

#include <gtest/gtest.h>

namespace gantry::sys {
namespace {

TEST(Ipv4, ParsesWhatItFormats) {
    for (const char* text : {"0.0.0.0", "127.0.0.1", "255.255.255.255", "172.17.0.2"}) {
        const auto address = parse_ipv4(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(format_ipv4(*address), text);
    }
    for (const char* text : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "::1",
                             "-1.2.3.4", "1..2.3"}) {
        EXPECT_FALSE(parse_ipv4(text)) << text;
    }
}

TEST(Ipv4, PrefixesKnowWhatTheyContain) {
    const auto prefix = parse_prefix("172.17.0.1/16");
    ASSERT_TRUE(prefix);
    EXPECT_EQ(format_ipv4(prefix->network()), "172.17.0.0");
    EXPECT_EQ(format_ipv4(prefix->broadcast()), "172.17.255.255");
    EXPECT_TRUE(prefix->contains(*parse_ipv4("172.17.3.4")));
    EXPECT_FALSE(prefix->contains(*parse_ipv4("172.18.0.0")));
    EXPECT_TRUE(prefix->overlaps(*parse_prefix("172.16.0.0/12")));
    EXPECT_TRUE(prefix->overlaps(*parse_prefix("172.17.9.0/24")));
    EXPECT_FALSE(prefix->overlaps(*parse_prefix("172.18.0.0/16")));
    EXPECT_TRUE(parse_prefix("0.0.0.0/0")->contains(*parse_ipv4("9.9.9.9")));
    EXPECT_FALSE(parse_prefix("1.2.3.4/33"));
    EXPECT_FALSE(parse_prefix("1.2.3.4"));
}

TEST(MacAddress, ParsesWhatItFormats) {
    EXPECT_EQ(format_mac(*parse_mac("02:42:AC:11:00:02")), "02:42:ac:11:00:02");
    for (const char* text : {"", "02:42:ac:11:00", "02:42:ac:11:00:0g", "01:42:ac:11:00:02"}) {
        EXPECT_FALSE(parse_mac(text)) << text;
    }
    EXPECT_TRUE(format_mac(random_mac()).starts_with("02:42:"));
    EXPECT_NE(random_mac(), random_mac());
}

}  // namespace
}  // namespace gantry::sys
