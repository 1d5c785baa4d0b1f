#include <fmt/core.h>

#include <array>
#include <string_view>
#include <utility>

#include "engine/container/host_check.h"

namespace gantry::engine {

namespace {

Failure not_yet(std::string_view field) {
    return fail(Kind::kNotImplemented, fmt::format("HostConfig.{} is not supported yet", field));
}

}  // namespace

Result<> check_supported(const spec::HostConfig& host) {
    const std::array<std::pair<bool, std::string_view>, 2> fields = {{
        {!host.cgroup.empty(), "Cgroup"},
        {!host.storage_opt.empty(), "StorageOpt"},
    }};
    for (const auto& [used, name] : fields) {
        if (used) {
            return not_yet(name);
        }
    }
    return {};
}

}  // namespace gantry::engine
