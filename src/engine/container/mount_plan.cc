#include "engine/container/mount_plan.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "runtime/default_config.h"
#include "spec/api/container.h"
#include "spec/mount.h"
#include "spec/oci/runtime.h"

namespace gantry::engine {

namespace {

constexpr std::array<std::string_view, 6> kPropagations = {"rprivate", "private", "rshared",
                                                           "shared",   "rslave",  "slave"};

bool is_propagation(std::string_view word) {
    return std::find(kPropagations.begin(), kPropagations.end(), word) != kPropagations.end();
}

Failure invalid_mount(std::string_view type, std::string_view reason) {
    return fail(Kind::kInvalid,
                fmt::format("invalid mount config for type \"{}\": {}", type, reason));
}

/// Docker's --mount type=bind.
Result<PlannedMount> plan_bind(const spec::Mount& mount) {
    PlannedMount plan{.type = PlannedMount::Type::kBind};
    if (mount.source.empty()) {
        return invalid_mount("bind", "field Source must not be empty");
    }
    if (!mount.source.starts_with('/')) {
        return invalid_mount(
            "bind",
            fmt::format("invalid mount path: '{}' mount path must be absolute", mount.source));
    }
    if (mount.volume_options) {
        return invalid_mount("bind", "field VolumeOptions must not be specified");
    }
    if (mount.tmpfs_options) {
        return invalid_mount("bind", "field TmpfsOptions must not be specified");
    }
    plan.source = spec::clean_path(mount.source);
    plan.read_only = mount.read_only;
    if (const auto& options = mount.bind_options) {
        if (!options->propagation.empty() && !is_propagation(options->propagation)) {
            return invalid_mount("bind",
                                 fmt::format("invalid propagation mode: {}", options->propagation));
        }
        plan.propagation = options->propagation;
        if (options->read_only_non_recursive && options->read_only_force_recursive) {
            return invalid_mount("bind",
                                 "mode conflict: ReadOnlyNonRecursive and ReadOnlyForceRecursive");
        }
        if ((options->read_only_non_recursive || options->read_only_force_recursive) &&
            !mount.read_only) {
            return invalid_mount("bind", "mode conflict: the mount is not read-only");
        }
        plan.recursion = options->non_recursive ? PlannedMount::Recursion::kTopOnly
                                                : PlannedMount::Recursion::kRecursive;
        plan.read_only_recursion = options->read_only_non_recursive
                                       ? PlannedMount::Recursion::kTopOnly
                                       : PlannedMount::Recursion::kRecursive;
        if (options->create_mountpoint) {
            plan.missing_source = PlannedMount::MissingSource::kMakeDirectory;
        }
    }
    return plan;
}

/// Docker's --mount type=tmpfs.
Result<PlannedMount> plan_tmpfs(const spec::Mount& mount) {
    PlannedMount plan{.type = PlannedMount::Type::kTmpfs};
    if (!mount.source.empty()) {
        return invalid_mount("tmpfs", "field Source must not be specified");
    }
    if (mount.bind_options) {
        return invalid_mount("tmpfs", "field BindOptions must not be specified");
    }
    if (mount.volume_options) {
        return invalid_mount("tmpfs", "field VolumeOptions must not be specified");
    }
    plan.read_only = mount.read_only;
    std::vector<std::string> options;
    if (mount.read_only) {
        options.emplace_back("ro");
    }
    if (mount.tmpfs_options) {
        if (mount.tmpfs_options->size_bytes < 0) {
            return invalid_mount("tmpfs", "size must not be negative");
        }
        if (mount.tmpfs_options->size_bytes > 0) {
            options.push_back(fmt::format("size={}", mount.tmpfs_options->size_bytes));
        }
        if (mount.tmpfs_options->mode != 0) {
            options.push_back(fmt::format("mode={:o}", mount.tmpfs_options->mode));
        }
        for (const auto& option : mount.tmpfs_options->options) {
            if (option.empty() || option.size() > 2) {
                return invalid_mount("tmpfs", "invalid option array length");
            }
            options.push_back(option.size() == 1 ? option[0] : option[0] + "=" + option[1]);
        }
    }
    plan.tmpfs_options = join(options, ",");
    return plan;
}

Result<PlannedMount> plan_mount(const spec::Mount& mount) {
    if (mount.target.empty()) {
        return invalid_mount(mount.type, "field Target must not be empty");
    }
    if (!mount.target.starts_with('/')) {
        return invalid_mount(
            mount.type,
            fmt::format("invalid mount path: '{}' mount path must be absolute", mount.target));
    }
    if (spec::clean_path(mount.target) == "/") {
        return invalid_mount(mount.type, "invalid specification: destination can't be '/'");
    }
    if (mount.type == "volume" || mount.type == "cluster" || mount.type == "image") {
        return fail(Kind::kNotImplemented,
                    fmt::format("HostConfig.Mounts of type \"{}\" are not supported yet: {}",
                                mount.type, mount.target));
    }
    if (mount.type != "bind" && mount.type != "tmpfs") {
        return invalid_mount(mount.type, fmt::format("mount type unknown: \"{}\"", mount.type));
    }
    auto plan = mount.type == "bind" ? plan_bind(mount) : plan_tmpfs(mount);
    if (plan) {
        plan->target = spec::clean_path(mount.target);
    }
    return plan;
}

Result<PlannedMount> plan_tmpfs_entry(const std::string& path, const std::string& options) {
    if (!path.starts_with('/')) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid mount path: '{}' mount path must be absolute", path));
    }
    PlannedMount plan{.type = PlannedMount::Type::kTmpfs};
    plan.target = spec::clean_path(path);
    plan.tmpfs_options = options;
    plan.listing = PlannedMount::Listing::kHidden;
    if (plan.target == "/") {
        return fail(Kind::kInvalid, "invalid specification: destination can't be '/'");
    }
    return plan;
}

}  // namespace

Result<PlannedMount> plan_bind_entry(std::string_view text) {
    GT_TRY_VAR(bind, spec::parse_bind(text));
    if (!bind.is_bind() && !bind.source.empty() && !spec::is_resource_name(bind.source)) {
        return fail(
            Kind::kInvalid,
            fmt::format("\"{}\" includes invalid characters for a local volume name, only "
                        "\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass "
                        "a host directory, use absolute path",
                        bind.source));
    }
    if (!bind.is_bind()) {
        return fail(Kind::kNotImplemented,
                    fmt::format("volumes are not supported yet: \"{}\" in HostConfig.Binds", text));
    }
    return PlannedMount{
        .type = PlannedMount::Type::kBind,
        .source = spec::clean_path(bind.source),
        .target = bind.destination,
        .read_only = bind.read_only,
        .missing_source = PlannedMount::MissingSource::kMakeDirectory,
        .propagation = bind.propagation,
        .mode = bind.mode,
    };
}

Result<std::vector<PlannedMount>> plan_mounts(const spec::HostConfig& host) {
    std::vector<PlannedMount> plans;
    for (const std::string& bind : host.binds) {
        GT_TRY_VAR(plan, plan_bind_entry(bind));
        plans.push_back(std::move(plan));
    }
    for (const spec::Mount& mount : host.mounts) {
        GT_TRY_VAR(plan, plan_mount(mount));
        plans.push_back(std::move(plan));
    }
    for (const auto& [path, options] : host.tmpfs) {
        GT_TRY_VAR(plan, plan_tmpfs_entry(path, options));
        plans.push_back(std::move(plan));
    }
    std::set<std::string> targets;
    for (const PlannedMount& plan : plans) {
        if (!targets.insert(plan.target).second) {
            return fail(Kind::kInvalid, fmt::format("Duplicate mount point: {}", plan.target));
        }
        if (plan.type == PlannedMount::Type::kTmpfs) {
            GT_TRY(runtime::tmpfs_mount(plan.target, plan.tmpfs_options));
        }
    }
    // ORDER: fewer parts first, so that no mount hides another that lies below it.
    const auto depth = [](const PlannedMount& plan) {
        return std::pair(std::count(plan.target.begin(), plan.target.end(), '/'),
                         std::string_view(plan.target));
    };
    std::sort(plans.begin(), plans.end(),
              [&](const PlannedMount& a, const PlannedMount& b) { return depth(a) < depth(b); });
    return plans;
}

std::vector<spec::MountPoint> mount_points(const spec::HostConfig& host) {
    const auto plans = plan_mounts(host);
    std::vector<spec::MountPoint> points;
    if (!plans) {
        return points;
    }
    for (const PlannedMount& plan : *plans) {
        if (plan.listing == PlannedMount::Listing::kHidden) {
            continue;
        }
        spec::MountPoint point;
        const bool bind = plan.type == PlannedMount::Type::kBind;
        point.type = bind ? "bind" : "tmpfs";
        point.source = plan.source;
        point.destination = plan.target;
        point.mode = plan.mode;
        point.rw = !plan.read_only;
        if (bind) {
            point.propagation = plan.propagation.empty() ? "rprivate" : plan.propagation;
        }
        points.push_back(std::move(point));
    }
    return points;
}

}  // namespace gantry::engine
