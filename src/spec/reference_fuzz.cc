#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "spec/digest.h"
#include "spec/platform.h"
#include "spec/reference.h"

using namespace gantry;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    // SAFETY: bytes are read as characters.
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto reference = spec::parse_reference(text)) {
        // Both forms name the same thing, and nothing in them could lead a path away.
        const auto again = spec::parse_reference(reference->str());
        GT_CHECK(again && again->str() == reference->str());
        const auto familiar = spec::parse_reference(reference->familiar());
        GT_CHECK(familiar && familiar->str() == reference->str());
        GT_CHECK(reference->name().find("..") == std::string::npos);
    }
    if (const auto digest = spec::parse_digest(text)) {
        GT_CHECK(spec::digest_hex(*digest).size() == 64);
    }
    if (const auto platform = spec::parse_platform(text, spec::native_platform())) {
        const auto again = spec::parse_platform(spec::format_platform(*platform), *platform);
        GT_CHECK(again && spec::platform_matches(*platform, *again));
    }
    return 0;
}
