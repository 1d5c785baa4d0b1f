#include "engine/container/boot_start.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "engine/container/health.h"
#include "engine/container/record.h"
#include "engine/container/restart_policy.h"
#include "engine/container/start.h"

namespace gantry::engine {

namespace {

void warn(std::string_view message, const ContainerEntry& entry, std::string_view detail) {
    log::warn(message, {{"container", entry.id().str()}, {"detail", detail}});
}

/// The container waits for its turn: the next daemon finds that it was to be started.
void mark_restarting(ContainerCore& core, const EntryPtr& entry) {
    const auto operation = entry->begin();
    Lifecycle life = entry->snapshot()->life;
    if (!life.running()) {
        life.phase = Phase::kRestarting;
        record_life(core, *entry, operation, std::move(life));
    }
}

}  // namespace

std::shared_ptr<BootStart> BootStart::begin(ContainerCore& core,
                                            const std::vector<EntryPtr>& entries,
                                            std::chrono::nanoseconds patience) {
    auto boot = std::make_shared<BootStart>(core);
    if (boot->fill(entries)) {
        boot->listen(patience);
    }
    boot->look();
    return boot;
}

bool BootStart::fill(const std::vector<EntryPtr>& entries) {
    std::vector<SnapshotPtr> all;
    for (const EntryPtr& entry : core_.table.all()) {
        all.push_back(entry->snapshot());
    }
    std::vector<EntryPtr> waiting;
    {
        const MutexLock lock(mutex_);
        for (const EntryPtr& entry : entries) {
            const SnapshotPtr snapshot = entry->snapshot();
            nodes_.push_back({.entry = entry,
                              .needs = dependencies_of(*snapshot, all),
                              .delayed = snapshot->life.phase == Phase::kRestarting});
        }
        drop_circles();
        for (const Node& node : nodes_) {
            if (!node.needs.empty()) {
                waiting.push_back(node.entry);
            }
        }
    }
    for (const EntryPtr& entry : waiting) {
        mark_restarting(core_, entry);
    }
    return !waiting.empty();
}

void BootStart::listen(std::chrono::nanoseconds patience) {
    const std::weak_ptr<BootStart> weak = weak_from_this();
    const auto look_soon = [weak, &core = core_] {
        core.background.run([weak] {
            if (const auto boot = weak.lock()) {
                boot->look();
            }
        });
    };
    EventBus::Query query;
    query.filters.add("type", "container");
    events_ = core_.parts.events.subscribe(
        std::move(query), [look_soon, done = done_, &core = core_](const spec::EventMessage&) {
            if (*done) {
                return false;
            }
            core.parts.loop.post(look_soon);  // not from here: the bus is locked
            return true;
        });
    timer_ = core_.parts.loop.after(patience, [weak, look_soon] {
        if (const auto boot = weak.lock()) {
            const MutexLock lock(boot->mutex_);
            boot->out_of_patience_ = true;
        }
        look_soon();
    });
}

void BootStart::stop() {
    {
        const MutexLock lock(mutex_);
        stopped_ = true;
    }
    events_.reset();
    timer_.reset();
}

const BootStart::Node* BootStart::find(const ContainerId& id) const {
    for (const Node& node : nodes_) {
        if (node.entry->id() == id) {
            return &node;
        }
    }
    return nullptr;
}

bool BootStart::leads_to(const Node& node, const Node& goal, std::set<const Node*>& seen) const {
    if (&node == &goal) {
        return true;
    }
    if (!seen.insert(&node).second) {
        return false;
    }
    for (const Dependency& need : node.needs) {
        const Node* next = find(need.on);
        if (next != nullptr && leads_to(*next, goal, seen)) {
            return true;
        }
    }
    return false;
}

void BootStart::drop_circles() {
    for (Node& node : nodes_) {
        std::vector<Dependency> kept;
        for (const Dependency& need : std::exchange(node.needs, {})) {
            const Node* on = find(need.on);
            std::set<const Node*> seen;
            if (on != nullptr && leads_to(*on, node, seen)) {
                warn("containers depend on each other in a circle", *node.entry, need.on.str());
            } else {
                kept.push_back(need);
            }
        }
        node.needs = std::move(kept);
    }
}

DependencyState BootStart::state_of(const Dependency& need) const {
    if (const Node* node = find(need.on); node != nullptr && !node->over) {
        return DependencyState::kOpen;
    }
    const EntryPtr entry = core_.table.find_id(need.on);
    if (entry == nullptr) {
        return DependencyState::kHopeless;
    }
    const SnapshotPtr snapshot = entry->snapshot();
    return dependency_state(need.condition, snapshot->life,
                            health_plan(snapshot->record->config).has_value());
}

bool BootStart::may_begin(const Node& node) const {
    for (const Dependency& need : node.needs) {
        const DependencyState state = state_of(need);
        if (state == DependencyState::kOpen && !out_of_patience_) {
            return false;
        }
        if (state != DependencyState::kMet) {
            warn("a container starts without what it depends on", *node.entry, need.on.str());
        }
    }
    return true;
}

void BootStart::look() {
    std::vector<size_t> due;
    {
        const MutexLock lock(mutex_);
        if (stopped_) {
            return;
        }
        for (size_t i = 0; i < nodes_.size(); ++i) {
            if (!nodes_[i].begun && may_begin(nodes_[i])) {
                nodes_[i].begun = true;
                due.push_back(i);
            }
        }
        *done_ = std::ranges::all_of(nodes_, &Node::begun);
    }
    for (const size_t index : due) {
        core_.background.run([boot = shared_from_this(), index] { boot->start_node(index); });
    }
}

void BootStart::start_node(size_t index) {
    EntryPtr entry;
    bool delayed = false;
    {
        const MutexLock lock(mutex_);
        entry = nodes_[index].entry;
        delayed = nodes_[index].delayed;
    }
    if (delayed) {
        const auto operation = entry->begin();
        if (entry->snapshot()->life.phase == Phase::kRestarting) {
            schedule_restart(core_, entry, operation);
        }
    } else {
        mark_restarting(core_, entry);
        if (const auto started = restart_by_policy(core_, entry); !started) {
            warn("cannot start a container", *entry, started.error().text());
        }
    }
    {
        const MutexLock lock(mutex_);
        nodes_[index].over = true;
    }
    look();
}

}  // namespace gantry::engine
