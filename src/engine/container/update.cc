#include "engine/container/update.h"

#include <fmt/core.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/failpoint.h"
#include "base/log.h"
#include "engine/container/cgroup_limits.h"
#include "engine/container/host_check.h"

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

/// All limits, not only the changed ones: writing what is there already is nothing to the kernel,
/// and v2's swap limit follows from two of ours.
Result<> apply_limits(const sys::Cgroup& group, const ContainerRecord& record,
                      std::vector<std::string>& warnings) {
    return group.apply(changeable_limits(record.host.resources), warnings);
}

/// Makes the group of a running container obey NEXT, or leaves it as BEFORE has it.
Result<> apply_live(const ContainerEntry& entry, const ContainerRecord& before,
                    const ContainerRecord& next, std::vector<std::string>& warnings) {
    const auto run = entry.run();
    if (run == nullptr || !entry.snapshot()->life.alive()) {
        return {};
    }
    GT_FAILPOINT("container.update.apply");
    auto applied = apply_limits(run->cgroup, next, warnings);
    if (applied) {
        return {};
    }
    std::vector<std::string> ignored;
    if (const auto undone = apply_limits(run->cgroup, before, ignored); !undone) {
        log::warn("cannot undo a refused update",
                  {{"container", entry.id().str()}, {"error", undone.error().text()}});
    }
    // The kernel's reasons are the request's fault: more is in use than it allows, or the value
    // does not exist here.
    const bool refused =
        applied.error().sys_errno() == EBUSY || applied.error().sys_errno() == EINVAL;
    return fail(refused ? Kind::kConflict : applied.error().kind(), applied.error().text());
}

Result<> update_now(ContainerCore& core, ContainerEntry& entry,
                    const spec::ContainerUpdateRequest& request, const HostFacts& facts,
                    std::vector<std::string>& warnings) {
    const auto operation = entry.begin();
    const SnapshotPtr before = entry.snapshot();
    if (entry.removal_claimed() || before->life.phase == Phase::kDead) {
        return conflict("container is marked for removal and cannot be \"update\"");
    }
    auto next = std::make_shared<ContainerRecord>(*before->record);
    GT_TRY(merge_update(next->host, request));
    std::vector<std::string> known;
    GT_TRY(adjust_resources(next->host.resources, facts, ResourceUse::kUpdate, known));
    // ORDER: the kernel can refuse, the database hardly; a daemon that dies in between finds the
    // old record at boot and applies that (apply_recorded_limits()).
    GT_TRY(apply_live(entry, *before->record, *next, warnings));
    if (auto written = commit_record(core, entry, operation, next); !written) {
        std::vector<std::string> ignored;
        (void)apply_live(entry, *next, *before->record, ignored);
        return written;
    }
    publish_event(core, *entry.snapshot(), "update");
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

Result<spec::ContainerUpdateResponse> update_container(
    ContainerCore& core, const EntryPtr& entry, const spec::ContainerUpdateRequest& request) {
    spec::ContainerUpdateResponse response;
    spec::ContainerUpdateRequest usable = request;
    const HostFacts facts = host_facts(core);
    GT_TRY(adjust_resources(usable.resources, facts, ResourceUse::kUpdate, response.warnings));
    GT_TRY(check_restart_policy(usable.restart_policy.value_or(spec::RestartPolicy{}), false));
    auto updated = update_now(core, *entry, usable, facts, response.warnings);
    if (!updated) {
        return Failure(std::move(updated).error().in(
            fmt::format("Cannot update container {}", entry->id().str())));
    }
    return response;
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
        if (const auto applied = apply_limits(run->cgroup, *snapshot->record, ignored); !applied) {
            log::warn("cannot apply a container's limits again",
                      {{"container", entry->id().str()}, {"error", applied.error().text()}});
        }
    });
}

}  // namespace gantry::engine
