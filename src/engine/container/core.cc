#include "engine/container/core.h"

#include "base/log.h"
#include "engine/container/health_monitor.h"
#include "engine/event/event_bus.h"

namespace gantry::engine {

namespace {

SnapshotPtr with_life(const ContainerSnapshot& old, Lifecycle life) {
    return std::make_shared<const ContainerSnapshot>(
        ContainerSnapshot{.record = old.record, .name = old.name, .life = std::move(life)});
}

void show(ContainerCore& core, ContainerEntry& entry, const ContainerEntry::Operation& operation,
          Lifecycle life) {
    const SnapshotPtr before = entry.snapshot();
    const SnapshotPtr now = with_life(*before, std::move(life));
    entry.publish(operation, now);
    follow_health(core, entry, before->life, now->life);
}

}  // namespace

Result<std::optional<sys::FileOwner>> ContainerCore::own_as_root(
    const ContainerRecord& record) const {
    const IdMap* map = id_map(record);
    if (map == nullptr) {
        return std::optional<sys::FileOwner>();
    }
    GT_TRY_VAR(owner, sys::FileOwner::become(map->root_uid(), map->root_gid()));
    return std::optional<sys::FileOwner>(std::move(owner));
}

Result<> commit_life(ContainerCore& core, ContainerEntry& entry,
                     const ContainerEntry::Operation& operation, Lifecycle life) {
    GT_TRY(core.records.update(entry.id(), life));
    show(core, entry, operation, std::move(life));
    return {};
}

void record_life(ContainerCore& core, ContainerEntry& entry,
                 const ContainerEntry::Operation& operation, Lifecycle life) {
    if (const auto written = core.records.update(entry.id(), life); !written) {
        log::error("cannot write the state of a container",
                   {{"container", entry.id().str()}, {"error", written.error().text()}});
    }
    show(core, entry, operation, std::move(life));
}

void show_life(ContainerEntry& entry, const ContainerEntry::Operation& operation, Lifecycle life) {
    entry.publish(operation, with_life(*entry.snapshot(), std::move(life)));
}

void publish_event(ContainerCore& core, const ContainerSnapshot& snapshot, std::string_view action,
                   EventExtras extras) {
    const ContainerRecord& record = *snapshot.record;
    EventBus::Attributes attributes(record.config.labels.begin(), record.config.labels.end());
    attributes["image"] = record.config.image;
    attributes["name"] = snapshot.name;
    for (const auto& [name, value] : extras) {
        attributes[std::string(name)] = value;
    }
    core.parts.events.publish("container", action, record.id.str(), std::move(attributes));
}

void publish_network_event(ContainerCore& core, const ContainerId& id,
                           const net::Endpoint& endpoint, std::string_view action) {
    core.parts.events.publish("network", action, endpoint.network_id.str(),
                              {{"container", id.str()},
                               {"name", endpoint.network_name},
                               {"type", endpoint.network_name == "host" ? "host" : "bridge"}});
}

}  // namespace gantry::engine
