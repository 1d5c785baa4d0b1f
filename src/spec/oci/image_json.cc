#include "spec/impl/binding.h"
#include "spec/oci/image.h"

namespace gantry::spec::impl {

GT_JSON(oci::Manifest, "Manifest",
        .field("schemaVersion", &oci::Manifest::schema_version)
            .field("mediaType", &oci::Manifest::media_type, Rule::kOmit)
            .field("artifactType", &oci::Manifest::artifact_type, Rule::kOmit)
            .field("config", &oci::Manifest::config)
            .field("layers", &oci::Manifest::layers)
            .field("subject", &oci::Manifest::subject, Rule::kOmit)
            .field("annotations", &oci::Manifest::annotations, Rule::kOmit))

GT_JSON(oci::Index, "Index",
        .field("schemaVersion", &oci::Index::schema_version)
            .field("mediaType", &oci::Index::media_type, Rule::kOmit)
            .field("artifactType", &oci::Index::artifact_type, Rule::kOmit)
            .field("manifests", &oci::Index::manifests)
            .field("subject", &oci::Index::subject, Rule::kOmit)
            .field("annotations", &oci::Index::annotations, Rule::kOmit))

GT_JSON(oci::Layout, "ImageLayout",
        .field("imageLayoutVersion", &oci::Layout::image_layout_version))

GT_JSON(oci::RootFs, "RootFS",
        .field("type", &oci::RootFs::type).field("diff_ids", &oci::RootFs::diff_ids))

GT_JSON(oci::History, "History",
        .field("created", &oci::History::created, Rule::kOmit)
            .field("created_by", &oci::History::created_by, Rule::kOmit)
            .field("author", &oci::History::author, Rule::kOmit)
            .field("comment", &oci::History::comment, Rule::kOmit)
            .field("empty_layer", &oci::History::empty_layer, Rule::kOmit))

GT_JSON(oci::ImageConfig, "Image",
        .field("created", &oci::ImageConfig::created, Rule::kOmit)
            .field("author", &oci::ImageConfig::author, Rule::kOmit)
            .field("architecture", &oci::ImageConfig::architecture)
            .field("variant", &oci::ImageConfig::variant, Rule::kOmit)
            .field("os", &oci::ImageConfig::os)
            .field("os.version", &oci::ImageConfig::os_version, Rule::kOmit)
            .field("os.features", &oci::ImageConfig::os_features, Rule::kOmit)
            .field("config", &oci::ImageConfig::config)
            .field("rootfs", &oci::ImageConfig::rootfs)
            .field("history", &oci::ImageConfig::history, Rule::kOmit)
            .field("comment", &oci::ImageConfig::comment, Rule::kOmit)
            .field("docker_version", &oci::ImageConfig::docker_version, Rule::kOmit)
            .field("container", &oci::ImageConfig::container, Rule::kOmit)
            .field("container_config", &oci::ImageConfig::container_config, Rule::kOmit))

}  // namespace gantry::spec::impl
