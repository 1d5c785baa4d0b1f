#include <gtest/gtest.h>

#include <set>

#include "base/clock.h"
#include "base/error.h"
#include "base/id.h"
#include "base/scope_guard.h"
#include "base/text.h"

namespace gantry {
namespace {

TEST(Error, CarriesKindErrnoAndText) {
    errno = EEXIST;
    const Result<> failed = fail_errno("mkdir /x");
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().kind(), Kind::kConflict);
    EXPECT_EQ(failed.error().sys_errno(), EEXIST);
    EXPECT_EQ(failed.error().text(), "mkdir /x: File exists");
}

TEST(Id, IsNeverTakenForANumber) {
    std::set<std::string> seen;
    for (int i = 0; i < 2000; ++i) {
        const std::string id = random_id();
        EXPECT_EQ(id.size(), 64U);
        EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), id.npos);
        EXPECT_FALSE(parse_uint(short_id(id))) << id;
        EXPECT_TRUE(seen.insert(id).second);
    }
}

TEST(ScopeGuard, UndoesUnlessCommitted) {
    int undone = 0;
    {
        ScopeGuard guard([&] { ++undone; });
    }
    EXPECT_EQ(undone, 1);
    {
        ScopeGuard guard([&] { ++undone; });
        guard.commit();
    }
    EXPECT_EQ(undone, 1);
}

TEST(Text, ParsesWholeNumbersOnly) {
    EXPECT_EQ(parse_int("-5"), -5);
    EXPECT_EQ(parse_uint("18446744073709551615"), UINT64_MAX);
    for (const char* bad : {"", "+5", " 5", "5 ", "0x5", "5a", "18446744073709551616", "-"}) {
        EXPECT_FALSE(parse_uint(bad)) << bad;
        EXPECT_FALSE(parse_int(bad)) << bad;
    }
    EXPECT_FALSE(parse_uint("-1"));
    EXPECT_EQ(parse_octal("0755"), 0755U);
    EXPECT_FALSE(parse_octal("0798"));
}

TEST(Text, SplitsAndCuts) {
    EXPECT_EQ(split("a,,b", ',').size(), 3U);
    EXPECT_EQ(split("", ',').size(), 1U);
    EXPECT_EQ(cut("k=v=w", '=').after, "v=w");
    EXPECT_FALSE(cut("k", '=').found);
    EXPECT_EQ(trim(" \t x y\n"), "x y");
    EXPECT_EQ(trim(" \n"), "");
}

TEST(Clock, RoundTripsLikeGo) {
    for (const char* text :
         {"2026-11-23T18:25:14Z", "2026-11-23T18:25:14.1Z", "1970-01-01T00:00:00.000000001Z",
          "1969-12-31T23:59:59.999999999Z", "0001-01-01T00:00:00Z"}) {
        const auto time = parse_rfc3339(text);
        ASSERT_TRUE(time) << text;
        EXPECT_EQ(format_rfc3339(*time), text);
    }
    EXPECT_EQ(parse_rfc3339("2026-11-23T19:25:14+01:00"), parse_rfc3339("2026-11-23T18:25:14Z"));
    EXPECT_EQ(format_rfc3339_fixed(*parse_rfc3339("2026-11-23T18:25:14.1Z")),
              "2026-11-23T18:25:14.100000000Z");
}

TEST(Clock, RefusesWhatIsNoTime) {
    for (const char* text :
         {"", "2026", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-23T18:25:14",
          "2026-11-23T18:25:14.Z", "2026-11-23 18:25:14Z", "2026-11-23T25:25:14Z",
          "2026-11-23T18:25:14+1:00", "9999-01-01T00:00:00Z"}) {
        EXPECT_FALSE(parse_rfc3339(text)) << text;
    }
}

}  // namespace
}  // namespace gantry
