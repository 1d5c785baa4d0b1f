#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <span>

#include "engine/container/mount_plan.h"
#include "sys/files.h"
#include "sys/mounts.h"

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

bool is_below(std::string_view path, std::string_view dir) {
    return dir == "/" || path == dir ||
           (path.starts_with(dir) && path.substr(dir.size()).starts_with('/'));
}

/// Mounts travel only between mounts that share them: asked of a private one, the wish would
/// silently come to nothing.
Result<> check_propagation(const PlannedMount& plan, std::span<const sys::MountInfo> mounts) {
    const bool shared = plan.propagation.ends_with("shared");
    if (!shared && !plan.propagation.ends_with("slave")) {
        return {};
    }
    const std::unique_ptr<char, decltype(&::free)> real(::realpath(plan.source.c_str(), nullptr),
                                                        &::free);
    if (real == nullptr) {
        return fail_errno(plan.source);
    }
    const sys::MountInfo* best = nullptr;
    for (const sys::MountInfo& mount : mounts) {
        // Of several at one place the last one is on top.
        if (is_below(real.get(), mount.mount_point) &&
            (best == nullptr || mount.mount_point.size() >= best->mount_point.size())) {
            best = &mount;
        }
    }
    const std::string_view marks = best == nullptr ? std::string_view() : best->optional;
    if (marks.find("shared:") != std::string_view::npos ||
        (!shared && marks.find("master:") != std::string_view::npos)) {
        return {};
    }
    return fail(Kind::kInternal, fmt::format("path {} is mounted on {} but it is not a {} mount",
                                             plan.source, best == nullptr ? "?" : best->mount_point,
                                             shared ? "shared" : "shared or slave"));
}

}  // namespace

Result<> check_propagations(std::span<const PlannedMount> plans) {
    if (std::ranges::all_of(plans, [](const auto& plan) { return plan.propagation.empty(); })) {
        return {};
    }
    GT_TRY_VAR(mounts, sys::read_mountinfo());
    for (const PlannedMount& plan : plans) {
        if (plan.type == PlannedMount::Type::kBind) {
            GT_TRY(check_propagation(plan, mounts));
        }
    }
    return {};
}

Result<> check_bind_sources(std::span<const PlannedMount> plans, SourceMaking making) {
    for (const PlannedMount& plan : plans) {
        if (plan.type == PlannedMount::Type::kBind) {
            GT_TRY(check_source(plan, making));
        }
    }
    return {};
}

}  // namespace gantry::engine
