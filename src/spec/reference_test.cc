#include "spec/reference.h"

#include <gtest/gtest.h>

#include "spec/digest.h"

namespace gantry::spec {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

std::string parsed(std::string_view text) {
    const auto reference = parse_reference(text);
    return reference ? reference->str() : reference.error().text();
}

TEST(Reference, Normalizes) {
    EXPECT_EQ(parsed("alpine"), "docker.io/library/alpine");
    EXPECT_EQ(parsed("alpine:3.10"), "docker.io/library/alpine:3.10");
    EXPECT_EQ(parsed("me/app"), "docker.io/me/app");
    EXPECT_EQ(parsed("docker.io/alpine"), "docker.io/library/alpine");
    EXPECT_EQ(parsed("index.docker.io/me/app"), "docker.io/me/app");
    EXPECT_EQ(parsed("localhost/app"), "localhost/app");
    EXPECT_EQ(parsed("localhost:5000/app:v1"), "localhost:5000/app:v1");
    EXPECT_EQ(parsed("quay.io/a/b/c@" + kDigest), "quay.io/a/b/c@" + kDigest);
    EXPECT_EQ(parsed("alpine:3@" + kDigest), "docker.io/library/alpine:3@" + kDigest);
    EXPECT_EQ(parsed("[::1]:5000/app"), "[::1]:5000/app");
    EXPECT_EQ(parsed("HOST/app"), "HOST/app");
    EXPECT_EQ(parsed("a__b/c-d---e_f.g"), "docker.io/a__b/c-d---e_f.g");
}

TEST(Reference, FamiliarFormIsWhatPeopleType) {
    const auto familiar = [](std::string_view text) { return parse_reference(text)->familiar(); };
    EXPECT_EQ(familiar("docker.io/library/alpine:3"), "alpine:3");
    EXPECT_EQ(familiar("me/app"), "me/app");
    EXPECT_EQ(familiar("docker.io/library/a/b"), "library/a/b");
    EXPECT_EQ(familiar("localhost:5000/library/app"), "localhost:5000/library/app");
    EXPECT_EQ(parse_reference("alpine")->with_default_tag().familiar(), "alpine:latest");
    EXPECT_EQ(parse_reference("alpine@" + kDigest)->with_default_tag().tag, "");
}

TEST(Reference, RefusesInDockersWords) {
    EXPECT_EQ(parsed("UPPER"),
              "invalid reference format: repository name (library/UPPER) must be lowercase");
    EXPECT_EQ(parsed("docker.io/me/App:1"),
              "invalid reference format: repository name (me/App) must be lowercase");
    for (const std::string_view bad :
         {"",       ":",          "a:",    ":tag",        "a b",        "a/",       "/a",
          "a//b",   "-a",         "a-",    "a..b",        "a___b",      "a._b",     "a:-x",
          "a@",     "a@sha256:x", "a:b:c", "host:port/a", "http://a/b", "a\n",      "[::1/a",
          "a.b:/c", "..",         "../a",  "a/../b",      "a%2fb",      "ho_st.x/a"}) {
        EXPECT_EQ(parsed(bad), "invalid reference format") << bad;
    }
    EXPECT_EQ(parsed(std::string_view("a\0b", 3)), "invalid reference format");
    EXPECT_EQ(parsed(std::string(64, 'a')), "invalid repository name (" + std::string(64, 'a') +
                                                "), cannot specify 64-byte hexadecimal strings");
    EXPECT_EQ(parsed(std::string(256, 'a')),
              "repository name must not be longer than 255 characters");
    EXPECT_EQ(parsed("a:" + std::string(129, 'x')), "invalid reference format");
    EXPECT_EQ(parsed(std::string(100000, 'a')), "invalid reference format");
    EXPECT_EQ(parsed("a@sha512:" + std::string(128, 'a')), "unsupported digest algorithm");
}

TEST(Digest, IsStrict) {
    EXPECT_TRUE(parse_digest(kDigest));
    EXPECT_EQ(digest_hex(*parse_digest(kDigest)), std::string(64, 'a'));
    for (const std::string& bad :
         {std::string(), std::string("sha256:"), std::string(64, 'a'), kDigest + "a",
          "sha256:" + std::string(63, 'a'), "sha256:" + std::string(64, 'A'),
          "SHA256:" + std::string(64, 'a'), "sha256:../../" + std::string(58, 'a'),
          "sha256:" + std::string(63, 'a') + "\n"}) {
        EXPECT_FALSE(parse_digest(bad)) << bad;
    }
}

}  // namespace
}  // namespace gantry::spec
