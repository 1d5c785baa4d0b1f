#include "spec/oci/descriptor.h"

#include "spec/impl/binding.h"

namespace gantry::spec::impl {

GT_JSON(oci::Platform, "Platform",
        .field("architecture", &oci::Platform::architecture)
            .field("os", &oci::Platform::os)
            .field("os.version", &oci::Platform::os_version, Rule::kOmit)
            .field("os.features", &oci::Platform::os_features, Rule::kOmit)
            .field("variant", &oci::Platform::variant, Rule::kOmit))

GT_JSON(oci::Descriptor, "Descriptor",
        .field("mediaType", &oci::Descriptor::media_type)
            .field("digest", &oci::Descriptor::digest)
            .field("size", &oci::Descriptor::size)
            .field("urls", &oci::Descriptor::urls, Rule::kOmit)
            .field("annotations", &oci::Descriptor::annotations, Rule::kOmit)
            .field("platform", &oci::Descriptor::platform, Rule::kOmit)
            .field("artifactType", &oci::Descriptor::artifact_type, Rule::kOmit))

}  // namespace gantry::spec::impl
