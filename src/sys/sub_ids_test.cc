#include "sys/sub_ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::sys {
namespace {

using testing::HasSubstr;

const std::vector<std::string> kBob = {"bob", "1000"};

TEST(SubIds, AreOneMapFromZero) {
    const auto ranges =
        parse_sub_ids("al:1:2\nbob:100000:65536\n1000:300000:10\nbobby:5:5\n", kBob);
    ASSERT_TRUE(ranges) << ranges.error().text();
    const std::vector<IdRange> expected = {{0, 100000, 65536}, {65536, 300000, 10}};
    EXPECT_EQ(*ranges, expected);
}

TEST(SubIds, RefuseNonsense) {
    for (const char* text : {"bob:x:1", "bob:1:0", "bob:4294967295:2", "bob:-1:5"}) {
        const auto ranges = parse_sub_ids(text, kBob);
        ASSERT_FALSE(ranges) << text;
        EXPECT_EQ(ranges.error().kind(), Kind::kInvalid) << text;
    }
    const auto none = parse_sub_ids("al:1:2\nbob\n# bob:1:2\n", kBob);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().kind(), Kind::kNotFound);
    EXPECT_THAT(none.error().text(), HasSubstr("\"bob\""));
}

TEST(SubIds, LeaveRoomForMore) {
    EXPECT_EQ(first_free_sub_id(""), 100000U);
    EXPECT_EQ(first_free_sub_id("al:5:10\n"), 100000U);
    EXPECT_EQ(first_free_sub_id("al:165536:65536\nbob:100000:65536\njunk\n"), 231072U);
}

}  // namespace
}  // namespace gantry::sys
