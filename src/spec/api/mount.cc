#include "spec/api/mount.h"

#include "spec/impl/binding.h"

namespace gantry::spec::impl {

GT_JSON(BindOptions, "BindOptions",
        .field("Propagation", &BindOptions::propagation, Rule::kOmit)
            .field("NonRecursive", &BindOptions::non_recursive, Rule::kOmit)
            .field("CreateMountpoint", &BindOptions::create_mountpoint, Rule::kOmit)
            .field("ReadOnlyNonRecursive", &BindOptions::read_only_non_recursive, Rule::kOmit)
            .field("ReadOnlyForceRecursive", &BindOptions::read_only_force_recursive, Rule::kOmit))

GT_JSON(VolumeDriver, "Driver",
        .field("Name", &VolumeDriver::name, Rule::kOmit)
            .field("Options", &VolumeDriver::options, Rule::kOmit))

GT_JSON(VolumeOptions, "VolumeOptions",
        .field("NoCopy", &VolumeOptions::no_copy, Rule::kOmit)
            .field("Labels", &VolumeOptions::labels, Rule::kOmit)
            .field("Subpath", &VolumeOptions::subpath, Rule::kOmit)
            .field("DriverConfig", &VolumeOptions::driver_config, Rule::kOmit))

GT_JSON(ImageOptions, "ImageOptions", .field("Subpath", &ImageOptions::subpath, Rule::kOmit))

GT_JSON(TmpfsOptions, "TmpfsOptions",
        .field("SizeBytes", &TmpfsOptions::size_bytes, Rule::kOmit)
            .field("Mode", &TmpfsOptions::mode, Rule::kOmit)
            .field("Options", &TmpfsOptions::options, Rule::kOmit))

GT_JSON(Mount, "Mount",
        .field("Type", &Mount::type, Rule::kOmit)
            .field("Source", &Mount::source, Rule::kOmit)
            .field("Target", &Mount::target, Rule::kOmit)
            .field("ReadOnly", &Mount::read_only, Rule::kOmit)
            .field("Consistency", &Mount::consistency, Rule::kOmit)
            .field("BindOptions", &Mount::bind_options, Rule::kOmit)
            .field("VolumeOptions", &Mount::volume_options, Rule::kOmit)
            .field("ImageOptions", &Mount::image_options, Rule::kOmit)
            .field("TmpfsOptions", &Mount::tmpfs_options, Rule::kOmit))

}  // namespace gantry::spec::impl
