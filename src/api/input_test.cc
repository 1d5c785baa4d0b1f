#include <gtest/gtest.h>

#include <limits>

#include "api/call.h"
#include "api/container_input.h"
#include "api/query_values.h"

namespace gantry::api {
namespace {

io::Query query(std::string_view text) {
    auto parsed = io::Query::parse(text);
    EXPECT_TRUE(parsed);
    return *parsed;
}

TEST(QueryValues, Booleans) {
    for (const char* text : {"a=", "a=0", "a=no", "a=FALSE", "a=none", "a=+0+", "a"}) {
        EXPECT_FALSE(bool_value(query(text), "a", true)) << text;
    }
    for (const char* text : {"a=1", "a=true", "a=yes", "a=x", "a=00"}) {
        EXPECT_TRUE(bool_value(query(text), "a")) << text;
    }
    EXPECT_TRUE(bool_value(query(""), "a", true));
    EXPECT_FALSE(bool_value(query(""), "a"));
}

TEST(QueryValues, Numbers) {
    EXPECT_EQ(int_value(query("t=-1"), "t").value(), -1);
    EXPECT_EQ(int_value(query("t="), "t").value(), std::nullopt);
    const auto bad = int_value(query("limit=a"), "limit");
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().kind(), Kind::kInvalid);
    EXPECT_EQ(bad.error().text(), "strconv.Atoi: parsing \"a\": invalid syntax");
    EXPECT_EQ(uint32_value(query("h=24"), "h").value(), 24U);
    for (const char* text : {"h=", "h=-1", "h=4294967296", "w=1", "h=1.5"}) {
        EXPECT_FALSE(uint32_value(query(text), "h")) << text;
    }
}

TEST(QueryValues, Times) {
    using namespace std::chrono_literals;
    EXPECT_EQ(time_value(query("since=1700000000.5"), "since").value(),
              WallTime(1700000000s + 500ms));
    EXPECT_EQ(time_value(query("since=1700000000.000000001"), "since").value(),
              WallTime(1700000000s + 1ns));
    EXPECT_EQ(time_value(query("since=1.0000000019"), "since").value(), WallTime(1s + 1ns));
    EXPECT_EQ(time_value(query("since=0"), "since").value(), std::nullopt);
    EXPECT_EQ(time_value(query(""), "since").value(), std::nullopt);
    for (const char* text : {"since=x", "since=1.x", "since=9999999999999", "since=1.-5"}) {
        EXPECT_FALSE(time_value(query(text), "since")) << text;
    }
}

TEST(ContentType, IsRequiredForBodies) {
    EXPECT_TRUE(check_content_type("application/json", 2U));
    EXPECT_TRUE(check_content_type("Application/JSON; charset=utf-8", std::nullopt));
    EXPECT_TRUE(check_content_type("", 0U));
    EXPECT_FALSE(check_content_type("", std::nullopt));
    EXPECT_EQ(check_content_type("text/plain", 0U).error().text(),
              "unsupported Content-Type header (text/plain): must be 'application/json'");
}

TEST(ContainerInput, List) {
    const auto options = decode_list(query("all=1&limit=3&size=true"));
    ASSERT_TRUE(options);
    EXPECT_TRUE(options->all);
    EXPECT_EQ(options->limit, 3);
    EXPECT_EQ(options->size, engine::SizeInfo::kCompute);
    EXPECT_EQ(decode_list(query("limit=99999999999"))->limit, std::numeric_limits<int>::max());
}

TEST(ContainerInput, StopKnowsSignalsSince142) {
    const auto options = decode_stop(query("t=5&signal=INT"), {1, 42});
    EXPECT_EQ(options->timeout, 5);
    EXPECT_EQ(options->signal, "INT");
    EXPECT_EQ(decode_stop(query("signal=INT"), {1, 41})->signal, "");
    EXPECT_EQ(decode_stop(query(""), {1, 51})->timeout, std::nullopt);
    EXPECT_FALSE(decode_stop(query("t=soon"), {1, 51}));
}

TEST(ContainerInput, Logs) {
    const auto logs = decode_logs(query("stdout=1&tail=10&timestamps=1&until=5"));
    ASSERT_TRUE(logs);
    EXPECT_TRUE(logs->standard_output);
    EXPECT_FALSE(logs->standard_error);
    EXPECT_EQ(logs->tail, 10U);
    EXPECT_TRUE(logs->until);
    for (const char* all : {"tail=all", "tail=", "tail=-1", ""}) {
        EXPECT_EQ(decode_logs(query(all))->tail, std::nullopt) << all;
    }
    EXPECT_FALSE(decode_logs(query("since=yesterday")));
}

TEST(ContainerInput, OldClientsFieldsDoNothing) {
    const auto request = [] {
        spec::ContainerCreateRequest made;
        made.config.healthcheck = spec::HealthConfig{};
        made.config.healthcheck->start_interval = 5;
        made.host_config = spec::HostConfig{};
        made.host_config->console_size = {24, 80};
        made.host_config->annotations = {{"a", "b"}};
        made.host_config->mounts.resize(1);
        made.host_config->mounts[0].bind_options = spec::BindOptions{};
        made.host_config->mounts[0].bind_options->create_mountpoint = true;
        return made;
    };
    auto old = request();
    ASSERT_TRUE(adjust_create(old, {1, 40}));
    EXPECT_EQ(old.config.healthcheck->start_interval, 0);
    EXPECT_EQ(old.host_config->console_size[0], 0U);
    EXPECT_TRUE(old.host_config->annotations.empty());
    EXPECT_FALSE(old.host_config->mounts[0].bind_options->create_mountpoint);
    auto now = request();
    ASSERT_TRUE(adjust_create(now, {1, 51}));
    EXPECT_EQ(now.config.healthcheck->start_interval, 5);
    EXPECT_EQ(now.host_config->console_size[0], 24U);
    EXPECT_TRUE(now.host_config->mounts[0].bind_options->create_mountpoint);
}

TEST(ContainerInput, SeveralNetworksNeed144) {
    spec::ContainerCreateRequest request;
    request.networking_config = spec::NetworkingConfig{};
    request.networking_config->endpoints_config["a"];
    request.networking_config->endpoints_config["b"];
    EXPECT_FALSE(adjust_create(request, {1, 43}));
    EXPECT_TRUE(adjust_create(request, {1, 44}));
}

}  // namespace
}  // namespace gantry::api
