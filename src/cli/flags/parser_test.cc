#include "cli/flags/parser.h"

#include <gtest/gtest.h>

#include "cli/flags/flag_types.h"

namespace gantry::cli {
namespace {

constexpr auto kTable = std::to_array<Flag>({
    {"detach", 'd', &flag_type::kBool, "", ""},
    {"interactive", 'i', &flag_type::kBool, "", ""},
    {"tty", 't', &flag_type::kBool, "", ""},
    {"sig-proxy", 0, &flag_type::kBool, "true", ""},
    {"env", 'e', &flag_type::kEnv, "", ""},
    {"name", 0, &flag_type::kString, "", ""},
    {"last", 'n', &flag_type::kInt, "-1", ""},
    {"platform", 0, &flag_type::kStrings, "", ""},
    {"timeout", 'x', &flag_type::kInt, "", ""},
    {"time", 0, &flag_type::kInt, "", "", Flag::Visibility::kHidden, "timeout",
     "use --timeout instead"},
});

using Words = std::vector<std::string>;

ParsedArgs parse(const Words& words, Interspersed interspersed = Interspersed::kYes) {
    auto parsed = parse_args(kTable, words, interspersed);
    EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().text());
    return parsed ? std::move(*parsed) : ParsedArgs(kTable);
}

std::string failure(const Words& words) {
    auto parsed = parse_args(kTable, words, Interspersed::kYes);
    return parsed ? "" : parsed.error().text();
}

TEST(FlagParser, ReadsClustersWhoseLastFlagTakesAValue) {
    const auto parsed = parse({"-dit", "-eB=2", "-ie", "C=3", "-de=D=4"});
    EXPECT_TRUE(parsed.flags.on("detach"));
    EXPECT_TRUE(parsed.flags.on("interactive"));
    EXPECT_TRUE(parsed.flags.on("tty"));
    EXPECT_EQ(parsed.flags.list("env"), (Words{"B=2", "C=3", "D=4"}));
}

TEST(FlagParser, ReadsLongFlagsBothWays) {
    const auto parsed = parse({"--name=web", "--last", "3", "--sig-proxy=false", "--detach"});
    EXPECT_EQ(parsed.flags.text("name"), "web");
    EXPECT_EQ(parsed.flags.integer("last"), 3);
    EXPECT_FALSE(parsed.flags.on("sig-proxy"));
    EXPECT_TRUE(parsed.flags.on("detach"));
}

TEST(FlagParser, KeepsInitialValuesOfFlagsNotGiven) {
    const auto parsed = parse({});
    EXPECT_EQ(parsed.flags.integer("last"), -1);
    EXPECT_TRUE(parsed.flags.on("sig-proxy"));
    EXPECT_FALSE(parsed.flags.changed("sig-proxy"));
    EXPECT_TRUE(parsed.flags.list("env").empty());
}

TEST(FlagParser, LastValueWins) {
    EXPECT_EQ(parse({"--name", "a", "--name", "b"}).flags.text("name"), "b");
    EXPECT_FALSE(parse({"-d", "-d=false"}).flags.on("detach"));
}

TEST(FlagParser, SplitsCommaLists) {
    EXPECT_EQ(parse({"--platform=a,b", "--platform", "c"}).flags.list("platform"),
              (Words{"a", "b", "c"}));
}

TEST(FlagParser, StopsAtTheFirstArgumentOrReadsOn) {
    const Words words = {"image", "-d", "x"};
    EXPECT_EQ(parse(words, Interspersed::kNo).arguments, words);
    const auto mixed = parse(words);
    EXPECT_EQ(mixed.arguments, (Words{"image", "x"}));
    EXPECT_TRUE(mixed.flags.on("detach"));
}

TEST(FlagParser, TakesTwoDashesAsTheEndAndOneAsAnArgument) {
    EXPECT_EQ(parse({"a", "--", "-d", "--"}).arguments, (Words{"a", "-d", "--"}));
    EXPECT_EQ(parse({"-", ""}).arguments, (Words{"-", ""}));
}

TEST(FlagParser, TellsOtherSpellingsOfAFlag) {
    const auto parsed = parse({"--time", "7"});
    EXPECT_EQ(parsed.flags.integer("timeout"), 7);
    EXPECT_EQ(parsed.notices, (Words{"Flag --time has been deprecated, use --timeout instead"}));
}

TEST(FlagParser, ReportsErrorsAsPflagDoes) {
    EXPECT_EQ(failure({"--nosuch"}), "unknown flag: --nosuch");
    EXPECT_EQ(failure({"--nosuch=1"}), "unknown flag: --nosuch");
    EXPECT_EQ(failure({"-dzi"}), "unknown shorthand flag: 'z' in -zi");
    EXPECT_EQ(failure({"--name"}), "flag needs an argument: --name");
    EXPECT_EQ(failure({"-de"}), "flag needs an argument: 'e' in -e");
    EXPECT_EQ(failure({"---name"}), "bad flag syntax: ---name");
    EXPECT_EQ(failure({"-d="}), "unknown shorthand flag: '=' in -=");
    EXPECT_EQ(failure({"-n", "x"}),
              "invalid argument \"x\" for \"-n, --last\" flag: strconv.ParseInt: parsing \"x\": "
              "invalid syntax");
    EXPECT_EQ(failure({"--detach="}),
              "invalid argument \"\" for \"-d, --detach\" flag: strconv.ParseBool: parsing \"\": "
              "invalid syntax");
    EXPECT_EQ(failure({"-n", "99999999999999999999"}),
              "invalid argument \"99999999999999999999\" for \"-n, --last\" flag: "
              "strconv.ParseInt: parsing \"99999999999999999999\": value out of range");
}

TEST(FlagParser, ShowsHelpInsteadOfReadingOn) {
    EXPECT_EQ(parse({"--help", "--nosuch"}).help, ParsedArgs::Help::kLong);
    EXPECT_EQ(parse({"-dh"}).help, ParsedArgs::Help::kShort);
}

TEST(FlagParser, QuotesControlCharactersInErrors) {
    EXPECT_EQ(failure({"-n", "\x1b[2J"}),
              "invalid argument \"\\x1b[2J\" for \"-n, --last\" flag: strconv.ParseInt: parsing "
              "\"\\x1b[2J\": invalid syntax");
}

}  // namespace
}  // namespace gantry::cli
