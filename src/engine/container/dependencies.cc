#include "engine/container/dependencies.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/text.h"
#include "engine/container/health.h"
#include "engine/container/join.h"
#include "engine/container/links.h"
#include "engine/container/record.h"

namespace gantry::engine {

namespace {

constexpr std::string_view kOwnLabel = "gantry.depends-on";
constexpr std::string_view kComposeLabel = "com.docker.compose.depends_on";
constexpr std::string_view kComposeProject = "com.docker.compose.project";
constexpr std::string_view kComposeService = "com.docker.compose.service";

std::string_view label(const ContainerSnapshot& container, std::string_view name) {
    const spec::StringMap& labels = container.record->config.labels;
    const auto found = labels.find(std::string(name));
    return found == labels.end() ? std::string_view() : std::string_view(found->second);
}

/// "healthy" and compose's "service_healthy". What it does not know only asks for a start.
DependencyCondition condition_of(std::string_view word) {
    if (word.find("healthy") != std::string_view::npos) {
        return DependencyCondition::kHealthy;
    }
    return word.find("completed") != std::string_view::npos ? DependencyCondition::kCompleted
                                                            : DependencyCondition::kStarted;
}

void add(std::vector<Dependency>& list, const ContainerId& self, Dependency dependency) {
    if (dependency.on != self && std::ranges::find(list, dependency) == list.end()) {
        list.push_back(std::move(dependency));
    }
}

/// Calls FOUND(name, condition) for each part of "name[:condition[:...]],...".
template <class Found>
void parse_label(std::string_view text, const Found& found) {
    for (const std::string_view part : split(text, ',')) {
        const Cut name = cut(trim(part), ':');
        if (!name.before.empty()) {
            found(name.before, condition_of(cut(name.after, ':').before));
        }
    }
}

bool is_service(const ContainerSnapshot& other, std::string_view project, std::string_view name) {
    return label(other, kComposeProject) == project && label(other, kComposeService) == name;
}

}  // namespace

std::vector<Dependency> dependencies_of(const ContainerSnapshot& container,
                                        std::span<const SnapshotPtr> all) {
    std::vector<Dependency> list;
    const ContainerId& self = container.record->id;
    const spec::HostConfig& host = container.record->host;
    for (const std::string& mode : {host.network_mode, host.pid_mode, host.ipc_mode}) {
        if (const auto id = joined_container(mode)) {
            add(list, self, {.on = ContainerId(std::string(*id))});
        }
    }
    for (const ContainerId& linked : linked_containers(*container.record)) {
        add(list, self, {.on = linked});
    }
    parse_label(label(container, kOwnLabel),
                [&](std::string_view name, DependencyCondition condition) {
                    for (const SnapshotPtr& other : all) {
                        if (other->name == name || other->record->id.str() == name) {
                            add(list, self, {.on = other->record->id, .condition = condition});
                        }
                    }
                });
    const std::string_view project = label(container, kComposeProject);
    parse_label(project.empty() ? std::string_view() : label(container, kComposeLabel),
                [&](std::string_view service, DependencyCondition condition) {
                    for (const SnapshotPtr& other : all) {
                        if (is_service(*other, project, service)) {
                            add(list, self, {.on = other->record->id, .condition = condition});
                        }
                    }
                });
    return list;
}

DependencyState dependency_state(DependencyCondition condition, const Lifecycle& life,
                                 bool has_check) {
    if (life.phase == Phase::kRestarting) {
        return DependencyState::kOpen;
    }
    if (!life.alive()) {
        return condition == DependencyCondition::kCompleted && life.phase == Phase::kExited &&
                       life.exit_code == 0
                   ? DependencyState::kMet
                   : DependencyState::kHopeless;
    }
    switch (condition) {
        case DependencyCondition::kStarted: return DependencyState::kMet;
        case DependencyCondition::kCompleted: return DependencyState::kOpen;
        case DependencyCondition::kHealthy: break;
    }
    const bool healthy =
        !has_check || (life.health != nullptr && life.health->status == HealthStatus::kHealthy);
    return healthy ? DependencyState::kMet : DependencyState::kOpen;
}

}  // namespace gantry::engine
