#include "engine/container/update.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "engine/container/cgroup_limits.h"
#include "engine/container/change.h"
#include "engine/container/host_check.h"
#include "engine/container/install.h"
#include "engine/container/stop.h"
#include "spec/json.h"

namespace gantry::engine {

namespace {

Failure conflict(std::string_view text) {
    return fail(Kind::kConflict, std::string(text));
}

/// NanoCpus is another way to say period and quota: once one way is taken, it stays.
Result<> check_cpu_notation(const spec::Resources& now, const spec::Resources& wanted) {
    if (wanted.nano_cpus > 0 && now.cpu_period > 0) {
        return conflict(
            "Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set");
    }
    if (wanted.nano_cpus > 0 && now.cpu_quota > 0) {
        return conflict(
            "Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set");
    }
    if (wanted.cpu_period > 0 && now.nano_cpus > 0) {
        return conflict(
            "Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set");
    }
    if (wanted.cpu_quota > 0 && now.nano_cpus > 0) {
        return conflict(
            "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set");
    }
    return {};
}

template <class T>
void take(T& value, const T& wanted) {
    if (wanted != T{}) {
        value = wanted;
    }
}

void take_resources(spec::Resources& now, const spec::Resources& wanted) {
    take(now.blkio_weight, wanted.blkio_weight);
    take(now.cpu_shares, wanted.cpu_shares);
    take(now.nano_cpus, wanted.nano_cpus);
    take(now.cpu_period, wanted.cpu_period);
    take(now.cpu_quota, wanted.cpu_quota);
    take(now.cpu_realtime_period, wanted.cpu_realtime_period);
    take(now.cpu_realtime_runtime, wanted.cpu_realtime_runtime);
    take(now.cpuset_cpus, wanted.cpuset_cpus);
    take(now.cpuset_mems, wanted.cpuset_mems);
    take(now.memory, wanted.memory);
    take(now.memory_swap, wanted.memory_swap);
    take(now.memory_reservation, wanted.memory_reservation);
    take(now.pids_limit, wanted.pids_limit);
}

bool is_empty(const spec::ContainerUpdateRequest& request) {
    return spec::to_json(request.resources) == spec::to_json(spec::Resources()) &&
           !request.restart_policy;
}

/// What REQUEST makes of RECORD, checked.
Result<std::shared_ptr<ContainerRecord>> changed_record(const ContainerRecord& record,
                                                        const spec::ContainerUpdateRequest& request,
                                                        const HostFacts& facts) {
    auto next = std::make_shared<ContainerRecord>(record);
    GT_TRY(merge_update(next->host, request));
    if (!is_empty(request)) {
        std::vector<std::string> known;
        GT_TRY(adjust_resources(next->host.resources, facts, ResourceUse::kUpdate, known));
    }
    if (request.change) {
        GT_TRY(apply_change(*next, *request.change));
        GT_TRY(check_changed_record(*next));
        GT_TRY_VAR(mounts, plan_changed_mounts(record, *next));
        next->mounts = std::move(mounts);
    }
    return next;
}

/// MAKE turns the present record into the next.
Result<Installed> replace_record(ContainerCore& core, ContainerEntry& entry,
                                 const RecordMaker& make, Apply apply,
                                 std::vector<std::string>& warnings) {
    const auto operation = entry.begin();
    const SnapshotPtr before = entry.snapshot();
    if (entry.removal_claimed() || before->life.phase == Phase::kDead) {
        return conflict("container is marked for removal and cannot be \"update\"");
    }
    GT_TRY_VAR(next, make(*before));
    const auto busy =
        apply == Apply::kRestart ? LiveMounts::Busy::kLeave : LiveMounts::Busy::kRefuse;
    GT_TRY_VAR(installed, install_record(core, entry, operation, std::move(next), busy, warnings));
    publish_event(core, *entry.snapshot(), "update");
    return std::move(installed);
}

spec::ChangeOutcome outcome_of(const Installed& installed) {
    spec::ChangeOutcome outcome;
    outcome.revision = installed.revision;
    for (const Part part : installed.changed) {
        if (std::ranges::find(installed.waiting, part) == installed.waiting.end()) {
            outcome.live.emplace_back(part_name(part));
        }
    }
    outcome.next_start = part_names(installed.waiting);
    return outcome;
}

/// The restart that brings what waits into effect.
Result<> restart_for(ContainerCore& core, const EntryPtr& entry, const Installed& installed,
                     spec::ChangeOutcome& outcome) {
    if (installed.waiting.empty() || !entry->snapshot()->life.running()) {
        return {};
    }
    if (auto restarted = restart_container(core, entry, StopOptions()); !restarted) {
        return Failure(std::move(restarted).error().in(
            fmt::format("revision {} is made, but the restart failed", outcome.revision)));
    }
    outcome.live.insert(outcome.live.end(), outcome.next_start.begin(), outcome.next_start.end());
    outcome.next_start.clear();
    outcome.restarted = true;
    return {};
}

}  // namespace

Result<> merge_update(spec::HostConfig& host, const spec::ContainerUpdateRequest& request) {
    const spec::Resources& now = host.resources;
    const spec::Resources& wanted = request.resources;
    GT_TRY(check_cpu_notation(now, wanted));
    if (wanted.memory > now.memory_swap && now.memory_swap > 0 && wanted.memory_swap == 0) {
        return conflict(
            "Memory limit should be smaller than already set memoryswap limit, update the "
            "memoryswap at the same time");
    }
    const bool has_policy = request.restart_policy && !request.restart_policy->name.empty();
    if (has_policy && host.auto_remove && request.restart_policy->name != "no") {
        return conflict(
            "Restart policy cannot be updated because AutoRemove is enabled for the container");
    }
    take_resources(host.resources, wanted);
    if (has_policy) {
        host.restart_policy = *request.restart_policy;
    }
    return {};
}

Result<spec::ContainerUpdateResponse> change_container(ContainerCore& core, const EntryPtr& entry,
                                                       const RecordMaker& make, Apply apply) {
    spec::ContainerUpdateResponse response;
    auto installed = replace_record(core, *entry, make, apply, response.warnings);
    if (!installed) {
        return Failure(std::move(installed).error().in(
            fmt::format("Cannot update container {}", entry->id().str())));
    }
    response.outcome = outcome_of(*installed);
    if (apply == Apply::kRestart) {
        GT_TRY(restart_for(core, entry, *installed, *response.outcome));
    }
    return response;
}

Result<spec::ContainerUpdateResponse> update_container(
    ContainerCore& core, const EntryPtr& entry, const spec::ContainerUpdateRequest& request) {
    std::vector<std::string> warnings;
    spec::ContainerUpdateRequest usable = request;
    const HostFacts facts = host_facts(core);
    GT_TRY(adjust_resources(usable.resources, facts, ResourceUse::kUpdate, warnings));
    GT_TRY(check_restart_policy(usable.restart_policy.value_or(spec::RestartPolicy{}), false));
    const bool restart = usable.change && usable.change->apply == "restart";
    const auto make = [&](const ContainerSnapshot& before) {
        return changed_record(*before.record, usable, facts);
    };
    GT_TRY_VAR(response,
               change_container(core, entry, make, restart ? Apply::kRestart : Apply::kWhatIsLive));
    response.warnings.insert(response.warnings.begin(), warnings.begin(), warnings.end());
    if (!request.change) {
        response.outcome.reset();  // COMPAT: plain Docker for plain Docker's request
    }
    return std::move(response);
}

void apply_recorded_limits(ContainerCore& core, const EntryPtr& entry) {
    core.background.run([entry] {
        const auto operation = entry->begin();
        const SnapshotPtr snapshot = entry->snapshot();
        const auto run = entry->run();
        if (run == nullptr || !snapshot->life.alive()) {
            return;
        }
        std::vector<std::string> ignored;
        const auto limits = limits_from_anything(snapshot->record->host.resources);
        if (const auto applied = run->cgroup.apply(limits, ignored); !applied) {
            log::warn("cannot apply a container's limits again",
                      {{"container", entry->id().str()}, {"error", applied.error().text()}});
        }
    });
}

}  // namespace gantry::engine
