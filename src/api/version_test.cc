#include "api/version.h"

#include <gtest/gtest.h>

#include "api/route.h"

namespace gantry::api {
namespace {

TEST(Target, TakesTheVersionOffAndDecodes) {
    const auto versioned = parse_target("/v1.45/images/a%2Fb:1/json");
    ASSERT_TRUE(versioned);
    EXPECT_EQ(versioned->version, (ApiVersion{1, 45}));
    EXPECT_EQ(versioned->path, "/images/a/b:1/json");
    const auto bare = parse_target("/containers/%2Fweb/json");
    ASSERT_TRUE(bare);
    EXPECT_EQ(bare->version, kMaxVersion);
    EXPECT_EQ(bare->path, "/containers//web/json");
}

TEST(Target, WhatIsNoVersionStaysInThePath) {
    for (const char* path : {"/version", "/volumes", "/v1/x", "/v1.2.3/x", "/vx.y/z", "/v1.51"}) {
        const auto target = parse_target(path);
        ASSERT_TRUE(target);
        EXPECT_EQ(target->path, path);
    }
    EXPECT_FALSE(parse_target("/containers/%zz/json"));
    EXPECT_FALSE(parse_target("/containers/a%00/json"));
}

TEST(Version, TextsOfRefusals) {
    EXPECT_TRUE(check_version(kMinVersion));
    EXPECT_TRUE(check_version(kMaxVersion));
    EXPECT_EQ(check_version({1, 99}).error().text(),
              "client version 1.99 is too new. Maximum supported API version is 1.51");
    EXPECT_EQ(
        check_version({1, 2}).error().text(),
        "client version 1.2 is too old. Minimum supported API version is 1.24, please upgrade "
        "your client to a newer version");
}

TEST(Route, PatternsMatchNamesWithSlashes) {
    EXPECT_EQ(match("/images/{}/json", "/images/a/b:1/json"), "a/b:1");
    EXPECT_EQ(match("/images/{}/json", "/images/json"), std::nullopt);
    EXPECT_EQ(match("/images/{}/json", "/images//json"), std::nullopt);
    EXPECT_EQ(match("/containers/{}/json", "/containers//web/json"), "/web");
    EXPECT_EQ(match("/containers/{}", "/containers/"), std::nullopt);
    EXPECT_EQ(match("/info", "/info"), "");
    EXPECT_EQ(match("/info", "/info/"), std::nullopt);
}

}  // namespace
}  // namespace gantry::api
