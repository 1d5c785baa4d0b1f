#pragma once

#include <atomic>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "engine/container/background.h"
#include "engine/container/container_settings.h"
#include "engine/container/entry.h"
#include "engine/container/log_upkeep.h"
#include "engine/container/record_store.h"
#include "engine/container/table.h"
#include "engine/system/prune_gate.h"
#include "runtime/launcher.h"
#include "store/snapshots.h"
#include "sys/cgroup.h"
#include "sys/file_owner.h"

namespace gantry::engine {

/// What the operations on containers share. Plain wiring: it decides nothing.
class ContainerCore {
public:
    ContainerCore(const ContainerParts& lower, ContainerSettings chosen, RecordStore store,
                  sys::Cgroups groups, const sys::CgroupSupport& can, runtime::Launcher starter)
        : parts(lower),
          settings(std::move(chosen)),
          records(std::move(store)),
          cgroups(std::move(groups)),
          support(can),
          launcher(std::move(starter)),
          background(lower.workers, lower.loop) {}

    /// data-root/containers/<id>
    std::string container_dir(const ContainerId& id) const {
        return settings.data_root + "/containers/" + id.str();
    }
    /// exec-root/shims/<id>
    std::string shim_dir(const ContainerId& id) const {
        return settings.exec_root + "/shims/" + id.str();
    }

    /// The parent of RECORD's cgroup: its own choice or the daemon's.
    const std::string& cgroup_parent(const ContainerRecord& record) const {
        const std::string& chosen = record.host.resources.cgroup_parent;
        return chosen.empty() ? settings.cgroup_parent : chosen;
    }
    sys::Cgroup cgroup_of(const ContainerRecord& record) const {
        return cgroups.at(cgroup_parent(record), record.id.str());
    }

    /// The ids of RECORD's container; null if they are the host's.
    const IdMap* id_map(const ContainerRecord& record) const {
        return settings.id_map.user_namespace != nullptr && record.wants_user_namespace()
                   ? &settings.id_map
                   : nullptr;
    }
    /// For mounts of what is stored here.
    store::OwnerMapping owners(const ContainerRecord& record) const {
        const IdMap* map = id_map(record);
        return map == nullptr ? store::OwnerMapping()
                              : store::OwnerMapping{.user_namespace = map->user_namespace->get(),
                                                    .uid = map->root_uid(),
                                                    .gid = map->root_gid()};
    }

    /// While it lives, what the calling thread makes belongs to the root of RECORD's container.
    Result<std::optional<sys::FileOwner>> own_as_root(const ContainerRecord& record) const;

    const ContainerParts parts;
    const ContainerSettings settings;
    ContainerTable table;
    RecordStore records;
    const sys::Cgroups cgroups;
    const sys::CgroupSupport support;
    const runtime::Launcher launcher;
    LogQueue log_queue;
    Background background;
    PruneGate prune_gate;
    /// Until everything at boot is in order: no restart policy acts before BootStart.
    std::atomic<bool> recovering = true;
    /// The containers end with the daemon: nothing is started, by whomever.
    std::atomic<bool> shutting_down = false;
};

/// Writes LIFE to the database and only then shows it to everybody. The lesson of every ghost
/// container: nothing is announced that a restart would not find. What the container is, its
/// record, changes by install_record().
Result<> commit_life(ContainerCore& core, ContainerEntry& entry,
                     const ContainerEntry::Operation& operation, Lifecycle life);

/// As commit_life() for what has happened already and cannot be refused (an exit): shown even when
/// the database cannot take it. Logged; boot finds the same truth from the shim and its exit
/// record.
void record_life(ContainerCore& core, ContainerEntry& entry,
                 const ContainerEntry::Operation& operation, Lifecycle life);

/// Shows LIFE to readers only: for what the next daemon need not know (the log of health checks).
void show_life(ContainerEntry& entry, const ContainerEntry::Operation& operation, Lifecycle life);

/// Additional attributes of an event.
using EventExtras = std::initializer_list<std::pair<std::string_view, std::string>>;

/// Publishes a container event with Docker's attributes: image, name, labels and EXTRAS (L3).
void publish_event(ContainerCore& core, const ContainerSnapshot& snapshot, std::string_view action,
                   EventExtras extras = {});
/// network connect or disconnect, told of the network (J11).
void publish_network_event(ContainerCore& core, const ContainerId& id,
                           const net::Endpoint& endpoint, std::string_view action);

}  // namespace gantry::engine
