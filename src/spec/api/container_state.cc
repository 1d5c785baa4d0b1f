#include "spec/api/container_state.h"

#include "spec/impl/binding.h"

namespace gantry::spec::impl {

GT_JSON(HealthcheckResult, "HealthcheckResult",
        .field("Start", &HealthcheckResult::start)
            .field("End", &HealthcheckResult::end)
            .field("ExitCode", &HealthcheckResult::exit_code)
            .field("Output", &HealthcheckResult::output))

GT_JSON(Health, "Health",
        .field("Status", &Health::status)
            .field("FailingStreak", &Health::failing_streak)
            .field("Log", &Health::log))

GT_JSON(ContainerState, "State",
        .field("Status", &ContainerState::status)
            .field("Running", &ContainerState::running)
            .field("Paused", &ContainerState::paused)
            .field("Restarting", &ContainerState::restarting)
            .field("OOMKilled", &ContainerState::oom_killed)
            .field("Dead", &ContainerState::dead)
            .field("Pid", &ContainerState::pid)
            .field("ExitCode", &ContainerState::exit_code)
            .field("Error", &ContainerState::error)
            .field("StartedAt", &ContainerState::started_at)
            .field("FinishedAt", &ContainerState::finished_at)
            .field("Health", &ContainerState::health, Rule::kOmit))

}  // namespace gantry::spec::impl
