#include "engine/container/revision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/container/change.h"
#include "engine/container/live_ports.h"

namespace gantry::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ContainerRecord record() {
    ContainerRecord record;
    record.config.env = {"A=1", "B=2"};
    record.config.labels = {{"k", "v"}};
    record.config.cmd = {"sh"};
    record.host.network_mode = "bridge";
    record.host.binds = {"data:/d"};
    record.host.port_bindings["80/tcp"] = std::vector<spec::PortBinding>{{"", "8080"}};
    auto mounts = plan_mounts(record.host, {});
    EXPECT_TRUE(mounts);
    record.mounts = mounts ? *mounts : std::vector<PlannedMount>();
    record.mounts[0].volume = volume::VolumeId("1");
    return record;
}

ContainerSnapshot running(const ContainerRecord& record) {
    ContainerSnapshot snapshot;
    snapshot.record = std::make_shared<const ContainerRecord>(record);
    snapshot.life.phase = Phase::kRunning;
    return snapshot;
}

TEST(Revisions, TellWhatChanged) {
    const ContainerRecord before = record();
    ContainerRecord after = before;
    EXPECT_THAT(describe_changes(before, after), IsEmpty());
    after.config.env = {"A=other", "C=3"};
    after.config.labels.clear();
    after.config.cmd = {"sleep", "1"};
    after.host.port_bindings["80/tcp"]->push_back({"127.0.0.1", "81"});
    EXPECT_THAT(describe_changes(before, after),
                ElementsAre("Labels -k", "Env ~A +C -B", "Cmd", "Ports +127.0.0.1:81:80/tcp"));
}

TEST(Revisions, KnowWhatWaits) {
    const ContainerRecord before = record();
    ContainerRecord after = before;
    after.config.labels["new"] = "";
    EXPECT_EQ(started_as(after, before.config, before.mounts), nullptr);
    after.config.env.emplace_back("C=3");
    ContainerSnapshot snapshot = running(after);
    snapshot.life.started_as = started_as(after, before.config, before.mounts);
    EXPECT_THAT(waiting_parts(snapshot), ElementsAre(Part::kEnv));
    after.mounts.clear();
    snapshot = running(after);
    snapshot.life.started_as = started_as(after, before.config, before.mounts);
    EXPECT_THAT(waiting_parts(snapshot), ElementsAre(Part::kEnv, Part::kMounts));
    EXPECT_EQ(mounts_of_run(snapshot).size(), 1U);
    snapshot.life.phase = Phase::kExited;
    EXPECT_THAT(waiting_parts(snapshot), IsEmpty());
    const auto again = parse_lifecycle(format_lifecycle(snapshot.life));
    ASSERT_TRUE(again);
    ASSERT_NE(again->started_as, nullptr);
    EXPECT_EQ(again->started_as->config.env, before.config.env);
    EXPECT_EQ(again->started_as->mounts.size(), 1U);
}

TEST(Changes, KeepTheVolumesOfMountsThatStay) {
    const ContainerRecord before = record();
    ContainerRecord after = before;
    spec::ContainerChange change;
    change.binds_add = {"data:/other"};
    ASSERT_TRUE(apply_change(after, change));
    const auto mounts = plan_changed_mounts(before, after);
    ASSERT_TRUE(mounts);
    ASSERT_EQ(mounts->size(), 2U);
    EXPECT_EQ((*mounts)[0].volume.str(), "1");
    EXPECT_TRUE((*mounts)[1].volume.empty());
}

TEST(Changes, ReplaceInOneRequest) {
    ContainerRecord changed = record();
    spec::ContainerChange change;
    change.mounts_remove = {"/d/"};
    change.binds_add = {"/tmp:/d"};
    change.ports_remove["80"] = std::nullopt;
    change.ports_add["80/tcp"] = std::vector<spec::PortBinding>{{"", "8080"}};
    ASSERT_TRUE(apply_change(changed, change));
    EXPECT_THAT(changed.host.binds, ElementsAre("/tmp:/d"));
    EXPECT_EQ(changed.host.port_bindings.size(), 1U);
}

net::PublishedPort published(uint16_t host_port) {
    return {.protocol = net::PortProtocol::kTcp,
            .container_port = 80,
            .host_ip = {},
            .host_port = host_port};
}

net::PortRequest wish(uint16_t first, uint16_t last) {
    return {.protocol = net::PortProtocol::kTcp,
            .container_port = 80,
            .host_ip = {},
            .host_first = first,
            .host_last = last};
}

TEST(ComparePorts, WhoWantsACertainPortChoosesFirst) {
    const auto difference =
        compare_ports({published(8080), published(40000)}, {wish(0, 0), wish(8080, 8080)});
    EXPECT_THAT(difference.removed, IsEmpty());
    EXPECT_THAT(difference.added, IsEmpty());
    EXPECT_EQ(difference.kept.size(), 2U);
}

TEST(ComparePorts, TellsWhatComesAndGoes) {
    const auto difference = compare_ports({published(8080)}, {wish(9000, 9010)});
    EXPECT_THAT(difference.removed, ElementsAre(published(8080)));
    ASSERT_EQ(difference.added.size(), 1U);
    EXPECT_EQ(difference.added[0].host_first, 9000);
}

}  // namespace
}  // namespace gantry::engine
