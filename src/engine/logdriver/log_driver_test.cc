#include "engine/logdriver/log_driver.h"

#include <gtest/gtest.h>

#include "engine/logdriver/log_values.h"

namespace gantry::engine {
namespace {

using Format = runtime::LogOptions::Format;

TEST(LogFileOptions, JsonFileIsBoundedWithoutOptions) {
    const auto none = json_file_options({});
    ASSERT_TRUE(none);
    EXPECT_EQ(none->max_size, 20 << 20);
    EXPECT_EQ(none->max_files, 5U);
    EXPECT_TRUE(none->compress);
    const auto docker = json_file_options({{"max-size", "10k"}});
    ASSERT_TRUE(docker);
    EXPECT_EQ(docker->max_size, 10000);
    EXPECT_EQ(docker->max_files, 1U);
    EXPECT_FALSE(docker->compress);
    const auto unbounded = json_file_options({{"max-size", "-1"}});
    ASSERT_TRUE(unbounded);
    EXPECT_EQ(unbounded->max_size, -1);
}

TEST(LogFileOptions, TheCacheHasOptionsOfItsOwn) {
    const auto cache = local_file_options(
        {{"max-size", "1k"}, {"cache-max-size", "2k"}, {"cache-max-file", "3"}}, "cache-");
    ASSERT_TRUE(cache);
    EXPECT_EQ(cache->max_size, 2000);
    EXPECT_EQ(cache->max_files, 3U);
    EXPECT_EQ(cache->format, Format::kLocal);
}

TEST(LogDefaults, AreForContainersWithTheDaemonsDriver) {
    const spec::LogConfig daemon{.type = "syslog",
                                 .config = {{"tag", "x"}, {"cache-max-size", "1m"}}};
    spec::LogConfig same{.type = "", .config = {{"tag", "mine"}}};
    merge_log_defaults(same, daemon);
    EXPECT_EQ(same.type, "syslog");
    EXPECT_EQ(same.config, (LogOptionMap{{"tag", "mine"}, {"cache-max-size", "1m"}}));
    spec::LogConfig other{.type = "local", .config = {}};
    merge_log_defaults(other, daemon);
    EXPECT_EQ(other.config, (LogOptionMap{{"cache-max-size", "1m"}}));
}

TEST(LogStore, IsWhereTheDriverWrites) {
    const ContainerId id(std::string(64, 'a'));
    EXPECT_EQ(log_store({.type = "json-file", .config = {}}, "/c", id).path,
              "/c/" + id.str() + "-json.log");
    EXPECT_EQ(log_store({.type = "local", .config = {}}, "/c", id).path, "/c/container.log");
    EXPECT_EQ(log_store({.type = "journald", .config = {}}, "/c", id).path,
              "/c/container-cached.log");
    EXPECT_EQ(log_store({.type = "none", .config = {}}, "/c", id).path, "");
    EXPECT_EQ(log_store({.type = "syslog", .config = {{"cache-disabled", "true"}}}, "/c", id).path,
              "");
}

TEST(LogTag, FillsInFields) {
    ContainerRecord record;
    record.id = ContainerId(std::string(64, 'b'));
    record.config.image = "img:1";
    record.host.log_config.config = {{"tag", "{{.Name}}/{{ .FullID }}|{{.ImageName}}"}};
    const auto tag = log_tag({record, "web"}, "{{.ID}}");
    ASSERT_TRUE(tag) << tag.error().text();
    EXPECT_EQ(*tag, "web/" + std::string(64, 'b') + "|img:1");
    record.host.log_config.config.clear();
    EXPECT_EQ(log_tag({record, "web"}, "{{.ID}}").value(), std::string(12, 'b'));
    EXPECT_EQ(log_tag({record, "web"}, "").value(), "");
}

}  // namespace
}  // namespace gantry::engine
