#include "engine/container/restart_policy.h"

#include <algorithm>
#include <string_view>

#include "base/log.h"
#include "engine/container/start.h"

namespace gantry::engine {

namespace {

constexpr std::chrono::milliseconds kFirstDelay(100);
constexpr std::chrono::milliseconds kLongestDelay(60'000);
/// A run of this length has succeeded, for the back-off.
constexpr std::chrono::seconds kGoodRun(10);
/// 100 ms doubled this often is over a minute.
constexpr int kMaxDoublings = 10;

bool policy_allows(const ContainerRecord& record, const Lifecycle& life) {
    const spec::RestartPolicy& policy = record.host.restart_policy;
    if (life.restart_wanted && policy.name != "on-failure") {
        return true;
    }
    if (policy.name == "always" || policy.name == "unless-stopped") {
        return true;
    }
    return policy.name == "on-failure" && (life.exit_code != 0 || life.restart_wanted) &&
           (policy.maximum_retry_count == 0 || life.restart_count < policy.maximum_retry_count);
}

}  // namespace

bool wants_restart(const ContainerRecord& record, const Lifecycle& life, RemovalPending removal) {
    return removal == RemovalPending::kNo && !life.manually_stopped &&
           life.phase == Phase::kExited && policy_allows(record, life);
}

bool wants_boot_restart(const ContainerRecord& record, const Lifecycle& life) {
    if (life.phase == Phase::kRestarting) {
        return true;
    }
    if (life.phase != Phase::kExited || life.started_at == WallTime{}) {
        return false;
    }
    if (life.manually_stopped && record.host.restart_policy.name != "always") {
        return false;
    }
    return policy_allows(record, life);
}

std::chrono::milliseconds restart_delay(int restarts_in_a_row) {
    const int doublings = std::clamp(restarts_in_a_row - 1, 0, kMaxDoublings);
    return std::min(kFirstDelay * (1 << doublings), kLongestDelay);
}

int next_restarts_in_a_row(int before, const Lifecycle& life) {
    return life.finished_at - life.started_at >= kGoodRun ? 1 : before + 1;
}

void schedule_restart(ContainerCore& core, const EntryPtr& entry,
                      const ContainerEntry::Operation& operation) {
    if (core.recovering) {
        return;
    }
    const int in_a_row =
        next_restarts_in_a_row(entry->restarts_in_a_row(), entry->snapshot()->life);
    entry->set_restarts_in_a_row(operation, in_a_row);
    auto timer = core.parts.loop.after(restart_delay(in_a_row), [&core, entry] {
        core.background.run([&core, entry] {
            if (const auto started = restart_by_policy(core, entry); !started) {
                log::warn("cannot restart a container",
                          {{"container", entry->id().str()}, {"error", started.error().text()}});
            }
        });
    });
    entry->set_restart_timer(operation, std::move(timer));
}

}  // namespace gantry::engine
