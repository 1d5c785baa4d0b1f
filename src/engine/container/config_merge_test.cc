#include "engine/container/config_merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::engine {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using Words = std::vector<std::string>;

spec::ContainerConfig image_config() {
    spec::ContainerConfig image;
    image.entrypoint = Words{"/entry"};
    image.cmd = {"serve"};
    image.env = {"PATH=/image", "A=image"};
    image.labels = {{"from", "image"}, {"both", "image"}};
    image.user = "daemon";
    image.working_dir = "/srv";
    image.stop_signal = "SIGQUIT";
    image.exposed_ports = {"80/tcp"};
    return image;
}

Words merged_command(const spec::ContainerConfig& user) {
    spec::ContainerConfig config = user;
    merge_image_config(config, image_config());
    return command_line(config);
}

TEST(MergeImageConfig, TakesTheImagesCommandWhenThereIsNone) {
    EXPECT_THAT(merged_command({}), ElementsAre("/entry", "serve"));
}

TEST(MergeImageConfig, ACommandReplacesOnlyTheImagesCommand) {
    spec::ContainerConfig user;
    user.cmd = {"other"};
    EXPECT_THAT(merged_command(user), ElementsAre("/entry", "other"));
}

TEST(MergeImageConfig, AnEntrypointDropsTheImagesCommand) {
    spec::ContainerConfig user;
    user.entrypoint = Words{"/mine"};
    EXPECT_THAT(merged_command(user), ElementsAre("/mine"));
    user.cmd = {"x"};
    EXPECT_THAT(merged_command(user), ElementsAre("/mine", "x"));
}

TEST(MergeImageConfig, AnEmptyEntrypointClearsTheImages) {
    spec::ContainerConfig user;
    user.entrypoint = Words{""};
    EXPECT_THAT(merged_command(user), IsEmpty());
    user.cmd = {"sh"};
    EXPECT_THAT(merged_command(user), ElementsAre("sh"));
}

TEST(MergeImageConfig, UnitesTheRest) {
    spec::ContainerConfig config;
    config.env = {"A=user", "B=user"};
    config.labels = {{"both", "user"}};
    config.exposed_ports = {"81/tcp"};
    config.user = "me";
    merge_image_config(config, image_config());
    EXPECT_THAT(config.env, ElementsAre("A=user", "B=user", "PATH=/image"));
    EXPECT_EQ(config.labels["both"], "user");
    EXPECT_EQ(config.labels["from"], "image");
    EXPECT_EQ(config.exposed_ports.size(), 2U);
    EXPECT_EQ(config.user, "me");
    EXPECT_EQ(config.working_dir, "/srv");
    EXPECT_EQ(config.stop_signal, "SIGQUIT");
}

TEST(MergeImageConfig, UnitesTheVolumes) {
    spec::ContainerConfig image = image_config();
    image.volumes = {"/data"};
    spec::ContainerConfig config;
    config.volumes = {"/mine"};
    merge_image_config(config, image);
    EXPECT_EQ(config.volumes.size(), 2U);
    EXPECT_EQ(config.volumes.count("/data"), 1U);
}

TEST(ProcessEnv, HasDockersVariablesFirst) {
    spec::ContainerConfig config;
    config.env = {"A=1"};
    EXPECT_THAT(process_env(config, "host"),
                ElementsAre("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                            "HOSTNAME=host", "A=1"));
    config.tty = true;
    EXPECT_THAT(process_env(config, "host"), Contains("TERM=xterm"));
}

TEST(ProcessEnv, ReplacesAndRemoves) {
    spec::ContainerConfig config;
    config.env = {"PATH=/mine", "HOSTNAME", "A=1", "A=2"};
    EXPECT_THAT(process_env(config, "host"), ElementsAre("PATH=/mine", "A=2"));
}

TEST(CheckConfig, CleansTheWorkingDirectory) {
    spec::ContainerConfig config;
    config.working_dir = "/a//b/../c/";
    ASSERT_TRUE(check_config(config));
    EXPECT_EQ(config.working_dir, "/a/c");
}

TEST(CheckConfig, RefusesWhatMakesNoSense) {
    const auto refuses = [](auto change) {
        spec::ContainerConfig config;
        change(config);
        const auto checked = check_config(config);
        return checked ? std::string("accepted") : checked.error().text();
    };
    EXPECT_EQ(refuses([](auto& c) { c.working_dir = "x"; }),
              "the working directory 'x' is invalid, it needs to be an absolute path");
    EXPECT_EQ(refuses([](auto& c) { c.hostname = "-x"; }), "invalid hostname format: -x");
    EXPECT_NE(refuses([](auto& c) { c.hostname = std::string(64, 'a'); }), "accepted");
    EXPECT_EQ(refuses([](auto& c) { c.env = {"=x"}; }), "invalid environment variable: =x");
    EXPECT_NE(refuses([](auto& c) { c.env = {std::string("A=\0", 3)}; }), "accepted");
    EXPECT_NE(refuses([](auto& c) { c.exposed_ports = {"99999/tcp"}; }), "accepted");
    EXPECT_NE(refuses([](auto& c) { c.stop_signal = "SIGFOO"; }), "accepted");
    EXPECT_NE(refuses([](auto& c) { c.stop_timeout = -5; }), "accepted");
    EXPECT_NE(refuses([](auto& c) { c.mac_address = "zz"; }), "accepted");
}

TEST(CheckMergedConfig, WantsACommand) {
    const auto checked = check_merged_config({});
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().text(), "no command specified");
}

}  // namespace
}  // namespace gantry::engine
