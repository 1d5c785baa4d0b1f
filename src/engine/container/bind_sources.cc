#include <fmt/core.h>
#include <sys/stat.h>

#include <cerrno>

#include "engine/container/mount_plan.h"
#include "spec/api/host_config.h"
#include "sys/files.h"

namespace gantry::engine {

namespace {

constexpr mode_t kSourceMode = 0755;

Result<> check_source(const PlannedMount& plan, SourceMaking making) {
    struct stat status{};
    if (::stat(plan.source.c_str(), &status) == 0) {
        return {};
    }
    if (errno != ENOENT) {
        return fail_errno(
            fmt::format("invalid mount config for type \"bind\": stat {}", plan.source));
    }
    if (plan.missing_source == PlannedMount::MissingSource::kRefuse) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid mount config for type \"bind\": bind source path does not "
                                "exist: {}",
                                plan.source));
    }
    return making == SourceMaking::kAllow ? sys::make_dirs(plan.source.c_str(), kSourceMode)
                                          : Result<>();
}

}  // namespace

Result<> check_bind_sources(const spec::HostConfig& host, SourceMaking making) {
    GT_TRY_VAR(plans, plan_mounts(host));
    for (const PlannedMount& plan : plans) {
        if (plan.type == PlannedMount::Type::kBind) {
            GT_TRY(check_source(plan, making));
        }
    }
    return {};
}

}  // namespace gantry::engine
