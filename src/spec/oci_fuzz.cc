#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "spec/docker_archive.h"
#include "spec/json.h"
#include "spec/oci/image.h"
#include "spec/oci/runtime.h"

using namespace gantry;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    // SAFETY: bytes are read as characters.
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto manifest = spec::oci::parse_manifest(text);
    const auto index = spec::oci::parse_index(text);
    GT_CHECK(!(manifest && index));
    if (manifest) {
        GT_CHECK(spec::oci::parse_manifest(spec::to_json(*manifest)));
    }
    if (index) {
        GT_CHECK(spec::oci::parse_index(spec::to_json(*index)));
    }
    if (const auto config = spec::oci::parse_image_config(text)) {
        GT_CHECK(spec::oci::parse_image_config(spec::to_json(*config)));
    }
    if (const auto config = spec::parse_json<spec::oci::Config>(text)) {
        GT_CHECK(spec::parse_json<spec::oci::Config>(spec::to_json(*config)));
    }
    (void)spec::parse_json<std::vector<spec::ArchiveImage>>(text);
    return 0;
}
