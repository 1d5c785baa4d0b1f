#pragma once

#include <map>
#include <string>
#include <vector>

#include "spec/oci/descriptor.h"

namespace gantry::spec {

/// One image of the manifest.json of `docker save`; the document is a vector of these. Paths are as
/// the archive's author wrote them: foreign bytes.
struct ArchiveImage {
    std::string config;
    std::vector<std::string> repo_tags;
    std::vector<std::string> layers;
    /// By diff id, in archives of API 1.25 and later.
    std::map<std::string, oci::Descriptor> layer_sources;
};

}  // namespace gantry::spec
