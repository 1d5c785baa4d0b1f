#include "engine/container/install.h"

#include <algorithm>
#include <utility>

#include "base/scope_guard.h"
#include "engine/container/live_limits.h"
#include "engine/container/live_ports.h"
#include "engine/container/volume_use.h"
#include "store/images.h"

namespace gantry::engine {

namespace {

bool contains(const std::vector<Part>& parts, Part part) {
    return std::ranges::find(parts, part) != parts.end();
}

/// What a container that does not run has to wait with.
bool needs_process(Part part) {
    return part != Part::kLabels && part != Part::kRestartPolicy;
}

/// A record with those of NEXT's mounts that BEFORE has not.
ContainerRecord with_new_mounts(const ContainerRecord& before, const ContainerRecord& next) {
    ContainerRecord fresh = next;
    std::erase_if(fresh.mounts, [&](const PlannedMount& plan) {
        return std::ranges::any_of(before.mounts, [&](const PlannedMount& old) {
            return format_mounts(std::span(&old, 1)) == format_mounts(std::span(&plan, 1));
        });
    });
    return fresh;
}

/// The sources of NEXT's new mounts: looked for as create does, volumes found or made and filled.
Result<> prepare_sources(ContainerCore& core, const ContainerRecord& before, ContainerRecord& next,
                         volume::Claims& claims) {
    const ContainerRecord asked = with_new_mounts(before, next);
    GT_TRY(check_bind_sources(asked.mounts, SourceMaking::kRefuse));
    GT_TRY(check_image_mounts(core, asked.mounts));
    GT_TRY(claim_volumes(next.mounts, claims));
    const ContainerRecord fresh = with_new_mounts(before, next);
    if (volumes_of(fresh.mounts).empty()) {
        return {};
    }
    GT_TRY_VAR(image, core.parts.images.find(next.image.str()));
    return fill_volumes(core, fresh, *image);
}

/// The change is in the database: what follows from it for the volumes.
void settle_volumes(ContainerCore& core, const ContainerSnapshot& now, volume::Claims& claims) {
    for (const volume::VolumePtr& volume : claims.made()) {
        publish_volume_event(core, *volume, "create");
    }
    claims.keep();
    core.parts.volumes.hold(now.record->id, volumes_in_use(now));
}

void warn_of_ports(const ContainerRecord& record, std::vector<std::string>& warnings) {
    if (record.host.network_mode == "host" && !record.host.port_bindings.empty()) {
        warnings.emplace_back("Published ports are discarded when using host network mode");
    }
}

}  // namespace

Result<Installed> install_record(ContainerCore& core, ContainerEntry& entry,
                                 const ContainerEntry::Operation& operation,
                                 std::shared_ptr<ContainerRecord> next, LiveMounts::Busy busy,
                                 std::vector<std::string>& warnings) {
    const SnapshotPtr before = entry.snapshot();
    Installed installed{.revision = before->record->revision,
                        .changed = changed_parts(*before->record, *next),
                        .waiting = waiting_parts(*before)};
    if (installed.changed.empty()) {
        return installed;
    }
    next->revision = ++installed.revision;
    volume::Claims claims(core.parts.volumes, entry.id());
    if (contains(installed.changed, Part::kMounts)) {
        GT_TRY(prepare_sources(core, *before->record, *next, claims));
    }
    auto after = std::make_shared<ContainerSnapshot>(*before);
    after->record = next;
    LiveLimits limits(entry);
    LiveMounts mounts(core, entry, busy);
    LivePorts ports(core, entry.id());
    if (before->life.alive()) {
        // ORDER: the kernel can refuse, the database hardly; a daemon that dies in between finds
        // the old record at boot and makes the kernel obey that.
        if (contains(installed.changed, Part::kResources)) {
            GT_TRY(limits.change(*before->record, *next, warnings));
        }
        GT_TRY_VAR(mounted, mounts.change(*before, *next, warnings));
        after->life.started_as = started_as(*next, config_of_run(*before), mounted);
        // Last: the connections that a removed port loses do not come back.
        if (before->life.endpoint) {
            GT_TRY_VAR(published, ports.change(*before, *next));
            after->life.ports = std::move(published);
        }
    }
    GT_TRY(core.records.revise(*before, *after, claims));
    limits.keep();
    ports.keep();
    if (contains(installed.changed, Part::kPorts)) {
        warn_of_ports(*next, warnings);
    }
    installed.waiting = waiting_parts(*after);
    if (!after->life.alive()) {
        std::ranges::copy_if(installed.changed, std::back_inserter(installed.waiting),
                             needs_process);
    }
    entry.publish(operation, after);
    settle_volumes(core, *after, claims);
    mounts.keep();
    return installed;
}

}  // namespace gantry::engine
