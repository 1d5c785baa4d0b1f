#include "engine/container/volume_use.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/scope_guard.h"
#include "base/text.h"
#include "engine/container/revision.h"
#include "engine/event/event_bus.h"
#include "spec/mount.h"
#include "store/snapshots.h"
#include "sys/mounts.h"
#include "sys/root_dir.h"
#include "sys/user_namespace.h"

namespace gantry::engine {

namespace {

bool is_volume(const PlannedMount& plan) {
    return plan.type == PlannedMount::Type::kVolume;
}

/// Whether a mode of --volumes-from allows writing; empty for a mode that is none.
std::optional<bool> parse_lending_mode(std::string_view mode) {
    bool writable = true;
    for (const std::string_view word : split(mode, ',')) {
        if (word == "ro") {
            writable = false;
        } else if (word != "rw" && word != "z" && word != "Z") {
            return std::nullopt;
        }
    }
    return writable;
}

volume::VolumeRequest request_of(const PlannedMount& plan) {
    volume::VolumeRequest request{
        .name = plan.source, .labels = plan.labels, .options = plan.driver_options};
    if (plan.naming == PlannedMount::Naming::kAnonymous) {
        request.labels[std::string(volume::kAnonymousLabel)] = "";
    }
    return request;
}

/// The directory at TARGET in the image; empty when there is nothing.
Result<std::optional<UniqueFd>> open_in_image(const sys::RootDir& root, const std::string& target) {
    auto found = root.open_at(target, O_PATH);
    if (!found) {
        if (found.error().kind() == Kind::kNotFound || found.error().kind() == Kind::kInvalid) {
            // A link that leads nowhere is dealt with, inside the root, by who mounts.
            return std::optional<UniqueFd>();
        }
        return Failure(std::move(found).error());
    }
    struct stat status{};
    if (::fstat(found->get(), &status) < 0) {
        return fail_errno("stat " + target);
    }
    if (!S_ISDIR(status.st_mode)) {
        return fail(Kind::kInvalid,
                    fmt::format("cannot mount volume over existing file, file exists {}", target));
    }
    GT_TRY_VAR(directory, root.open_at(target, O_RDONLY | O_DIRECTORY));
    return std::optional<UniqueFd>(std::move(directory));
}

/// SUBPATH below DIRECTORY as a detached mount. SAFETY: containers may be swapping parts of it for
/// links while we look (S40); the kernel resolves it with the directory as the whole world, and
/// what was found is what is mounted.
Result<UniqueFd> clone_below(UniqueFd directory, const std::string& subpath,
                             const std::string& shown) {
    const sys::RootDir root = sys::RootDir::from_fd(std::move(directory));
    auto found = root.open_at(subpath, O_PATH);
    if (!found) {
        return Failure(std::move(found).error().in(fmt::format("cannot access path {}", shown)));
    }
    return sys::clone_mount(found->get(), "", sys::Tree::kOne);
}

}  // namespace

Result<std::vector<PlannedMount>> inherited_mounts(const ContainerTable& table,
                                                   std::span<const std::string> volumes_from) {
    std::vector<PlannedMount> mounts;
    for (const std::string& text : volumes_from) {
        const auto [name, mode, has_mode] = cut(text, ':');
        const auto writable = has_mode ? parse_lending_mode(mode) : std::optional(true);
        if (name.empty()) {
            return fail(Kind::kInvalid, "volumes-from specification cannot be an empty string");
        }
        if (!writable) {
            return fail(Kind::kInvalid, fmt::format("invalid mode: {}", mode.substr(0, 256)));
        }
        GT_TRY_VAR(entry, table.find(name));
        const SnapshotPtr lender = entry->snapshot();
        for (PlannedMount plan : lender->record->mounts) {
            if (plan.listing == PlannedMount::Listing::kHidden) {
                continue;
            }
            plan.read_only = plan.read_only || !*writable;
            plan.copy_up = PlannedMount::CopyUp::kNo;
            plan.mode.clear();
            mounts.push_back(std::move(plan));
        }
    }
    return mounts;
}

Result<> claim_volumes(std::vector<PlannedMount>& mounts, volume::Claims& claims) {
    std::vector<volume::VolumeRequest> requests;
    std::vector<PlannedMount*> wanted;
    for (PlannedMount& plan : mounts) {
        if (!is_volume(plan)) {
            continue;
        }
        if (!plan.volume.empty()) {
            GT_TRY(claims.share(plan.volume));
            continue;
        }
        requests.push_back(request_of(plan));
        wanted.push_back(&plan);
    }
    GT_TRY_VAR(volumes, claims.take(requests));
    for (size_t i = 0; i < wanted.size(); ++i) {
        wanted[i]->volume = volumes[i]->id;
        wanted[i]->source = volumes[i]->name;
    }
    return {};
}

Result<> fill_volumes(ContainerCore& core, const ContainerRecord& record,
                      const store::Image& image) {
    if (std::ranges::none_of(record.mounts, is_volume)) {
        return {};
    }
    GT_TRY_VAR(mounted, core.parts.snapshots.mount_image(image));
    const sys::RootDir root = sys::RootDir::from_fd(std::move(mounted));
    for (const PlannedMount& plan : record.mounts) {
        if (!is_volume(plan)) {
            continue;
        }
        GT_TRY_VAR(source, open_in_image(root, plan.target));
        if (source && plan.copy_up == PlannedMount::CopyUp::kYes) {
            if (auto copied = core.parts.volumes.copy_up(plan.volume, source->get()); !copied) {
                return Failure(std::move(copied).error().in(
                    fmt::format("failed to populate volume {}", plan.source)));
            }
        }
    }
    return {};
}

std::set<volume::VolumeId> volumes_of(std::span<const PlannedMount> mounts) {
    std::set<volume::VolumeId> ids;
    for (const PlannedMount& plan : mounts) {
        if (is_volume(plan)) {
            ids.insert(plan.volume);
        }
    }
    return ids;
}

std::set<volume::VolumeId> volumes_in_use(const ContainerSnapshot& snapshot) {
    std::set<volume::VolumeId> ids = volumes_of(snapshot.record->mounts);
    ids.merge(volumes_of(mounts_of_run(snapshot)));
    return ids;
}

std::vector<volume::VolumeId> anonymous_volumes_of(const ContainerRecord& record) {
    std::vector<volume::VolumeId> ids;
    for (const PlannedMount& plan : record.mounts) {
        if (is_volume(plan) && plan.naming == PlannedMount::Naming::kAnonymous) {
            ids.push_back(plan.volume);
        }
    }
    return ids;
}

Result<> check_image_mounts(const ContainerCore& core, std::span<const PlannedMount> mounts) {
    for (const PlannedMount& plan : mounts) {
        if (plan.type == PlannedMount::Type::kImage) {
            GT_TRY(core.parts.images.find(plan.source));
        }
    }
    return {};
}

Result<> mount_volumes(ContainerCore& core, const ContainerRecord& record) {
    const std::set<volume::VolumeId> volumes = volumes_of(record.mounts);
    ScopeGuard undo([&] { unmount_volumes(core, record.id, volumes); });
    for (const volume::VolumeId& id : volumes) {
        GT_TRY(core.parts.volumes.mount(id, record.id));
    }
    undo.commit();
    return {};
}

void unmount_volumes(ContainerCore& core, const ContainerId& id,
                     const std::set<volume::VolumeId>& volumes) {
    for (const volume::VolumeId& volume : volumes) {
        if (const auto off = core.parts.volumes.unmount(volume, id); !off) {
            log::warn("a volume stays mounted until the next start of the daemon",
                      {{"container", id.str()}, {"error", off.error().text()}});
        }
    }
}

namespace {

/// SAFETY: never what the volume's options name: in a directory of the host, files of the
/// container's root would be those of the host's.
bool is_mapped(const ContainerCore& core, const ContainerRecord& record, const PlannedMount& plan) {
    const volume::VolumePtr volume = core.parts.volumes.get(plan.volume);
    return core.id_map(record) != nullptr && volume != nullptr && volume->options.empty();
}

}  // namespace

Result<UniqueFd> open_mount(const ContainerCore& core, const ContainerRecord& record,
                            const PlannedMount& plan) {
    if (is_volume(plan)) {
        const std::string path = core.parts.volumes.data_path(plan.volume);
        GT_TRY_VAR(root, sys::RootDir::open(path.c_str()));
        GT_TRY_VAR(found, root.open_at(".", O_PATH | O_DIRECTORY));
        GT_TRY_VAR(mount, clone_below(std::move(found), plan.subpath.empty() ? "." : plan.subpath,
                                      plan.source + "/" + plan.subpath));
        if (is_mapped(core, record, plan)) {
            GT_TRY(sys::idmap_mount(mount.get(), core.owners(record).user_namespace));
        }
        return std::move(mount);
    }
    GT_TRY_VAR(image, core.parts.images.find(plan.source));
    GT_TRY_VAR(mount, core.parts.snapshots.mount_image(*image, core.owners(record)));
    if (plan.subpath.empty()) {
        return std::move(mount);
    }
    return clone_below(std::move(mount), plan.subpath, plan.source + "/" + plan.subpath);
}

Result<std::vector<OpenedMount>> open_mounts(const ContainerCore& core,
                                             const ContainerRecord& record) {
    std::vector<OpenedMount> mounts;
    for (const PlannedMount& plan : record.mounts) {
        const bool wanted =
            plan.type == PlannedMount::Type::kImage ||
            (is_volume(plan) && (!plan.subpath.empty() || is_mapped(core, record, plan)));
        if (wanted) {
            GT_TRY_VAR(fd, open_mount(core, record, plan));
            mounts.push_back({.destination = plan.target, .fd = std::move(fd)});
        }
    }
    return mounts;
}

void publish_volume_mounts(ContainerCore& core, const ContainerId& id,
                           std::span<const PlannedMount> mounts) {
    for (const PlannedMount& plan : mounts) {
        const volume::VolumePtr volume =
            is_volume(plan) ? core.parts.volumes.get(plan.volume) : nullptr;
        if (volume != nullptr) {
            core.parts.events.publish("volume", "mount", volume->name,
                                      {{"container", id.str()},
                                       {"destination", plan.target},
                                       {"driver", "local"},
                                       {"propagation", plan.propagation},
                                       {"read/write", plan.read_only ? "false" : "true"}});
        }
    }
}

void publish_volume_unmounts(ContainerCore& core, const ContainerId& id,
                             std::span<const PlannedMount> mounts) {
    for (const PlannedMount& plan : mounts) {
        const volume::VolumePtr volume =
            is_volume(plan) ? core.parts.volumes.get(plan.volume) : nullptr;
        if (volume != nullptr) {
            core.parts.events.publish("volume", "unmount", volume->name,
                                      {{"container", id.str()}, {"driver", "local"}});
        }
    }
}

void publish_volume_event(ContainerCore& core, const volume::Volume& volume,
                          std::string_view action) {
    core.parts.events.publish("volume", action, volume.name, {{"driver", "local"}});
}

}  // namespace gantry::engine
