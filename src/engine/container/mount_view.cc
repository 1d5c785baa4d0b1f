// What clients see of a container's mounts.

#include <algorithm>
#include <utility>

#include "engine/container/mount_plan.h"
#include "spec/api/container.h"
#include "spec/mount.h"
#include "volume/volumes.h"

namespace gantry::engine {

namespace {

void show_volume(const PlannedMount& plan, const volume::Volumes* volumes,
                 spec::MountPoint& point) {
    point.type = "volume";
    point.name = plan.source;
    point.source.clear();
    point.driver = "local";
    if (volumes == nullptr) {
        return;
    }
    if (const volume::VolumePtr volume = volumes->get(plan.volume)) {
        point.name = volume->name;
        point.source = volumes->data_path(volume->id);
    }
}

std::string present_name(const volume::Volumes& volumes, std::span<const PlannedMount> mounts,
                         const std::string& target, const std::string& planned) {
    const auto found = std::ranges::find(mounts, target, &PlannedMount::target);
    const volume::VolumePtr volume = found == mounts.end() ? nullptr : volumes.get(found->volume);
    return volume == nullptr ? planned : volume->name;
}

}  // namespace

std::vector<spec::MountPoint> mount_points(std::span<const PlannedMount> mounts,
                                           const volume::Volumes* volumes) {
    std::vector<spec::MountPoint> points;
    for (const PlannedMount& plan : mounts) {
        if (plan.listing == PlannedMount::Listing::kHidden) {
            continue;
        }
        spec::MountPoint point;
        point.source = plan.source;
        point.destination = plan.target;
        point.mode = plan.mode;
        point.rw = !plan.read_only;
        switch (plan.type) {
            case PlannedMount::Type::kBind:
                point.type = "bind";
                point.propagation = plan.propagation.empty() ? "rprivate" : plan.propagation;
                break;
            case PlannedMount::Type::kTmpfs: point.type = "tmpfs"; break;
            case PlannedMount::Type::kImage: point.type = "image"; break;
            case PlannedMount::Type::kVolume: show_volume(plan, volumes, point); break;
        }
        points.push_back(std::move(point));
    }
    return points;
}

spec::HostConfig with_present_names(spec::HostConfig host, std::span<const PlannedMount> mounts,
                                    const volume::Volumes& volumes) {
    for (std::string& bind : host.binds) {
        const auto parsed = spec::parse_bind(bind);
        if (parsed && !parsed->is_bind() && !parsed->source.empty()) {
            bind.replace(0, parsed->source.size(),
                         present_name(volumes, mounts, parsed->destination, parsed->source));
        }
    }
    for (spec::Mount& mount : host.mounts) {
        if (mount.type == "volume" && !mount.source.empty()) {
            mount.source =
                present_name(volumes, mounts, spec::clean_path(mount.target), mount.source);
        }
    }
    return host;
}

}  // namespace gantry::engine
