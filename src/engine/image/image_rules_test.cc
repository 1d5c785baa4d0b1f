// The pure parts: glob patterns, import changes, removal rules.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/image/glob.h"
#include "engine/image/image_changes.h"
#include "engine/image/image_removal.h"

namespace gantry::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Glob, MatchesAsGoDoes) {
    struct Case {
        const char* pattern;
        const char* name;
        bool matches;
    };
    for (const Case& c : std::initializer_list<Case>{{"alpine", "alpine", true},
                                                     {"alp*", "alpine", true},
                                                     {"*:3.*", "alpine:3.20", true},
                                                     {"*", "a/b", false},
                                                     {"*/b", "a/b", true},
                                                     {"a/*/c", "a/b/c", true},
                                                     {"a*b*c", "aXbYbZc", true},
                                                     {"a*b*c", "aXbYbZ", false},
                                                     {"?lpine", "alpine", true},
                                                     {"a?b", "a/b", false},
                                                     {"[a-c]x", "bx", true},
                                                     {"[^a-c]x", "bx", false},
                                                     {"[^a-c]x", "dx", true},
                                                     {"\\*", "*", true},
                                                     {"\\*", "x", false},
                                                     {"", "", true},
                                                     {"", "x", false},
                                                     {"***", "abc", true},
                                                     {"a*", "", false}}) {
        const auto matched = glob_match(c.pattern, c.name);
        ASSERT_TRUE(matched) << c.pattern;
        EXPECT_EQ(*matched, c.matches) << c.pattern << " " << c.name;
    }
    for (const char* bad : {"[", "[a", "[a-", "[]", "[]a]", "\\", "[-a]", "a["}) {
        EXPECT_FALSE(glob_match(bad, "a")) << bad;
    }
}

TEST(Glob, StaysFastOnManyStars) {
    std::string pattern;
    for (int i = 0; i < 200; ++i) {
        pattern += "*a";
    }
    EXPECT_FALSE(*glob_match(pattern + "b", std::string(5000, 'a')));
}

TEST(Changes, AreAppliedInOrder) {
    spec::ContainerConfig config;
    config.env = {"A=old", "B=kept"};
    const std::vector<std::string> changes = {
        "CMD [\"sh\", \"-c\", \"x\"]",
        "entrypoint echo hi",
        "ENV A=new C=\"with space\" D=esc\\ aped",
        "ENV OLD style value",
        "EXPOSE 80 443/tcp 53/udp 8000-8001",
        "LABEL a=1 \"b c\"='d e'",
        "ONBUILD RUN make",
        "USER 1000:1000",
        "VOLUME /data /more",
        "VOLUME [\"/json\"]",
        "WORKDIR /srv",
        "WORKDIR app",
        "STOPSIGNAL SIGINT",
    };
    const auto applied = apply_changes(changes, config);
    ASSERT_TRUE(applied) << applied.error().text();
    EXPECT_THAT(config.cmd, ElementsAre("sh", "-c", "x"));
    EXPECT_THAT(*config.entrypoint, ElementsAre("/bin/sh", "-c", "echo hi"));
    EXPECT_THAT(config.env,
                ElementsAre("B=kept", "A=new", "C=with space", "D=esc aped", "OLD=style value"));
    EXPECT_THAT(config.exposed_ports,
                ElementsAre("443/tcp", "53/udp", "80/tcp", "8000/tcp", "8001/tcp"));
    EXPECT_EQ(config.labels, (spec::StringMap{{"a", "1"}, {"b c", "d e"}}));
    EXPECT_THAT(config.on_build, ElementsAre("RUN make"));
    EXPECT_EQ(config.user, "1000:1000");
    EXPECT_THAT(config.volumes, ElementsAre("/data", "/json", "/more"));
    EXPECT_EQ(config.working_dir, "/srv/app");
    EXPECT_EQ(config.stop_signal, "SIGINT");
}

TEST(Changes, HealthChecks) {
    const auto apply = [](std::string change) {
        spec::ContainerConfig config;
        const auto applied = apply_changes(std::span(&change, 1), config);
        EXPECT_TRUE(applied) << applied.error().text();
        return config.healthcheck.value_or(spec::HealthConfig{});
    };
    EXPECT_THAT(apply("HEALTHCHECK NONE").test, ElementsAre("NONE"));
    EXPECT_THAT(apply("healthcheck cmd [\"a\", \"b c\"]").test, ElementsAre("CMD", "a", "b c"));
    const auto all = apply(
        "HEALTHCHECK --interval=5s --timeout=1m --start-period=2s --start-interval=1ms --retries=7 "
        "CMD a || b");
    EXPECT_THAT(all.test, ElementsAre("CMD-SHELL", "a || b"));
    EXPECT_EQ(all.interval, 5'000'000'000);
    EXPECT_EQ(all.timeout, 60'000'000'000);
    EXPECT_EQ(all.start_period, 2'000'000'000);
    EXPECT_EQ(all.start_interval, 1'000'000);
    EXPECT_EQ(all.retries, 7);
}

TEST(Changes, WhatIsNoChangeIsRefused) {
    for (const auto& [change, text] : std::vector<std::pair<std::string, std::string>>{
             {"FROM scratch", "FROM is not a valid change command"},
             {"RUN x", "RUN is not a valid change command"},
             {"NONSENSE x", "unknown instruction: NONSENSE"},
             {"USER", "USER requires at least one argument"},
             {"ENV A", "ENV must have two arguments"},
             {"LABEL a=b c", "can't find ="},
             {"EXPOSE 99999", "99999"},
             {"STOPSIGNAL foo", "foo"},
             {"HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"},
             {"HEALTHCHECK CMD []", "Missing command after HEALTHCHECK CMD"},
             {"HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"},
             {"HEALTHCHECK CURL x", "Unknown type \"CURL\" in HEALTHCHECK (try CMD)"},
             {"HEALTHCHECK --interval=1us CMD x", "cannot be less than 1ms"},
             {"HEALTHCHECK --retries=0 CMD x", "--retries must be at least 1"},
             {"HEALTHCHECK --nosuch=1 CMD x", "Unknown flag: nosuch"},
             {"ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"}}) {
        spec::ContainerConfig config;
        const auto refused = apply_changes(std::span(&change, 1), config);
        ASSERT_FALSE(refused) << change;
        EXPECT_THAT(refused.error().text(), HasSubstr(text));
    }
}

class RemovalTest : public testing::Test {
protected:
    RemovalTest() { image_.id = ImageId("sha256:" + std::string(64, 'a')); }

    Result<RemovalPlan> plan(const std::string& name, bool force = false) {
        return plan_removal({.image = image_,
                             .ref = name.empty() ? "aaaa" : name,
                             .name = name,
                             .names = names_,
                             .users = users_,
                             .force = force});
    }
    void expect_conflict(const Result<RemovalPlan>& result, const char* text) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().kind(), Kind::kConflict);
        EXPECT_EQ(result.error().text(), text);
    }
    void use(const char* id, bool running) {
        users_.push_back(
            {.id = ContainerId(std::string(64, *id)), .image = image_.id, .running = running});
    }

    store::Image image_;
    std::vector<std::string> names_{"docker.io/library/x:1"};
    std::vector<ImageUser> users_;
};

TEST_F(RemovalTest, TheLastNameTakesTheImageAlong) {
    const auto by_name = plan("docker.io/library/x:1");
    ASSERT_TRUE(by_name);
    EXPECT_THAT(by_name->untag, ElementsAre("docker.io/library/x:1"));
    EXPECT_TRUE(by_name->remove_image);
    const auto by_id = plan("");
    ASSERT_TRUE(by_id);
    EXPECT_EQ(by_id->untag, by_name->untag);
    EXPECT_TRUE(by_id->remove_image);
}

TEST_F(RemovalTest, OneOfSeveralNamesGoesAlone) {
    names_.emplace_back("docker.io/library/y:1");
    const auto by_name = plan("docker.io/library/x:1");
    ASSERT_TRUE(by_name);
    EXPECT_FALSE(by_name->remove_image);
    expect_conflict(plan(""),
                    "conflict: unable to delete aaaaaaaaaaaa (must be forced) - image is "
                    "referenced in multiple repositories");
    const auto forced = plan("", true);
    ASSERT_TRUE(forced);
    EXPECT_EQ(forced->untag.size(), 2U);
}

TEST_F(RemovalTest, ADigestGoesWithItsLastTag) {
    names_.push_back("docker.io/library/x@sha256:" + std::string(64, 'b'));
    const auto by_name = plan("docker.io/library/x:1");
    ASSERT_TRUE(by_name);
    EXPECT_EQ(by_name->untag.size(), 2U);
    EXPECT_TRUE(by_name->remove_image);
    EXPECT_TRUE(plan(""));
}

TEST_F(RemovalTest, StoppedUsersNeedForce) {
    use("c", false);
    expect_conflict(plan("docker.io/library/x:1"),
                    "conflict: unable to remove repository reference \"docker.io/library/x:1\" "
                    "(must force) - container cccccccccccc is using its referenced image "
                    "aaaaaaaaaaaa");
    expect_conflict(plan(""),
                    "conflict: unable to delete aaaaaaaaaaaa (must be forced) - image is being "
                    "used by stopped container cccccccccccc");
    EXPECT_TRUE(plan("", true)->remove_image);
    EXPECT_TRUE(plan("docker.io/library/x:1", true)->remove_image);
}

TEST_F(RemovalTest, RunningUsersKeepTheImage) {
    use("c", true);
    expect_conflict(plan("", true),
                    "conflict: unable to delete aaaaaaaaaaaa (cannot be forced) - image is being "
                    "used by running container cccccccccccc");
    const auto forced = plan("docker.io/library/x:1", true);
    ASSERT_TRUE(forced);
    EXPECT_FALSE(forced->remove_image);
    names_.emplace_back("docker.io/library/x:2");
    EXPECT_FALSE(plan("docker.io/library/x:1")->remove_image);
    names_.clear();
    expect_conflict(plan(""),
                    "conflict: unable to delete aaaaaaaaaaaa (cannot be forced) - image is being "
                    "used by running container cccccccccccc");
}

}  // namespace
}  // namespace gantry::engine
