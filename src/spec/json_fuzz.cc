#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "spec/api/container.h"
#include "spec/api/exec.h"
#include "spec/api/image.h"
#include "spec/api/network.h"
#include "spec/api/system.h"
#include "spec/api/volume.h"
#include "spec/json.h"
#include "spec/value.h"

using namespace gantry;

/// What is read and written again is read as the same.
template <class T>
static void round_trip(std::string_view text) {
    const auto first = spec::parse_json<T>(text);
    if (!first) {
        return;
    }
    const std::string written = spec::to_json(*first);
    const auto second = spec::parse_json<T>(written);
    GT_CHECK(second);
    GT_CHECK(spec::to_json(*second) == written);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    // SAFETY: bytes are read as characters.
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    round_trip<spec::Value>(text);
    round_trip<spec::ContainerCreateRequest>(text);
    round_trip<spec::ContainerInspect>(text);
    round_trip<spec::ContainerUpdateRequest>(text);
    round_trip<spec::ExecCreateRequest>(text);
    round_trip<spec::NetworkCreateRequest>(text);
    round_trip<spec::VolumeCreateRequest>(text);
    round_trip<spec::AuthConfig>(text);
    round_trip<spec::ImageInspect>(text);
    return 0;
}
