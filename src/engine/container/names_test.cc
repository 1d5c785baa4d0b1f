#include "engine/container/names.h"

#include <gtest/gtest.h>

#include <set>

namespace gantry::engine {
namespace {

TEST(ContainerName, AcceptsDockersAlphabet) {
    EXPECT_EQ(parse_container_name("web").value(), "web");
    EXPECT_EQ(parse_container_name("/web").value(), "web");
    EXPECT_EQ(parse_container_name("A0_.-z").value(), "A0_.-z");
}

TEST(ContainerName, RefusesTheRestInDockersWords) {
    for (const char* bad :
         {"", "/", "a", "-bad", "_x", ".x", "a/b", "//ab", "a b", "a\n", "\xc3\xa4x"}) {
        const auto name = parse_container_name(bad);
        ASSERT_FALSE(name) << bad;
        EXPECT_EQ(name.error().kind(), Kind::kInvalid);
    }
    EXPECT_EQ(parse_container_name("-bad").error().text(),
              "Invalid container name (-bad), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
    EXPECT_FALSE(parse_container_name(std::string(300, 'a')));
}

TEST(RandomName, IsAValidNameAndVaries) {
    std::set<std::string> seen;
    for (int i = 0; i < 200; ++i) {
        const std::string name = random_name(i % 2);
        EXPECT_EQ(parse_container_name(name).value(), name);
        EXPECT_NE(name.find('_'), std::string::npos);
        EXPECT_EQ(name.back() >= '0' && name.back() <= '9', i % 2 == 1) << name;
        seen.insert(name);
    }
    EXPECT_GT(seen.size(), 100U);
}

}  // namespace
}  // namespace gantry::engine
