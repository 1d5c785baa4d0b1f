#include "engine/container/health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using testing::ElementsAre;

spec::ContainerConfig with_test(std::vector<std::string> test) {
    spec::ContainerConfig config;
    config.healthcheck.emplace().test = std::move(test);
    return config;
}

/// A run of a container whose probes last no time, under a clock that only the test moves.
class Clock {
public:
    explicit Clock(HealthPlan plan) : plan_(std::move(plan)) { arm(); }

    /// Moves to the next probe, which ends with CODE. Gives when it began.
    nanoseconds probe(int code) {
        now_ = next_;
        state_ = after_probe(plan_, state_, {.exit_code = code}, now_);
        arm();
        return now_;
    }
    HealthStatus status() const { return state_.status; }
    const HealthState& state() const { return state_; }

private:
    void arm() { next_ = now_ + next_probe_delay(plan_, state_.status, now_); }

    const HealthPlan plan_;
    HealthState state_;
    nanoseconds now_{0};
    nanoseconds next_{0};
};

TEST(HealthPlan, HasDockersDefaults) {
    const auto plan = health_plan(with_test({"CMD", "/bin/check", "a b"}));
    ASSERT_TRUE(plan);
    EXPECT_THAT(plan->argv, ElementsAre("/bin/check", "a b"));
    EXPECT_EQ(plan->interval, seconds(30));
    EXPECT_EQ(plan->timeout, seconds(30));
    EXPECT_EQ(plan->start_period, seconds(0));
    EXPECT_EQ(plan->start_interval, seconds(5));
    EXPECT_EQ(plan->retries, 3);
}

TEST(HealthPlan, UsesTheShell) {
    spec::ContainerConfig config = with_test({"CMD-SHELL", "exit 1"});
    EXPECT_THAT(health_plan(config)->argv, ElementsAre("/bin/sh", "-c", "exit 1"));
    config.shell = {"/bin/ash", "-ec"};
    EXPECT_THAT(health_plan(config)->argv, ElementsAre("/bin/ash", "-ec", "exit 1"));
}

TEST(HealthPlan, MayBeNone) {
    EXPECT_FALSE(health_plan({}));
    for (const auto& test : {std::vector<std::string>{}, {"NONE"}, {"CMD"}, {"HTTP", "/"}}) {
        EXPECT_FALSE(health_plan(with_test(test)));
    }
}

TEST(CheckHealthConfig, RefusesInDockersWords) {
    const auto text = [](const spec::HealthConfig& health) {
        const auto checked = check_health_config(health);
        return checked ? "" : checked.error().text();
    };
    EXPECT_EQ(text({.interval = 999'999}), "Interval in Healthcheck cannot be less than 1ms");
    EXPECT_EQ(text({.timeout = -1}), "Timeout in Healthcheck cannot be less than 1ms");
    EXPECT_EQ(text({.start_period = 1}), "StartPeriod in Healthcheck cannot be less than 1ms");
    EXPECT_EQ(text({.start_interval = 1}), "StartInterval in Healthcheck cannot be less than 1ms");
    EXPECT_EQ(text({.retries = -1}), "Retries in Healthcheck cannot be negative");
    EXPECT_EQ(text({.test = {"CURL", "x"}}), "Unknown type \"CURL\" in HEALTHCHECK (try CMD)");
    EXPECT_EQ(text({.test = {"CMD"}}), "Missing command after HEALTHCHECK CMD");
    EXPECT_EQ(text({.test = {"NONE"}}), "");
    EXPECT_EQ(text({.test = {"CMD", "x"}, .interval = 1'000'000}), "");
}

TEST(MergeHealth, TakesField) {
    const std::optional<spec::HealthConfig> image = spec::HealthConfig{
        .test = {"CMD", "image"}, .interval = 5, .timeout = 6, .start_period = 7, .retries = 8};
    std::optional<spec::HealthConfig> config;
    merge_health(config, image);
    EXPECT_THAT(config->test, ElementsAre("CMD", "image"));
    config = spec::HealthConfig{.timeout = 60};
    merge_health(config, image);
    EXPECT_THAT(config->test, ElementsAre("CMD", "image"));
    EXPECT_EQ(config->interval, 5);
    EXPECT_EQ(config->timeout, 60);
    EXPECT_EQ(config->retries, 8);
    config = spec::HealthConfig{.test = {"NONE"}};
    merge_health(config, image);
    EXPECT_THAT(config->test, ElementsAre("NONE"));
    merge_health(config, std::nullopt);
    EXPECT_THAT(config->test, ElementsAre("NONE"));
}

TEST(HealthTiming, FirstProbeIsOneIntervalAfterTheStart) {
    Clock clock(*health_plan(with_test({"CMD", "x"})));
    EXPECT_EQ(clock.probe(0), seconds(30));
    EXPECT_EQ(clock.status(), HealthStatus::kHealthy);
    EXPECT_EQ(clock.probe(0), seconds(60));
}

TEST(HealthTiming, RetriesFailuresInARowAreUnhealthy) {
    Clock clock(*health_plan(with_test({"CMD", "x"})));
    clock.probe(1);
    clock.probe(1);
    EXPECT_EQ(clock.status(), HealthStatus::kStarting);
    clock.probe(0);
    clock.probe(1);
    clock.probe(-1);
    EXPECT_EQ(clock.status(), HealthStatus::kHealthy);
    EXPECT_EQ(clock.state().failing_streak, 2);
    clock.probe(7);
    EXPECT_EQ(clock.status(), HealthStatus::kUnhealthy);
    EXPECT_EQ(clock.state().failing_streak, 3);
    clock.probe(0);
    EXPECT_EQ(clock.status(), HealthStatus::kHealthy);
    EXPECT_EQ(clock.state().failing_streak, 0);
}

TEST(HealthTiming, TheStartPeriodHasItsOwnIntervalAndForgives) {
    HealthPlan plan = *health_plan(with_test({"CMD", "x"}));
    plan.start_period = seconds(12);
    plan.retries = 2;
    Clock clock(plan);
    EXPECT_EQ(clock.probe(1), seconds(5));
    EXPECT_EQ(clock.probe(1), seconds(10));
    EXPECT_EQ(clock.state().failing_streak, 0);
    // Armed within the period, begun after it: counts.
    EXPECT_EQ(clock.probe(1), seconds(15));
    EXPECT_EQ(clock.state().failing_streak, 1);
    EXPECT_EQ(clock.probe(1), seconds(45));
    EXPECT_EQ(clock.status(), HealthStatus::kUnhealthy);
}

TEST(HealthTiming, SuccessEndsTheStartPeriod) {
    HealthPlan plan = *health_plan(with_test({"CMD", "x"}));
    plan.start_period = seconds(60);
    plan.start_interval = milliseconds(500);
    plan.retries = 1;
    Clock clock(plan);
    EXPECT_EQ(clock.probe(0), milliseconds(500));
    EXPECT_EQ(clock.probe(1), milliseconds(30'500));
    EXPECT_EQ(clock.status(), HealthStatus::kUnhealthy);
}

TEST(HealthLog, KeepsTheLastFive) {
    Clock clock(*health_plan(with_test({"CMD", "x"})));
    for (int code = 1; code <= 7; ++code) {
        clock.probe(code);
    }
    const spec::Health health = describe_health(clock.state());
    ASSERT_EQ(health.log.size(), 5);
    EXPECT_EQ(health.log.front().exit_code, 3);
    EXPECT_EQ(health.log.back().exit_code, 7);
    EXPECT_EQ(health.status, "unhealthy");
}

}  // namespace
}  // namespace gantry::engine
