#include "sys/capability.h"

#include <gtest/gtest.h>

namespace gantry::sys {
namespace {

TEST(Capability, NamesAndNumbersMatch) {
    EXPECT_EQ(parse_capability("CAP_CHOWN"), 0);
    EXPECT_EQ(parse_capability("net_admin"), 12);
    EXPECT_EQ(parse_capability("Cap_Checkpoint_Restore"), 40);
    EXPECT_FALSE(parse_capability("ALL"));
    EXPECT_FALSE(parse_capability("CAP_"));
    EXPECT_EQ(capability_name(21), "CAP_SYS_ADMIN");
    EXPECT_EQ(capability_names(1U << 0 | 1U << 5),
              (std::vector<std::string>{"CAP_CHOWN", "CAP_KILL"}));
    EXPECT_EQ(capability_names(kDefaultCapabilities).size(), 14U);
}

TEST(Capability, BoundingSetIsPartOfAll) {
    EXPECT_EQ(*bounding_set() & ~*all_capabilities(), 0U);
    EXPECT_NE(*all_capabilities() & 1, 0U);
}

}  // namespace
}  // namespace gantry::sys
