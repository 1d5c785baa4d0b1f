#include "spec/filters.h"

#include <gtest/gtest.h>

#include <chrono>

#include "spec/regexp.h"

namespace gantry::spec {
namespace {

using Values = Filters::Values;

TEST(Filters, BothFormsAreRead) {
    const auto now = Filters::parse(R"({"label":{"a=b":true,"c":true},"name":{"x":false}})");
    ASSERT_TRUE(now);
    EXPECT_EQ(now->values("label"), (Values{"a=b", "c"}));
    EXPECT_TRUE(now->contains("name"));
    EXPECT_TRUE(now->values("name").empty());
    const auto old = Filters::parse(R"({"status":["exited","dead"]})");
    EXPECT_EQ(old->values("status"), (Values{"dead", "exited"}));
    EXPECT_TRUE(Filters::parse("")->empty());
    EXPECT_TRUE(Filters::parse("null")->empty());
    EXPECT_TRUE(Filters::parse(R"({"a":null})")->contains("a"));
    EXPECT_EQ(now->to_json(), R"({"label":{"a=b":true,"c":true},"name":{}})");
}

TEST(Filters, OtherJsonIsRefused) {
    for (const std::string_view bad : {"x", "[]", "1", "{", R"({"a":1})", R"({"a":"b"})",
                                       R"({"a":[1]})", R"({"a":{"b":1}})", R"({"a":["b"]}{})"}) {
        const auto filters = Filters::parse(bad);
        ASSERT_FALSE(filters) << bad;
        EXPECT_EQ(filters.error().text(), "invalid filter");
        EXPECT_EQ(filters.error().kind(), Kind::kInvalid);
    }
}

TEST(Filters, UnknownKeysAreNamed) {
    const auto filters = Filters::parse(R"({"label":["a"],"foo":["b"]})");
    EXPECT_EQ(filters->check_keys({"label", "name"}).error().text(), "invalid filter 'foo'");
    EXPECT_TRUE(filters->check_keys({"label", "foo"}));
}

TEST(Filters, BoolValues) {
    const auto value = [](std::string_view json) {
        const auto result = Filters::parse(json)->bool_value("dangling", false);
        return result ? std::string(*result ? "true" : "false") : result.error().text();
    };
    EXPECT_EQ(value("{}"), "false");
    EXPECT_EQ(value(R"({"dangling":["1"]})"), "true");
    EXPECT_EQ(value(R"({"dangling":{"false":true}})"), "false");
    EXPECT_EQ(value(R"({"dangling":["maybe"]})"), "invalid filter 'dangling=[maybe]'");
    EXPECT_EQ(value(R"({"dangling":["1","0"]})"), "invalid filter 'dangling=[0 1]'");
}

TEST(Filters, Matching) {
    Filters filters;
    EXPECT_TRUE(filters.match_exact("driver", "local"));
    filters.add("driver", "local");
    EXPECT_TRUE(filters.match_exact("driver", "local"));
    EXPECT_FALSE(filters.match_exact("driver", "loca"));
    filters.add("id", "ab");
    EXPECT_TRUE(filters.match_prefix("id", "abcd"));
    EXPECT_FALSE(filters.match_prefix("id", "a"));
    filters.add("label", "k=v");
    filters.add("label", "only");
    EXPECT_TRUE(filters.match_labels("label", {{"k", "v"}, {"only", ""}}));
    EXPECT_FALSE(filters.match_labels("label", {{"k", "v"}}));
    EXPECT_FALSE(filters.match_labels("label", {{"k", "w"}, {"only", ""}}));
    filters.add("name", "^web-[0-9]+$");
    EXPECT_TRUE(filters.match_regexp("name", "web-12"));
    EXPECT_FALSE(filters.match_regexp("name", "web-x"));
    Filters broken;
    broken.add("name", "a[b");
    EXPECT_TRUE(broken.match_regexp("name", "a[b"));
    EXPECT_FALSE(broken.match_regexp("name", "ab"));
}

bool found(std::string_view pattern, std::string_view text) {
    const auto regexp = Regexp::compile(pattern);
    EXPECT_TRUE(regexp) << pattern << ": " << (regexp ? "" : regexp.error().text());
    return regexp && regexp->search(text);
}

TEST(Regexp, Searches) {
    EXPECT_TRUE(found("", ""));
    EXPECT_TRUE(found("b", "abc"));
    EXPECT_FALSE(found("^b", "abc"));
    EXPECT_TRUE(found("c$", "abc"));
    EXPECT_FALSE(found("^$", "a"));
    EXPECT_TRUE(found("^a.c$", "abc"));
    EXPECT_FALSE(found("a.c", "a\nc"));
    EXPECT_TRUE(found("^(foo|bar|)x$", "barx"));
    EXPECT_TRUE(found("^(foo|bar|)x$", "x"));
    EXPECT_FALSE(found("^(foo|bar)x$", "x"));
    EXPECT_TRUE(found("^a*b+c?$", "bb"));
    EXPECT_FALSE(found("^a*b+c?$", "aac"));
    EXPECT_TRUE(found("^a{2,3}$", "aaa"));
    EXPECT_FALSE(found("^a{2,3}$", "aaaa"));
    EXPECT_TRUE(found("^a{2,}$", "aaaaa"));
    EXPECT_FALSE(found("^a{2}$", "a"));
    EXPECT_TRUE(found("a{b", "a{b"));
    EXPECT_TRUE(found("a{,2}", "a{,2}"));
    EXPECT_TRUE(found("^[^a-c]$", "d"));
    EXPECT_FALSE(found("^[^a-c]$", "b"));
    EXPECT_TRUE(found("^[]a]+$", "]a"));
    EXPECT_TRUE(found("^[a-]+$", "-a"));
    EXPECT_TRUE(found(R"(^\d\w\s$)", "1_ "));
    EXPECT_FALSE(found(R"(^\D$)", "1"));
    EXPECT_TRUE(found(R"(^[\d.]+$)", "1.2"));
    EXPECT_TRUE(found(R"(^\.\*$)", ".*"));
    EXPECT_TRUE(found("^(?:a|b)*?$", "abab"));
    EXPECT_TRUE(found("^(a|b$)+$", "ab"));
    EXPECT_TRUE(found("(^a)|b", "xb"));
    EXPECT_TRUE(found("(a*)*$", "b"));
}

TEST(Regexp, RefusesWhatItDoesNotKnow) {
    for (const std::string_view bad :
         {"*", "a**", "+a", "(", ")", "(a", "a)", "[", "[a", "[b-a]", "a{3,2}", "a{1001}", "\\",
          "(?i)a", "(?P<n>a)", "\\q", "\\1", "[[:alpha:]]", "\\pL"}) {
        const auto regexp = Regexp::compile(bad);
        ASSERT_FALSE(regexp) << bad;
        EXPECT_TRUE(regexp.error().text().starts_with("error parsing regexp: ")) << bad;
    }
}

TEST(Regexp, HostilePatternsAreBounded) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(Regexp::compile("((((a{1000}){1000}){1000}){1000})"));
    EXPECT_FALSE(Regexp::compile("(((((){1000}){1000}){1000}){1000})"));
    EXPECT_FALSE(Regexp::compile(std::string(1000, '(')));
    EXPECT_FALSE(Regexp::compile(std::string(100000, 'a')));
    // Backtracking would need 2^60 steps here.
    EXPECT_FALSE(found("^(a|aa)+$", std::string(60, 'a') + "b"));
    EXPECT_FALSE(found("(x+x+)+y", std::string(5000, 'x')));
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

}  // namespace
}  // namespace gantry::spec
