#include "spec/prune_filter.h"

#include <gtest/gtest.h>

#include <chrono>

namespace gantry::spec {
namespace {

const WallTime kNow{std::chrono::hours(1000)};

PruneFilter filter(std::string_view json) {
    auto made = PruneFilter::make(*Filters::parse(json), {}, kNow);
    EXPECT_TRUE(made) << made.error().text();
    return made ? *made : PruneFilter();
}

TEST(PruneFilter, PassesEverythingWithoutFilters) {
    EXPECT_TRUE(filter("").matches("x", kNow, {}));
}

TEST(PruneFilter, UntilIsRelativeToNow) {
    const PruneFilter older = filter(R"({"until":["10h"]})");
    EXPECT_TRUE(older.matches("x", kNow - std::chrono::hours(11), {}));
    EXPECT_FALSE(older.matches("x", kNow - std::chrono::hours(9), {}));
    EXPECT_FALSE(older.matches("x", std::nullopt, {}));
}

TEST(PruneFilter, Labels) {
    const PruneFilter wanted = filter(R"({"label":["a","b=1"]})");
    EXPECT_TRUE(wanted.matches("x", kNow, {{"a", ""}, {"b", "1"}}));
    EXPECT_FALSE(wanted.matches("x", kNow, {{"a", ""}, {"b", "2"}}));
    const PruneFilter unwanted = filter(R"({"label!":["keep"]})");
    EXPECT_TRUE(unwanted.matches("x", kNow, {{"a", ""}}));
    EXPECT_FALSE(unwanted.matches("x", kNow, {{"keep", "yes"}}));
}

TEST(PruneFilter, Ids) {
    const PruneFilter shown = filter(R"({"id":["x","y"]})");
    EXPECT_TRUE(shown.matches("x", kNow, {}));
    EXPECT_FALSE(shown.matches("z", kNow, {}));
}

TEST(PruneFilter, Refuses) {
    const auto text = [](std::string_view json) {
        const auto made = PruneFilter::make(*Filters::parse(json), {"dangling"}, kNow);
        return made ? "" : made.error().text();
    };
    EXPECT_EQ(text(R"({"foo":["1"]})"), "invalid filter 'foo'");
    EXPECT_EQ(text(R"({"until":["1h","2h"]})"), "more than one until filter specified");
    EXPECT_NE(text(R"({"until":["yesterday"]})"), "");
    EXPECT_EQ(text(R"({"dangling":["1"]})"), "");
}

}  // namespace
}  // namespace gantry::spec
