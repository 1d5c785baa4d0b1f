#include "engine/container/devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::engine {
namespace {

TEST(DeviceRule, ReadsDockersFormat) {
    const auto rule = parse_device_rule("c 1:* rm");
    ASSERT_TRUE(rule) << rule.error().text();
    EXPECT_EQ(rule->type, sys::DeviceRule::Type::kChar);
    EXPECT_EQ(rule->major, 1U);
    EXPECT_FALSE(rule->minor);
    EXPECT_EQ(sys::format_device_rule(*rule), "c 1:* rm");
    for (const char* bad :
         {"", "c", "c 1:3", "x 1:3 r", "c 1 r", "c a:3 r", "c 1:3 z", "c  1:3 r"}) {
        const auto refused = parse_device_rule(bad);
        ASSERT_FALSE(refused) << bad;
        EXPECT_EQ(refused.error().kind(), Kind::kInvalid);
    }
}

TEST(Devices, AreGrantedAsTheyAreOnTheHost) {
    spec::Resources resources;
    resources.devices = {{"/dev/null", "/dev/mine", "r"}};
    ASSERT_TRUE(check_devices(resources));
    const auto granted = grant_devices(resources);
    ASSERT_TRUE(granted) << granted.error().text();
    ASSERT_EQ(granted->nodes.size(), 1U);
    EXPECT_EQ(granted->nodes[0].path, "/dev/mine");
    EXPECT_EQ(granted->nodes[0].major, 1);
    EXPECT_EQ(granted->nodes[0].minor, 3);
    EXPECT_EQ(sys::format_device_rule(granted->rules.at(0)), "c 1:3 r");
}

TEST(Devices, ThatAreNoneAreRefused) {
    spec::Resources resources;
    resources.devices = {{"/etc/hostname", "", ""}};
    EXPECT_FALSE(grant_devices(resources));
    resources.devices = {{"/nosuch", "", ""}};
    EXPECT_THAT(grant_devices(resources).error().text(),
                testing::HasSubstr("custom device \"/nosuch\""));
    resources.devices = {{"relative", "", ""}};
    EXPECT_FALSE(check_devices(resources));
    resources.devices = {{"/dev/null", "/x", "rz"}};
    EXPECT_FALSE(check_devices(resources));
}

}  // namespace
}  // namespace gantry::engine
