#pragma once

#include <set>
#include <span>
#include <vector>

#include "base/error.h"
#include "engine/container/core.h"
#include "runtime/launcher.h"
#include "store/images.h"
#include "volume/volumes.h"

namespace gantry::engine {

/// The mounts that the containers in VOLUMES_FROM lend ("NAME[:MODE]"), by the rules of Docker: as
/// they are, read-only for ":ro", never filled. kNotFound for a container that is none, kInvalid
/// for a mode.
Result<std::vector<PlannedMount>> inherited_mounts(const ContainerTable& table,
                                                   std::span<const std::string> volumes_from);

/// Finds or makes the volumes that MOUNTS name and writes their ids into them.
Result<> claim_volumes(std::vector<PlannedMount>& mounts, volume::Claims& claims);

/// Fills empty volumes with what IMAGE has in their place (I2). kInvalid where it has a file.
Result<> fill_volumes(ContainerCore& core, const ContainerRecord& record,
                      const store::Image& image);

std::set<volume::VolumeId> volumes_of(std::span<const PlannedMount> mounts);
/// Those of its record and, while it runs, those that only its process has.
std::set<volume::VolumeId> volumes_in_use(const ContainerSnapshot& snapshot);
/// Those that go with the container: nobody gave them a name.
std::vector<volume::VolumeId> anonymous_volumes_of(const ContainerRecord& record);

/// The images that MOUNTS name must be there.
Result<> check_image_mounts(const ContainerCore& core, std::span<const PlannedMount> mounts);

/// Before and after a run: what the volumes' driver options name is mounted and unmounted, the
/// first that fails ends it. unmount_volumes() may be called for what is not mounted.
Result<> mount_volumes(ContainerCore& core, const ContainerRecord& record);
void unmount_volumes(ContainerCore& core, const ContainerId& id,
                     const std::set<volume::VolumeId>& volumes);

/// Mounts that the launch is given by descriptor: parts of volumes, as their place is found inside
/// a tree that others may be changing, images, and for a container with ids of its own all volumes
/// that are kept here, with owners mapped. What a volume's options name elsewhere is seen as it is.
struct OpenedMount {
    std::string destination;
    UniqueFd fd;
};
Result<std::vector<OpenedMount>> open_mounts(const ContainerCore& core,
                                             const ContainerRecord& record);
/// One of them, or a whole volume, detached, as RECORD's container sees it.
Result<UniqueFd> open_mount(const ContainerCore& core, const ContainerRecord& record,
                            const PlannedMount& plan);

/// Volume events, with Docker's attributes (I10).
void publish_volume_mounts(ContainerCore& core, const ContainerId& id,
                           std::span<const PlannedMount> mounts);
void publish_volume_unmounts(ContainerCore& core, const ContainerId& id,
                             std::span<const PlannedMount> mounts);
void publish_volume_event(ContainerCore& core, const volume::Volume& volume,
                          std::string_view action);

}  // namespace gantry::engine
