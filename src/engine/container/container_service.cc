#include "engine/container/container_service.h"

#include <fmt/core.h>

#include <chrono>
#include <utility>

#include "base/log.h"
#include "engine/container/attach_container.h"
#include "engine/container/boot_start.h"
#include "engine/container/core.h"
#include "engine/container/create.h"
#include "engine/container/health_monitor.h"
#include "engine/container/inspect.h"
#include "engine/container/links.h"
#include "engine/container/list.h"
#include "engine/container/log_upkeep.h"
#include "engine/container/pause.h"
#include "engine/container/prune.h"
#include "engine/container/recovery.h"
#include "engine/container/remove.h"
#include "engine/container/rename.h"
#include "engine/container/rollback.h"
#include "engine/container/start.h"
#include "engine/container/stop.h"
#include "engine/container/update.h"
#include "engine/container/wait_list.h"

namespace gantry::engine {

namespace {

ContainerFacts facts_of(const ContainerCore& core, const ContainerSnapshot& snapshot) {
    const ContainerRecord& record = *snapshot.record;
    ContainerFacts facts;
    facts.id = record.id;
    facts.name = snapshot.name;
    facts.image = record.image;
    facts.running = snapshot.life.running();
    facts.tty = record.config.tty;
    facts.log = log_store(record.host.log_config, core.container_dir(record.id), record.id);
    return facts;
}

/// Only a group that was made by us shows what the kernel gives to groups: the root lacks most.
sys::CgroupSupport find_support(const sys::Cgroups& cgroups, const std::string& parent) {
    constexpr std::string_view kName = "probe";
    std::vector<std::string> warnings;
    const auto made = cgroups.create(parent, kName, {}, warnings);
    if (!made && made.error().kind() != Kind::kConflict) {
        log::warn("cannot make cgroups: no limit can be kept", {{"error", made.error().text()}});
        return {};
    }
    const sys::Cgroup group = cgroups.at(parent, kName);
    const sys::CgroupSupport support = group.support();
    (void)group.remove(std::chrono::milliseconds(0));  // one that stays is taken again
    return support;
}

}  // namespace

ContainerService::ContainerService(std::unique_ptr<ContainerCore> core) : core_(std::move(core)) {}

Result<std::unique_ptr<ContainerService>> ContainerService::open(const ContainerParts& parts,
                                                                 ContainerSettings settings) {
    GT_TRY_VAR(records, RecordStore::open(parts.database, parts.snapshots));
    GT_TRY_VAR(cgroups, sys::Cgroups::probe());
    const sys::CgroupSupport support = find_support(cgroups, settings.cgroup_parent);
    GT_TRY_VAR(launcher, runtime::Launcher::open(settings.shim_path));
    auto core = std::make_unique<ContainerCore>(parts, std::move(settings), std::move(records),
                                                std::move(cgroups), support, std::move(launcher));
    std::unique_ptr<ContainerService> service(new ContainerService(std::move(core)));
    GT_TRY_VAR(due, recover_containers(*service->core_));
    service->boot_ = BootStart::begin(*service->core_, due);
    return service;
}

namespace {

/// A daemon without running containers leaves no cgroup behind.
void remove_empty_cgroup_parent(const ContainerCore& core) {
    const auto children = core.cgroups.list(core.settings.cgroup_parent);
    if (!children || !children->empty()) {
        return;
    }
    // A failure (another daemon has begun to use the parent) leaves it as it is.
    (void)core.cgroups.at("/", core.settings.cgroup_parent).remove(std::chrono::milliseconds(0));
}

}  // namespace

ContainerService::~ContainerService() {
    // ORDER: nothing new comes in (watches, timers), then what is under way ends, then what that
    // has begun is dropped. The containers run on; the next daemon adopts them.
    const auto stop_listening = [this] {
        for (const EntryPtr& entry : core_->table.all()) {
            const auto operation = entry->begin();
            entry->take_restart_timer(operation).reset();
            if (const auto run = entry->run()) {
                run->watch.end();
                if (run->health != nullptr) {
                    run->health->stop();
                }
            }
        }
    };
    if (boot_ != nullptr) {
        boot_->stop();
    }
    stop_listening();
    core_->background.close();
    stop_listening();
    core_->background.flush_loop([] {});
    remove_empty_cgroup_parent(*core_);
}

void ContainerService::shut_down(int timeout) {
    if (boot_ != nullptr) {
        boot_->stop();
    }
    shut_down_containers(*core_, timeout);
}

Result<> ContainerService::clear_log(std::string_view ref) {
    GT_TRY_VAR(entry, core_->table.find(ref));
    return engine::clear_log(*core_, entry);
}

Result<spec::ContainerCreateResponse> ContainerService::create(
    const spec::ContainerCreateRequest& request, const CreateOptions& options) {
    return create_container(*core_, request, options);
}

Result<> ContainerService::start(std::string_view ref) {
    GT_TRY_VAR(entry, core_->table.find(ref));
    return start_container(*core_, entry);
}

Result<> ContainerService::stop(std::string_view ref, const StopOptions& options) {
    GT_TRY_VAR(entry, core_->table.find(ref));
    return stop_container(*core_, entry, options);
}

Result<> ContainerService::restart(std::string_view ref, const StopOptions& options) {
    GT_TRY_VAR(entry, core_->table.find(ref));
    return restart_container(*core_, entry, options);
}

Result<> ContainerService::kill(std::string_view ref, std::string_view signal) {
    GT_TRY_VAR(entry, core_->table.find(ref));
    return kill_container(*core_, entry, ref, signal);
}

Result<spec::ContainerUpdateResponse> ContainerService::update(
    std::string_view ref, const spec::ContainerUpdateRequest& request) {
    GT_TRY_VAR(entry, core_->table.find(ref));
    return update_container(*core_, entry, request);
}

Result<std::vector<spec::ContainerRevision>> ContainerService::revisions(
    std::string_view ref) const {
    GT_TRY_VAR(entry, core_->table.find(ref));
    return list_revisions(*core_, *entry);
}

Result<spec::ContainerUpdateResponse> ContainerService::rollback(std::string_view ref,
                                                                 std::optional<int64_t> to,
                                                                 Apply apply) {
    GT_TRY_VAR(entry, core_->table.find(ref));
    return roll_back(*core_, entry, to, apply);
}

const sys::CgroupSupport& ContainerService::cgroup_support() const {
    return core_->support;
}

Result<> ContainerService::pause(std::string_view ref) {
    GT_TRY_VAR(entry, core_->table.find(ref));
    return pause_container(*core_, entry);
}

Result<> ContainerService::unpause(std::string_view ref) {
    GT_TRY_VAR(entry, core_->table.find(ref));
    return unpause_container(*core_, entry);
}

Result<> ContainerService::rename(std::string_view ref, std::string_view new_name) {
    GT_TRY_VAR(entry, core_->table.find(ref));
    return rename_container(*core_, entry, new_name);
}

Result<> ContainerService::remove(std::string_view ref, const RemoveOptions& options) {
    if (options.link) {
        return remove_link(*core_, ref);
    }
    GT_TRY_VAR(entry, core_->table.find(ref));
    return remove_container(*core_, entry, options);
}

Result<spec::ContainersPruneReport> ContainerService::prune(const spec::Filters& filters,
                                                            PruneMode mode) {
    return prune_containers(*core_, filters, mode);
}

Result<WaitHandle> ContainerService::subscribe_wait(std::string_view ref, WaitCondition condition,
                                                    WaitCallback callback) {
    GT_TRY_VAR(entry, core_->table.find(ref));
    auto state = std::make_shared<WaitHandle::State>(std::move(callback));
    if (!entry->add_wait(condition, state)) {
        state->fire({.exit_code = entry->snapshot()->life.exit_code, .error = {}});
    }
    return WaitHandle(std::move(state));
}

Result<StreamTicket> ContainerService::attach(std::string_view ref, const AttachRequest& request) {
    GT_TRY_VAR(entry, core_->table.find(ref));
    return attach_container(*core_, entry, request);
}

Result<> ContainerService::resize(std::string_view ref, uint32_t rows, uint32_t columns) {
    GT_TRY_VAR(entry, core_->table.find(ref));
    const SnapshotPtr snapshot = entry->snapshot();
    const auto run = entry->run();
    if (!snapshot->life.alive() || run == nullptr) {
        return fail(Kind::kConflict, fmt::format("container {} is not running", entry->id().str()));
    }
    GT_TRY(run->shim.resize(rows, columns));
    publish_event(*core_, *snapshot, "resize",
                  {{"height", fmt::format("{}", rows)}, {"width", fmt::format("{}", columns)}});
    return {};
}

Result<spec::ContainerInspect> ContainerService::inspect(std::string_view ref,
                                                         SizeInfo size) const {
    GT_TRY_VAR(entry, core_->table.find(ref));
    return inspect_container(*core_, *entry, size);
}

Result<std::vector<spec::ContainerSummary>> ContainerService::list(
    const ListOptions& options, const spec::Filters& filters) const {
    return list_containers(*core_, options, filters);
}

Result<ContainerFacts> ContainerService::find(std::string_view ref) const {
    GT_TRY_VAR(entry, core_->table.find(ref));
    return facts_of(*core_, *entry->snapshot());
}

std::vector<ContainerFacts> ContainerService::all() const {
    std::vector<ContainerFacts> facts;
    for (const EntryPtr& entry : core_->table.all()) {
        facts.push_back(facts_of(*core_, *entry->snapshot()));
    }
    return facts;
}

ContainerCounts ContainerService::counts() const {
    ContainerCounts counts;
    for (const EntryPtr& entry : core_->table.all()) {
        const Lifecycle& life = entry->snapshot()->life;
        if (life.phase == Phase::kPaused) {
            ++counts.paused;
        } else if (life.running()) {
            ++counts.running;
        } else {
            ++counts.stopped;
        }
    }
    return counts;
}

}  // namespace gantry::engine
