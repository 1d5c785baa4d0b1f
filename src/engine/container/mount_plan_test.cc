#include "engine/container/mount_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spec/api/container.h"

namespace gantry::engine {
namespace {

using testing::HasSubstr;

std::string refusal(const spec::HostConfig& host) {
    const auto plans = plan_mounts(host, {});
    return plans ? "accepted" : plans.error().text();
}

spec::Mount bind(std::string source, std::string target) {
    spec::Mount mount;
    mount.type = "bind";
    mount.source = std::move(source);
    mount.target = std::move(target);
    return mount;
}

spec::Mount volume(std::string source, std::string target) {
    spec::Mount mount = bind(std::move(source), std::move(target));
    mount.type = "volume";
    return mount;
}

TEST(PlanMounts, VolumesComeLast) {
    spec::HostConfig host;
    host.binds = {"data:/a:ro", "/src:/b"};
    host.tmpfs = {{"/c", ""}};
    PlannedMount lent{.type = PlannedMount::Type::kVolume,
                      .source = "lent",
                      .target = "/a",
                      .volume = volume::VolumeId("1")};
    PlannedMount also = lent;
    also.target = "/d";
    PlannedMount later = also;
    later.source = "later";
    const auto plans = plan_mounts(host, {"/a", "/b/", "/c", "/d", "/e"}, {lent, also, later});
    ASSERT_TRUE(plans) << plans.error().text();
    ASSERT_EQ(plans->size(), 5U);
    EXPECT_EQ((*plans)[0].source, "data");
    EXPECT_TRUE((*plans)[0].read_only);
    EXPECT_EQ((*plans)[0].naming, PlannedMount::Naming::kNamed);
    EXPECT_EQ((*plans)[1].type, PlannedMount::Type::kBind);
    EXPECT_EQ((*plans)[2].type, PlannedMount::Type::kTmpfs);
    EXPECT_EQ((*plans)[3].source, "later");
    EXPECT_EQ((*plans)[4].naming, PlannedMount::Naming::kAnonymous);
    EXPECT_EQ((*plans)[4].copy_up, PlannedMount::CopyUp::kYes);
}

TEST(MountRecords, ComeBackAsTheyWere) {
    spec::HostConfig host;
    host.binds = {"data:/a:ro,nocopy", "/src:/b:rslave"};
    host.mounts = {volume("vol", "/c")};
    host.mounts[0].volume_options.emplace().subpath = "sub";
    host.mounts[0].volume_options->labels = {{"k", "v"}};
    host.tmpfs = {{"/d", "size=1m"}};
    auto plans = plan_mounts(host, {"/e"}).value();
    plans[0].volume = volume::VolumeId("id");
    const std::string text = format_mounts(plans);
    const auto again = parse_mounts(text);
    ASSERT_TRUE(again) << again.error().text();
    EXPECT_EQ(format_mounts(*again), text);
    EXPECT_EQ(again->at(0).volume.str(), "id");
    EXPECT_EQ(again->at(2).subpath, "sub");
    EXPECT_EQ(parse_mounts("[{}]").error().kind(), Kind::kDataLoss);
    EXPECT_EQ(parse_mounts("{").error().kind(), Kind::kDataLoss);
}

TEST(PlanMounts, ReadsAllThreeNotations) {
    spec::HostConfig host;
    host.binds = {"/src:/dst/below:ro,rslave"};
    host.mounts = {bind("/a/../b", "/dst")};
    host.tmpfs = {{"/t", "size=1m"}};
    const auto plans = plan_mounts(host, {});
    ASSERT_TRUE(plans) << plans.error().text();
    ASSERT_EQ(plans->size(), 3U);
    // Parents come first.
    EXPECT_EQ((*plans)[0].target, "/dst");
    EXPECT_EQ((*plans)[0].source, "/b");
    EXPECT_EQ((*plans)[0].missing_source, PlannedMount::MissingSource::kRefuse);
    EXPECT_EQ((*plans)[1].target, "/t");
    EXPECT_EQ((*plans)[2].target, "/dst/below");
    EXPECT_TRUE((*plans)[2].read_only);
    EXPECT_EQ((*plans)[2].propagation, "rslave");
    EXPECT_EQ((*plans)[2].missing_source, PlannedMount::MissingSource::kMakeDirectory);
}

TEST(PlanMounts, RefusesInDockersWords) {
    spec::HostConfig host;
    host.binds = {"/tmp:/x", "/var:/x/"};
    EXPECT_EQ(refusal(host), "Duplicate mount point: /x");
    host.binds = {"a/b:/x"};
    EXPECT_THAT(refusal(host), HasSubstr("includes invalid characters"));
    for (const char* bad : {"/tmp:x", "/tmp:/", "/tmp:/x:nosuch", "/tmp:/x:a:b", ""}) {
        host.binds = {bad};
        EXPECT_NE(refusal(host), "accepted") << bad;
    }
    host.binds.clear();
    host.mounts = {bind("", "/x")};
    EXPECT_THAT(refusal(host), HasSubstr("Source must not be empty"));
    host.mounts = {bind("/tmp", "x")};
    EXPECT_THAT(refusal(host), HasSubstr("mount path must be absolute"));
    host.mounts = {bind("/tmp", "/x")};
    host.mounts[0].tmpfs_options.emplace();
    EXPECT_THAT(refusal(host), HasSubstr("TmpfsOptions must not be specified"));
    host.mounts[0] = bind("/tmp", "/x");
    host.mounts[0].bind_options.emplace().propagation = "x";
    EXPECT_THAT(refusal(host), HasSubstr("propagation"));
    host.mounts[0].type = "npipe";
    EXPECT_THAT(refusal(host), HasSubstr("mount type unknown"));
    host.mounts[0].type = "cluster";
    EXPECT_EQ(plan_mounts(host, {}).error().kind(), Kind::kNotImplemented);
    host.mounts[0] = volume("", "/x");
    host.mounts[0].read_only = true;
    EXPECT_THAT(refusal(host),
                HasSubstr("must not set ReadOnly mode when using anonymous volumes"));
    host.mounts[0] = volume("data", "/x");
    host.mounts[0].volume_options.emplace().subpath = "../up";
    EXPECT_THAT(refusal(host), HasSubstr("subpath must be a relative path within the volume"));
    host.mounts[0].volume_options->subpath = "";
    host.mounts[0].volume_options->driver_config.emplace().name = "nosuch";
    EXPECT_EQ(refusal(host), "error looking up volume plugin nosuch: plugin \"nosuch\" not found");
    host.mounts.clear();
    host.binds = {"data:/x:shared"};
    EXPECT_THAT(refusal(host), HasSubstr("field BindOptions must not be specified"));
    host.binds = {"/tmp:/x:nocopy"};
    EXPECT_THAT(refusal(host), HasSubstr("field VolumeOptions must not be specified"));
    host.binds.clear();
    EXPECT_THAT(plan_mounts(host, {"/"}).error().text(), HasSubstr("destination can't be '/'"));
    EXPECT_THAT(plan_mounts(host, {"x"}).error().text(), HasSubstr("must be absolute"));
    host.mounts.clear();
    host.tmpfs = {{"relative", ""}};
    EXPECT_THAT(refusal(host), HasSubstr("must be absolute"));
    host.tmpfs = {{"/x", "nosuchoption=1"}};
    EXPECT_NE(refusal(host), "accepted");
}

TEST(PlanMounts, TakesTmpfsOptions) {
    spec::HostConfig host;
    spec::Mount mount;
    mount.type = "tmpfs";
    mount.target = "/t";
    mount.tmpfs_options.emplace().size_bytes = 4096;
    mount.tmpfs_options->mode = 0700;
    host.mounts = {mount};
    const auto plans = plan_mounts(host, {});
    ASSERT_TRUE(plans) << plans.error().text();
    EXPECT_EQ((*plans)[0].tmpfs_options, "size=4096,mode=700");
}

TEST(MountPoints, AreWhatInspectShows) {
    spec::HostConfig host;
    host.binds = {"/src:/dst:ro"};
    host.tmpfs = {{"/hidden", ""}};
    const auto points = mount_points(plan_mounts(host, {}).value(), nullptr);
    ASSERT_EQ(points.size(), 1U);
    EXPECT_EQ(points[0].type, "bind");
    EXPECT_EQ(points[0].source, "/src");
    EXPECT_EQ(points[0].destination, "/dst");
    EXPECT_EQ(points[0].mode, "ro");
    EXPECT_FALSE(points[0].rw);
    EXPECT_EQ(points[0].propagation, "rprivate");
}

TEST(BindSources, RefuseWhatIsNotThere) {
    spec::HostConfig host;
    host.mounts = {bind("/nosuch/gantry", "/x")};
    const auto checked = check_bind_sources(plan_mounts(host, {}).value(), SourceMaking::kRefuse);
    ASSERT_FALSE(checked);
    EXPECT_THAT(checked.error().text(), HasSubstr("bind source path does not exist"));
    host.mounts.clear();
    host.binds = {"/nosuch/gantry:/x"};
    EXPECT_TRUE(check_bind_sources(plan_mounts(host, {}).value(), SourceMaking::kRefuse));
}

}  // namespace
}  // namespace gantry::engine
