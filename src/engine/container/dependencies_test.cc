#include "engine/container/dependencies.h"

#include <gtest/gtest.h>

#include <string>

#include "engine/container/health.h"
#include "engine/container/record.h"

namespace gantry::engine {
namespace {

SnapshotPtr container(const std::string& name, spec::StringMap labels = {},
                      const std::string& network = "bridge") {
    auto record = std::make_shared<ContainerRecord>();
    record->id = ContainerId("id-of-" + name);
    record->config.labels = std::move(labels);
    record->host.network_mode = network;
    auto snapshot = std::make_shared<ContainerSnapshot>();
    snapshot->record = std::move(record);
    snapshot->name = name;
    return snapshot;
}

spec::StringMap compose(const std::string& project, const std::string& service,
                        const std::string& needs = "") {
    return {{"com.docker.compose.project", project},
            {"com.docker.compose.service", service},
            {"com.docker.compose.depends_on", needs}};
}

Dependency need(const std::string& name, DependencyCondition condition) {
    return {.on = ContainerId("id-of-" + name), .condition = condition};
}

TEST(Dependencies, OwnLabelNamesContainers) {
    const std::vector<SnapshotPtr> all = {
        container("app", {{"gantry.depends-on", "db:healthy, cache,setup:completed,nobody,app"}}),
        container("db"), container("cache"), container("setup")};
    EXPECT_EQ(dependencies_of(*all[0], all),
              (std::vector{need("db", DependencyCondition::kHealthy),
                           need("cache", DependencyCondition::kStarted),
                           need("setup", DependencyCondition::kCompleted)}));
    EXPECT_TRUE(dependencies_of(*all[1], all).empty());
}

TEST(Dependencies, ComposeLabelNamesServicesOfTheSameProject) {
    const std::vector<SnapshotPtr> all = {
        container("p-app-1",
                  compose("p", "app",
                          "db:service_healthy:true,job:service_completed_successfully:false")),
        container("p-db-1", compose("p", "db")), container("p-db-2", compose("p", "db")),
        container("q-db-1", compose("q", "db")), container("p-job-1", compose("p", "job"))};
    EXPECT_EQ(dependencies_of(*all[0], all),
              (std::vector{need("p-db-1", DependencyCondition::kHealthy),
                           need("p-db-2", DependencyCondition::kHealthy),
                           need("p-job-1", DependencyCondition::kCompleted)}));
}

TEST(Dependencies, JoinedNamespacesComeFirst) {
    const std::vector<SnapshotPtr> all = {container("side", {}, "container:id-of-main"),
                                          container("main")};
    EXPECT_EQ(dependencies_of(*all[0], all),
              (std::vector{need("main", DependencyCondition::kStarted)}));
}

TEST(Dependencies, LinkedOnesComeFirst) {
    const SnapshotPtr app = container("app");
    auto record = std::make_shared<ContainerRecord>(*app->record);
    record->host.links = {"id-of-db:store", "id-of-db:other", "id-of-cache:cache"};
    ContainerSnapshot linking = *app;
    linking.record = std::move(record);
    const std::vector<SnapshotPtr> all = {container("db"), container("cache")};
    EXPECT_EQ(dependencies_of(linking, all),
              (std::vector{need("db", DependencyCondition::kStarted),
                           need("cache", DependencyCondition::kStarted)}));
}

TEST(Dependencies, StateFollowsTheLife) {
    using enum DependencyCondition;
    using enum DependencyState;
    Lifecycle life;
    EXPECT_EQ(dependency_state(kStarted, life, false), kHopeless);
    life.phase = Phase::kRestarting;
    EXPECT_EQ(dependency_state(kStarted, life, false), kOpen);
    life.phase = Phase::kRunning;
    EXPECT_EQ(dependency_state(kStarted, life, true), kMet);
    EXPECT_EQ(dependency_state(kCompleted, life, false), kOpen);
    EXPECT_EQ(dependency_state(kHealthy, life, false), kMet);
    EXPECT_EQ(dependency_state(kHealthy, life, true), kOpen);
    life.health = std::make_shared<HealthState>(HealthState{.status = HealthStatus::kHealthy});
    EXPECT_EQ(dependency_state(kHealthy, life, true), kMet);
    life.phase = Phase::kExited;
    EXPECT_EQ(dependency_state(kHealthy, life, true), kHopeless);
    EXPECT_EQ(dependency_state(kCompleted, life, true), kMet);
    life.exit_code = 1;
    EXPECT_EQ(dependency_state(kCompleted, life, true), kHopeless);
}

}  // namespace
}  // namespace gantry::engine
