#include "engine/container/list_filter.h"

#include <gtest/gtest.h>

#include "engine/container/record.h"

namespace gantry::engine {
namespace {

class ListFilterTest : public testing::Test {
protected:
    ListFilterTest() {
        auto record = std::make_shared<ContainerRecord>();
        record->id = ContainerId("abc" + std::string(61, '0'));
        record->created = WallTime(std::chrono::seconds(100));
        record->image = ImageId("sha256:1");
        record->config.labels = {{"tier", "front"}};
        record->config.exposed_ports = {"80/tcp"};
        record->host.network_mode = "bridge";
        record->host.binds = {"/src:/data"};
        record->mounts = plan_mounts(record->host, {}).value();
        container_ = {.record = record, .name = "web", .life = {}};
        container_.life.phase = Phase::kRunning;
        container_.life.ports = {{.protocol = net::PortProtocol::kTcp,
                                  .container_port = 80,
                                  .host_ip = {},
                                  .host_port = 8080}};
    }

    bool matches(std::string_view json, ListFilter::Names names = {}) {
        const auto filter = ListFilter::make(spec::Filters::parse(json).value(), std::move(names));
        EXPECT_TRUE(filter) << json;
        return filter && filter->matches(container_);
    }

    ContainerSnapshot container_;
};

TEST_F(ListFilterTest, MatchesWhatTheContainerIs) {
    for (const char* yes :
         {R"({})", R"({"name":["we"]})", R"({"name":["^/web$"]})", R"({"name":["^web$"]})",
          R"({"id":["abc"]})", R"({"label":["tier"]})", R"({"label":["tier=front"]})",
          R"({"status":["running","exited"]})", R"({"network":["bridge"]})",
          R"({"volume":["/data"]})", R"({"volume":["/src"]})", R"({"publish":["8080"]})",
          R"({"publish":["8000-8100/tcp"]})", R"({"expose":["80/tcp"]})", R"({"health":["none"]})",
          R"({"is-task":["false"]})"}) {
        EXPECT_TRUE(matches(yes)) << yes;
    }
    for (const char* no :
         {R"({"name":["db"]})", R"({"id":["bc"]})", R"({"label":["tier=back"]})",
          R"({"label":["tier","x"]})", R"({"status":["exited"]})", R"({"network":["none"]})",
          R"({"volume":["/dat"]})", R"({"publish":["80"]})", R"({"expose":["80/udp"]})",
          R"({"health":["healthy"]})", R"({"is-task":["true"]})", R"({"exited":["0"]})",
          R"({"ancestor":["x"]})"}) {
        EXPECT_FALSE(matches(no)) << no;
    }
}

TEST_F(ListFilterTest, KnowsItsNames) {
    EXPECT_TRUE(matches(R"({"ancestor":["x"]})",
                        {.before = {}, .since = {}, .ancestors = {ImageId("sha256:1")}}));
    auto other = std::make_shared<ContainerRecord>();
    other->created = WallTime(std::chrono::seconds(200));
    const auto later = std::make_shared<const ContainerSnapshot>(
        ContainerSnapshot{.record = other, .name = "later", .life = {}});
    EXPECT_TRUE(matches(R"({"before":["x"]})", {.before = later, .since = {}, .ancestors = {}}));
    EXPECT_FALSE(matches(R"({"since":["x"]})", {.before = {}, .since = later, .ancestors = {}}));
}

TEST_F(ListFilterTest, CountsExitCodesOfTheExited) {
    container_.life.phase = Phase::kExited;
    container_.life.exit_code = 3;
    EXPECT_TRUE(matches(R"({"exited":["3","4"]})"));
    EXPECT_FALSE(matches(R"({"exited":["0"]})"));
}

TEST_F(ListFilterTest, RefusesNonsense) {
    for (const char* bad : {R"({"foo":["x"]})", R"({"status":["nosuch"]})", R"({"exited":["x"]})",
                            R"({"health":["x"]})", R"({"is-task":["maybe"]})",
                            R"({"publish":["x"]})", R"({"name":["["]})"}) {
        const auto filter = ListFilter::make(spec::Filters::parse(bad).value(), {});
        ASSERT_FALSE(filter) << bad;
        EXPECT_EQ(filter.error().kind(), Kind::kInvalid);
    }
}

TEST_F(ListFilterTest, SomeLookAtStoppedContainersToo) {
    const auto all = [](std::string_view json) {
        return ListFilter::make(spec::Filters::parse(json).value(), {})->implies_all();
    };
    EXPECT_TRUE(all(R"({"status":["running"]})"));
    EXPECT_TRUE(all(R"({"exited":["1"]})"));
    EXPECT_FALSE(all(R"({"name":["x"]})"));
}

}  // namespace
}  // namespace gantry::engine
