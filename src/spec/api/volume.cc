#include "spec/api/volume.h"

#include "spec/impl/binding.h"

namespace gantry::spec::impl {

GT_JSON(VolumeUsage, "UsageData",
        .field("RefCount", &VolumeUsage::ref_count).field("Size", &VolumeUsage::size))

GT_JSON(Volume, "Volume",
        .field("CreatedAt", &Volume::created_at, Rule::kOmit)
            .field("Driver", &Volume::driver)
            .field("Labels", &Volume::labels)
            .field("Mountpoint", &Volume::mountpoint)
            .field("Name", &Volume::name)
            .field("Options", &Volume::options)
            .field("Scope", &Volume::scope)
            .field("UsageData", &Volume::usage_data, Rule::kOmit))

GT_JSON(
    VolumeList, "ListResponse",
    .field("Volumes", &VolumeList::volumes).field("Warnings", &VolumeList::warnings, Rule::kNull))

GT_JSON(VolumeCreateRequest, "CreateOptions",
        .field("Name", &VolumeCreateRequest::name)
            .field("Driver", &VolumeCreateRequest::driver)
            .field("DriverOpts", &VolumeCreateRequest::driver_opts, Rule::kNull)
            .field("Labels", &VolumeCreateRequest::labels, Rule::kNull))

GT_JSON(VolumesPruneReport, "PruneReport",
        .field("VolumesDeleted", &VolumesPruneReport::volumes_deleted)
            .field("SpaceReclaimed", &VolumesPruneReport::space_reclaimed))

}  // namespace gantry::spec::impl
