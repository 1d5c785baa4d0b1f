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
#include "volume/driver_options.h"
#include "volume/volumes.h"

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

Result<> check_driver(std::string_view driver) {
    if (driver.empty() || driver == "local") {
        return {};
    }
    // COMPAT: not kNotFound, for which clients go and pull the image.
    return fail(Kind::kInvalid,
                fmt::format("error looking up volume plugin {0}: plugin \"{0}\" not found",
                            driver.substr(0, 256)));
}

/// A path below a volume or an image that cannot leave it as text. (That no link leads out of it is
/// seen when it is opened.)
bool is_local(std::string_view path) {
    const std::string clean = spec::clean_path(path);
    return !clean.starts_with('/') && clean != ".." && !clean.starts_with("../") &&
           path.find('\0') == path.npos;
}

/// Docker's --mount type=volume.
Result<PlannedMount> plan_volume(const spec::Mount& mount) {
    PlannedMount plan{.type = PlannedMount::Type::kVolume, .copy_up = PlannedMount::CopyUp::kYes};
    if (mount.bind_options) {
        return invalid_mount("volume", "field BindOptions must not be specified");
    }
    if (mount.tmpfs_options) {
        return invalid_mount("volume", "field TmpfsOptions must not be specified");
    }
    const bool anonymous = mount.source.empty();
    if (anonymous && mount.read_only) {
        return invalid_mount("volume", "must not set ReadOnly mode when using anonymous volumes");
    }
    if (!anonymous) {
        GT_TRY(volume::check_volume_name(mount.source));
    }
    plan.source = mount.source;
    plan.naming = anonymous ? PlannedMount::Naming::kAnonymous : PlannedMount::Naming::kNamed;
    plan.read_only = mount.read_only;
    plan.mode = "z";
    if (const auto& options = mount.volume_options) {
        if (!options->subpath.empty() && anonymous) {
            return invalid_mount("volume", "must not set Subpath when using anonymous volumes");
        }
        if (!is_local(options->subpath)) {
            return invalid_mount("volume", "subpath must be a relative path within the volume");
        }
        plan.subpath = options->subpath;
        plan.labels = options->labels;
        if (options->no_copy || !options->subpath.empty()) {
            plan.copy_up = PlannedMount::CopyUp::kNo;
        }
        if (options->driver_config) {
            GT_TRY(check_driver(options->driver_config->name));
            plan.driver_options = options->driver_config->options;
            GT_TRY(volume::check_driver_options(plan.driver_options));
        }
    }
    return plan;
}

/// Docker's --mount type=image.
Result<PlannedMount> plan_image(const spec::Mount& mount) {
    PlannedMount plan{.type = PlannedMount::Type::kImage};
    if (mount.source.empty()) {
        return invalid_mount("image", "field Source must not be empty");
    }
    if (mount.bind_options || mount.volume_options || mount.tmpfs_options) {
        return invalid_mount("image", fmt::format("field {} must not be specified",
                                                  mount.bind_options     ? "BindOptions"
                                                  : mount.volume_options ? "VolumeOptions"
                                                                         : "TmpfsOptions"));
    }
    plan.source = mount.source;
    plan.read_only = true;
    if (mount.image_options) {
        if (!is_local(mount.image_options->subpath)) {
            return invalid_mount("image", "subpath must be a relative path within the image");
        }
        plan.subpath = mount.image_options->subpath;
    }
    return plan;
}

Result<PlannedMount> plan_by_type(const spec::Mount& mount, std::string_view volume_driver) {
    if (mount.type == "bind") {
        return plan_bind(mount);
    }
    if (mount.type == "tmpfs") {
        return plan_tmpfs(mount);
    }
    if (mount.type == "volume") {
        if (!mount.volume_options || !mount.volume_options->driver_config) {
            GT_TRY(check_driver(volume_driver));
        }
        return plan_volume(mount);
    }
    if (mount.type == "image") {
        return plan_image(mount);
    }
    if (mount.type == "cluster") {
        return fail(Kind::kNotImplemented,
                    fmt::format("HostConfig.Mounts of type \"cluster\" are not supported: {}",
                                mount.target));
    }
    return invalid_mount(mount.type, fmt::format("mount type unknown: \"{}\"", mount.type));
}

Result<PlannedMount> plan_mount(const spec::Mount& mount, std::string_view volume_driver) {
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
    auto plan = plan_by_type(mount, volume_driver);
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
    const auto extra_field = [&](std::string_view type, std::string_view field) {
        return fail(Kind::kInvalid,
                    fmt::format("invalid volume specification: '{}': invalid mount config for type "
                                "\"{}\": field {} must not be specified",
                                text, type, field));
    };
    if (!bind.is_bind()) {
        if (!bind.propagation.empty()) {
            return extra_field("volume", "BindOptions");
        }
        return PlannedMount{
            .type = PlannedMount::Type::kVolume,
            .source = bind.source,
            .target = bind.destination,
            .read_only = bind.read_only,
            .mode = bind.mode.empty() ? "z" : bind.mode,
            .copy_up = bind.no_copy ? PlannedMount::CopyUp::kNo : PlannedMount::CopyUp::kYes,
            .naming = bind.source.empty() ? PlannedMount::Naming::kAnonymous
                                          : PlannedMount::Naming::kNamed,
        };
    }
    if (bind.no_copy) {
        return extra_field("bind", "VolumeOptions");
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

namespace {

/// A member of Config.Volumes: an anonymous volume.
Result<PlannedMount> plan_config_volume(const std::string& path) {
    const std::string target = spec::clean_path(path);
    if (!path.starts_with('/')) {
        return invalid_mount("volume",
                             fmt::format("invalid mount path: '{}' mount path must be absolute",
                                         path.substr(0, 256)));
    }
    if (target == "/" || path.find('\0') != path.npos) {
        return invalid_mount("volume", "invalid specification: destination can't be '/'");
    }
    return PlannedMount{.type = PlannedMount::Type::kVolume,
                        .target = target,
                        .copy_up = PlannedMount::CopyUp::kYes,
                        .naming = PlannedMount::Naming::kAnonymous};
}

/// What HOST itself names.
Result<std::vector<PlannedMount>> plan_host_mounts(const spec::HostConfig& host) {
    std::vector<PlannedMount> plans;
    for (const std::string& bind : host.binds) {
        GT_TRY_VAR(plan, plan_bind_entry(bind));
        if (plan.type == PlannedMount::Type::kVolume) {
            GT_TRY(check_driver(host.volume_driver));
        }
        plans.push_back(std::move(plan));
    }
    for (const spec::Mount& mount : host.mounts) {
        GT_TRY_VAR(plan, plan_mount(mount, host.volume_driver));
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
    return plans;
}

}  // namespace

Result<std::vector<PlannedMount>> plan_mounts(const spec::HostConfig& host,
                                              const std::set<std::string>& volumes,
                                              std::vector<PlannedMount> inherited) {
    GT_TRY_VAR(plans, plan_host_mounts(host));
    const auto is_planned = [&plans](const std::string& target) {
        return std::ranges::find(plans, target, &PlannedMount::target) != plans.end();
    };
    // The last container that is named wins.
    for (auto plan = inherited.rbegin(); plan != inherited.rend(); ++plan) {
        if (!is_planned(plan->target)) {
            plans.push_back(std::move(*plan));
        }
    }
    for (const std::string& path : volumes) {
        GT_TRY_VAR(plan, plan_config_volume(path));
        if (!is_planned(plan.target)) {
            GT_TRY(check_driver(host.volume_driver));
            plans.push_back(std::move(plan));
        }
    }
    // ORDER: fewer parts first, so that no mount hides another that lies below it.
    const auto depth = [](const PlannedMount& plan) {
        return std::pair(std::count(plan.target.begin(), plan.target.end(), '/'),
                         std::string_view(plan.target));
    };
    std::sort(plans.begin(), plans.end(),
              [&](const PlannedMount& a, const PlannedMount& b) { return depth(a) < depth(b); });
    return std::move(plans);
}

}  // namespace gantry::engine
