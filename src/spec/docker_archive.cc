#include "spec/docker_archive.h"

#include "spec/impl/binding.h"

namespace gantry::spec::impl {

GT_JSON(ArchiveImage, "manifestItem",
        .field("Config", &ArchiveImage::config)
            .field("RepoTags", &ArchiveImage::repo_tags, Rule::kNull)
            .field("Layers", &ArchiveImage::layers)
            .field("LayerSources", &ArchiveImage::layer_sources, Rule::kOmit))

GT_JSON_DOCUMENT(std::vector<ArchiveImage>)

}  // namespace gantry::spec::impl
