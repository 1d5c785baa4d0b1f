#include "engine/container/health.h"

#include <fmt/core.h>

#include <array>
#include <utility>

namespace gantry::engine {

namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr nanoseconds kDefaultInterval = seconds(30);
constexpr nanoseconds kDefaultTimeout = seconds(30);
constexpr nanoseconds kDefaultStartInterval = seconds(5);
constexpr int kDefaultRetries = 3;
constexpr int64_t kShortest = 1'000'000;
constexpr size_t kMaxLog = 5;

nanoseconds or_default(int64_t chosen, nanoseconds otherwise) {
    return chosen > 0 ? nanoseconds(chosen) : otherwise;
}

/// "CMD" and "CMD-SHELL" with a command behind them.
std::vector<std::string> probe_command(const std::vector<std::string>& test,
                                       const std::vector<std::string>& shell) {
    if (test.size() < 2 || (test.front() != "CMD" && test.front() != "CMD-SHELL")) {
        return {};
    }
    std::vector<std::string> argv;
    if (test.front() == "CMD-SHELL") {
        argv = shell.empty() ? std::vector<std::string>{"/bin/sh", "-c"} : shell;
    }
    argv.insert(argv.end(), test.begin() + 1, test.end());
    return argv;
}

}  // namespace

std::string_view health_name(HealthStatus status) {
    switch (status) {
        case HealthStatus::kStarting: return "starting";
        case HealthStatus::kHealthy: return "healthy";
        case HealthStatus::kUnhealthy: return "unhealthy";
    }
    return "";
}

std::optional<HealthPlan> health_plan(const spec::ContainerConfig& config) {
    if (!config.healthcheck) {
        return std::nullopt;
    }
    const spec::HealthConfig& health = *config.healthcheck;
    HealthPlan plan;
    plan.argv = probe_command(health.test, config.shell);
    if (plan.argv.empty()) {
        return std::nullopt;
    }
    plan.interval = or_default(health.interval, kDefaultInterval);
    plan.timeout = or_default(health.timeout, kDefaultTimeout);
    plan.start_period = or_default(health.start_period, nanoseconds(0));
    plan.start_interval = or_default(health.start_interval, kDefaultStartInterval);
    plan.retries = health.retries > 0 ? static_cast<int>(health.retries) : kDefaultRetries;
    return plan;
}

Result<> check_health_config(const spec::HealthConfig& health) {
    const std::array<std::pair<int64_t, std::string_view>, 4> times = {{
        {health.interval, "Interval"},
        {health.timeout, "Timeout"},
        {health.start_period, "StartPeriod"},
        {health.start_interval, "StartInterval"},
    }};
    for (const auto& [time, name] : times) {
        if (time != 0 && time < kShortest) {
            return fail(Kind::kInvalid,
                        fmt::format("{} in Healthcheck cannot be less than 1ms", name));
        }
    }
    if (health.retries < 0) {
        return fail(Kind::kInvalid, "Retries in Healthcheck cannot be negative");
    }
    if (health.test.empty() || health.test.front() == "NONE" || health.test.front().empty()) {
        return {};
    }
    if (health.test.front() != "CMD" && health.test.front() != "CMD-SHELL") {
        return fail(Kind::kInvalid, fmt::format("Unknown type \"{}\" in HEALTHCHECK (try CMD)",
                                                health.test.front().substr(0, 64)));
    }
    for (const std::string& word : health.test) {
        if (word.find('\0') != std::string::npos) {
            return fail(Kind::kInvalid, "the health check's command holds a NUL byte");
        }
    }
    return health.test.size() > 1 ? Result<>()
                                  : fail(Kind::kInvalid, "Missing command after HEALTHCHECK CMD");
}

void merge_health(std::optional<spec::HealthConfig>& config,
                  const std::optional<spec::HealthConfig>& image) {
    if (!image) {
        return;
    }
    if (!config) {
        config = image;
        return;
    }
    if (config->test.empty()) {
        config->test = image->test;
    }
    for (const auto field : {&spec::HealthConfig::interval, &spec::HealthConfig::timeout,
                             &spec::HealthConfig::start_period, &spec::HealthConfig::start_interval,
                             &spec::HealthConfig::retries}) {
        if ((*config).*field == 0) {
            (*config).*field = (*image).*field;
        }
    }
}

nanoseconds next_probe_delay(const HealthPlan& plan, HealthStatus status, nanoseconds since_start) {
    return status == HealthStatus::kStarting && since_start < plan.start_period
               ? plan.start_interval
               : plan.interval;
}

HealthState after_probe(const HealthPlan& plan, HealthState before, ProbeResult result,
                        nanoseconds since_start) {
    HealthState state = std::move(before);
    if (result.exit_code == 0) {
        state.failing_streak = 0;
        state.status = HealthStatus::kHealthy;
    } else if (state.status != HealthStatus::kStarting || since_start >= plan.start_period) {
        ++state.failing_streak;
        if (state.failing_streak >= plan.retries) {
            state.status = HealthStatus::kUnhealthy;
        }
    }
    state.log.push_back(std::move(result));
    if (state.log.size() > kMaxLog) {
        state.log.erase(state.log.begin());
    }
    return state;
}

spec::Health describe_health(const HealthState& state) {
    spec::Health health;
    health.status = health_name(state.status);
    health.failing_streak = state.failing_streak;
    for (const ProbeResult& result : state.log) {
        health.log.push_back({.start = result.start,
                              .end = result.end,
                              .exit_code = result.exit_code,
                              .output = result.output});
    }
    return health;
}

}  // namespace gantry::engine
