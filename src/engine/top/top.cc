#include "engine/top/top.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/container/container_service.h"
#include "engine/container/core.h"
#include "engine/top/ps_args.h"
#include "sys/process_info.h"

namespace gantry::engine {

namespace {

Result<std::shared_ptr<ContainerRun>> running_run(const ContainerEntry& entry) {
    const SnapshotPtr snapshot = entry.snapshot();
    const std::string& id = entry.id().str();
    if (snapshot->life.phase == Phase::kRestarting) {
        return fail(
            Kind::kConflict,
            fmt::format("container {} is restarting, wait until the container is running", id));
    }
    auto run = entry.run();
    if (!snapshot->life.alive() || run == nullptr) {
        return fail(Kind::kConflict, fmt::format("container {} is not running", id));
    }
    return run;
}

std::vector<std::string> print(const sys::ProcessInfo& process, const std::vector<PsField>& fields,
                               const PsWorld& world) {
    std::vector<std::string> row;
    for (const PsField& field : fields) {
        row.push_back(field.column->print(process, world));
    }
    return row;
}

}  // namespace

Result<spec::TopResponse> list_processes(ContainerService& containers, std::string_view ref,
                                         std::string_view args) {
    GT_TRY_VAR(fields, parse_ps_args(args));
    ContainerCore& core = containers.core();
    GT_TRY_VAR(entry, core.table.find(ref));
    GT_TRY_VAR(run, running_run(*entry));
    GT_TRY_VAR(pids, run->cgroup.processes());
    std::ranges::sort(pids);
    const PsWorld world = PsWorld::read();
    spec::TopResponse top;
    for (const PsField& field : fields) {
        top.titles.push_back(field.header);
    }
    for (const pid_t pid : pids) {
        // One that has ended since is not shown.
        if (const auto process = sys::read_process(pid)) {
            top.processes.push_back(print(*process, fields, world));
        }
    }
    publish_event(core, *entry->snapshot(), "top");
    return top;
}

}  // namespace gantry::engine
