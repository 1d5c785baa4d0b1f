#include <fmt/core.h>

#include <string_view>

#include "engine/container/host_check.h"

namespace gantry::engine {

namespace {

Failure not_yet(std::string_view field) {
    return fail(Kind::kNotImplemented, fmt::format("HostConfig.{} is not supported yet", field));
}

}  // namespace

Result<> check_supported(const spec::HostConfig& host) {
    return host.cgroup.empty() ? Result<>() : not_yet("Cgroup");
}

}  // namespace gantry::engine
