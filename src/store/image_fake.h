#pragma once

#include <string>
#include <vector>

#include "spec/json.h"
#include "spec/oci/image.h"
#include "store/images.h"
#include "store/impl/sha256.h"
#include "store/ingest.h"
#include "store/tar_fake.h"

namespace gantry::store {

/// The text of one config with LAYERS, distinguished by COMMENT.
inline std::string config_json(const std::vector<std::string>& layers, const std::string& comment) {
    spec::oci::ImageConfig config;
    config.architecture = "amd64";
    config.os = "linux";
    config.comment = comment;
    config.rootfs.type = "layers";
    for (const std::string& layer : layers) {
        config.rootfs.diff_ids.push_back(sha256(layer));
    }
    return spec::to_json(config);
}

struct TestImage {
    std::vector<std::string> layers = {};
    std::string comment = "test";
    std::vector<std::string> names = {};

    ImageId id() const { return ImageId(sha256(config_json(layers, comment)).str()); }
};

inline Result<IngestedImage> bring_in(ImageStore& store, const TestImage& image) {
    const auto ingest = store.begin_ingest();
    IncomingImage incoming;
    GT_TRY_VAR(config, ingest->add_blob(config_json(image.layers, image.comment)));
    incoming.config = config.digest;
    for (const std::string& layer : image.layers) {
        GT_TRY_VAR(blob, ingest->add_blob(layer));
        blob.media_type = spec::oci::media_type::kLayer;
        incoming.layers.push_back(blob);
    }
    incoming.names = image.names;
    return ingest->commit(incoming);
}

inline std::string base_layer() {
    return TarFake()
        .add({.name = "./", .type = '5', .mode = 0751, .uid = 9, .gid = 9})
        .directory("etc")
        .file("etc/os", "base")
        .file("etc/gone", "x")
        .directory("opt")
        .file("opt/hidden", "x")
        .str();
}

inline std::string top_layer() {
    return TarFake()
        .directory("etc")
        .file("etc/.wh.gone", "")
        .file("etc/new", "top")
        .directory("opt")
        .file("opt/.wh..wh..opq", "")
        .file("opt/shown", "x")
        .str();
}

}  // namespace gantry::store
