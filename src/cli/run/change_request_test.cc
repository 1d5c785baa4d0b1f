#include "cli/run/change_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> words(std::string_view text) {
    auto split = split_command(text);
    return split ? *split : std::vector<std::string>{"error: " + split.error().text()};
}

TEST(SplitCommand, KnowsTheQuotesOfAShell) {
    EXPECT_THAT(words("a  'b c' \"d \\\" e\"f\\ g ''"), ElementsAre("a", "b c", "d \" ef g", ""));
    EXPECT_THAT(words("'$HOME' \\'"), ElementsAre("$HOME", "'"));
    EXPECT_THAT(words("  "), IsEmpty());
    EXPECT_THAT(words("a 'b"), ElementsAre("error: a quote has no end: 'b"));
}

TEST(SplitCommand, TakesAJsonList) {
    EXPECT_THAT(words("[\"a b\", \"\"]"), ElementsAre("a b", ""));
    EXPECT_THAT(words("[1]"), ElementsAre("error: not a list of strings: [1]"));
    EXPECT_THAT(words("[\"a\""), ElementsAre("error: not a JSON list: [\"a\""));
}

}  // namespace
}  // namespace gantry::cli
