#include "spec/value.h"

#include <gtest/gtest.h>

#include <chrono>

namespace gantry::spec {
namespace {

TEST(Value, RoundTripsInOrder) {
    constexpr std::string_view kText = R"({"b":1,"a":[true,null,"x",-2,18446744073709551615,1.5]})";
    const auto value = Value::parse(kText);
    ASSERT_TRUE(value);
    EXPECT_EQ(value->serialize(), kText);
    EXPECT_EQ(value->find("b")->as_int(), 1);
    EXPECT_TRUE(value->find("a")->as_array()[4].is_uint());
    EXPECT_EQ(value->find("none"), nullptr);
}

TEST(Value, LastOfEqualNamesWinsAtThePlaceOfTheFirst) {
    EXPECT_EQ(Value::parse(R"({"a":1,"b":2,"a":3,"c":4,"a":5})")->serialize(),
              R"({"a":5,"b":2,"c":4})");
}

TEST(Value, PrettyIsMarshalIndent) {
    const auto value = Value::parse(R"({"a":[1,{"b":[]}],"c":{}})");
    EXPECT_EQ(value->pretty(2),
              "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {}\n}");
}

TEST(Value, NumbersPrintAsGoPrintsThem) {
    const auto again = [](std::string_view text) { return Value::parse(text)->serialize(); };
    EXPECT_EQ(again("1e2"), "100");
    EXPECT_EQ(again("1e21"), "1e+21");
    EXPECT_EQ(again("1e-7"), "1e-7");
    EXPECT_EQ(again("0.000001"), "0.000001");
    EXPECT_EQ(again("-0.5"), "-0.5");
    EXPECT_TRUE(Value::parse("1e999")->is_double());
}

TEST(Value, SetReplacesOrAdds) {
    Value value;
    value.set("a", 1);
    value.set("b", "x");
    value.set("a", Value::Array{});
    EXPECT_EQ(value.serialize(), R"({"a":[],"b":"x"})");
}

TEST(Value, ManyEqualNamesAreCheap) {
    std::string text = "{";
    for (int count = 0; count < 200000; ++count) {
        text += "\"k" + std::to_string(count % 100000) + "\":1,";
    }
    text.back() = '}';
    const auto start = std::chrono::steady_clock::now();
    const auto value = Value::parse(text);
    ASSERT_TRUE(value);
    EXPECT_EQ(value->as_object().size(), 100000U);
    // Quadratic work would take minutes.
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

}  // namespace
}  // namespace gantry::spec
