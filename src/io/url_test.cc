#include "io/url.h"

#include <gtest/gtest.h>

#include "io/headers.h"

namespace gantry::io {
namespace {

TEST(Url, DecodesEscapes) {
    EXPECT_EQ(percent_decode("a%2Fb%20c+d"), "a/b c+d");
    EXPECT_EQ(percent_decode("%e2%82%ac"), "\xe2\x82\xac");
    for (const char* broken : {"%", "%2", "%zz", "a%00b"}) {
        EXPECT_EQ(percent_decode(broken), std::nullopt) << broken;
    }
}

TEST(Url, EncodingRoundTrips) {
    std::string all;
    for (int i = 1; i < 256; ++i) {
        all += static_cast<char>(i);
    }
    EXPECT_EQ(percent_decode(percent_encode(all)), all);
    EXPECT_EQ(percent_encode("a/b:c"), "a%2Fb%3Ac");
}

TEST(Url, QueryKeepsRepeatedKeys) {
    const auto query = Query::parse("all&names=a&names=b+c&filters=%7B%22x%22%3A1%7D&empty=&&");
    ASSERT_TRUE(query);
    EXPECT_EQ(*query->find("all"), "");
    EXPECT_EQ(query->all("names"), (std::vector<std::string>{"a", "b c"}));
    EXPECT_EQ(query->get("filters"), "{\"x\":1}");
    EXPECT_EQ(query->find("none"), nullptr);
    EXPECT_EQ(query->to_string(), "all=&names=a&names=b%20c&filters=%7B%22x%22%3A1%7D&empty=");
    EXPECT_FALSE(Query::parse("a=%g1"));
}

TEST(Headers, CompareWithoutCase) {
    Headers headers;
    headers.add("Connection", "keep-alive, Upgrade");
    headers.add("X-A", "1");
    headers.add("x-a", "2");
    EXPECT_TRUE(headers.has_token("connection", "upgrade"));
    EXPECT_FALSE(headers.has_token("connection", "keep"));
    EXPECT_EQ(headers.get("X-a"), "1");
    headers.set("x-A", "3");
    EXPECT_EQ(headers.get("X-A"), "3");
    EXPECT_EQ(std::distance(headers.begin(), headers.end()), 2);
}

}  // namespace
}  // namespace gantry::io
