#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "spec/json.h"
#include "spec/seccomp_profile.h"

using namespace gantry;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    // SAFETY: bytes are read as characters.
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const spec::SeccompContext context{"x86_64", {"CAP_SYS_ADMIN"}, {6, 18}};
    if (const auto profile = spec::parse_seccomp_profile(text, context)) {
        const std::string written = spec::to_json(*profile);
        GT_CHECK(spec::to_json(*spec::parse_json<spec::oci::Seccomp>(written)) == written);
    }
    (void)spec::parse_kernel_version(text);
    return 0;
}
