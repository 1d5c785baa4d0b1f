#include "cli/platform_parameter.h"

#include <cstdlib>

#include "spec/platform.h"
#include "spec/value.h"

namespace gantry::cli {

Result<std::string> platform_parameter(std::string_view text) {
    GT_TRY_VAR(platform, spec::parse_platform(text, spec::native_platform()));
    spec::Value value{spec::Value::Object()};
    value.set("architecture", platform.architecture);
    value.set("os", platform.os);
    if (!platform.variant.empty()) {
        value.set("variant", platform.variant);
    }
    return value.serialize();
}

std::string wanted_platform(const FlagValues& flags) {
    const char* preset = std::getenv("DOCKER_DEFAULT_PLATFORM");
    return flags.changed("platform") || preset == nullptr ? flags.text("platform") : preset;
}

}  // namespace gantry::cli
