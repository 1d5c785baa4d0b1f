#include "engine/container/create.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "base/failpoint.h"
#include "base/scope_guard.h"
#include "engine/container/config_merge.h"
#include "engine/container/host_check.h"
#include "engine/container/join.h"
#include "engine/container/links.h"
#include "engine/container/mount_plan.h"
#include "engine/container/names.h"
#include "engine/container/runtimes.h"
#include "engine/container/volume_use.h"
#include "engine/logdriver/log_driver.h"
#include "spec/platform.h"
#include "store/images.h"
#include "store/snapshots.h"
#include "sys/root_dir.h"

namespace gantry::engine {

namespace {

/// A platform that was asked for must be the image's; one that was not is only worth a warning.
Result<> check_platform(const store::Image& image, const std::string& ref,
                        const std::string& wanted, std::vector<std::string>& warnings) {
    const spec::oci::Platform native = spec::native_platform();
    spec::oci::Platform have = native;
    have.os = image.config.os.empty() ? native.os : image.config.os;
    have.architecture =
        image.config.architecture.empty() ? native.architecture : image.config.architecture;
    have.variant = image.config.variant;
    have = spec::normalize_platform(std::move(have));
    if (!wanted.empty()) {
        GT_TRY_VAR(platform, spec::parse_platform(wanted, native));
        if (!spec::platform_matches(platform, have)) {
            return fail(
                Kind::kNotFound,
                fmt::format("image with reference {} was found but its platform ({}) does "
                            "not match the specified platform ({})",
                            ref, spec::format_platform(have), spec::format_platform(platform)));
        }
    } else if (have.architecture != native.architecture) {
        warnings.push_back(
            fmt::format("The requested image's platform ({}) does not match the "
                        "detected host platform ({}) and no specific platform was "
                        "requested",
                        spec::format_platform(have), spec::format_platform(native)));
    }
    return {};
}

std::string host_name() {
    std::array<char, 256> name{};
    return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "localhost";
}

/// What HOST asks for can be had here.
Result<> check_storage(const ContainerCore& core, const spec::HostConfig& host) {
    GT_TRY_VAR(limit, storage_limit(host));
    if (limit > 0 && !core.parts.snapshots.can_limit()) {
        return fail(Kind::kInvalid,
                    "--storage-opt is supported only for overlay over xfs with 'pquota' mount "
                    "option or ext4 with 'prjquota' mount option");
    }
    return {};
}

/// Checks all that was asked for and completes it to a record. Touches nothing.
Result<std::shared_ptr<ContainerRecord>> make_record(const ContainerCore& core,
                                                     const spec::ContainerCreateRequest& request,
                                                     const store::Image& image,
                                                     std::vector<std::string>& warnings) {
    auto record = std::make_shared<ContainerRecord>();
    record->config = request.config;
    record->host = request.host_config.value_or(spec::HostConfig{});
    record->networking = request.networking_config.value_or(spec::NetworkingConfig{});
    GT_TRY(check_config(record->config));
    const HostFacts facts = host_facts(core);
    GT_TRY(check_networking(record->networking, record->host));
    GT_TRY(adjust_resources(record->host.resources, facts, ResourceUse::kCreate, warnings));
    merge_log_defaults(record->host.log_config, core.settings.log);
    set_host_defaults(record->host, facts, core.settings.defaults);
    merge_image_config(record->config, image.config.config);
    GT_TRY(check_merged_config(record->config));
    GT_TRY(check_host_config(record->host, request.config));
    GT_TRY(check_storage(core, record->host));
    GT_TRY(check_user_namespace(record->host, facts));
    GT_TRY_VAR(inherited, inherited_mounts(core.table, record->host.volumes_from));
    GT_TRY_VAR(mounts, plan_mounts(record->host, record->config.volumes, std::move(inherited)));
    record->mounts = std::move(mounts);
    GT_TRY(check_bind_sources(record->mounts, SourceMaking::kRefuse));
    GT_TRY(check_image_mounts(core, record->mounts));
    GT_TRY(check_runtime(core.settings, *record));
    if (record->host.init.value_or(false)) {
        if (core.settings.init_path.empty()) {
            return fail(Kind::kNotImplemented,
                        "HostConfig.Init: gantry-init is not installed beside gantryd");
        }
        if (!record->host.pid_mode.empty()) {
            return fail(Kind::kInvalid,
                        "conflicting options: Init needs a PID namespace of the container's own");
        }
    }
    record->id = ContainerId(random_id());
    record->created = wall_now();
    record->image = image.id;
    GT_TRY(resolve_joins(core.table, *record));
    GT_TRY(resolve_links(core.table, *record));
    if (record->config.hostname.empty()) {
        const bool of_host = record->host.network_mode == "host" || record->host.uts_mode == "host";
        record->config.hostname = of_host ? host_name() : std::string(short_id(record->id.str()));
    }
    return record;
}

Result<ContainerTable::NameReservation> reserve_name(ContainerCore& core, const std::string& wanted,
                                                     const ContainerId& id) {
    if (!wanted.empty()) {
        GT_TRY_VAR(name, parse_container_name(wanted));
        return core.table.reserve(name, id);
    }
    for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
        if (auto reserved = core.table.reserve(random_name(attempt), id)) {
            return reserved;
        }
    }
    return core.table.reserve(short_id(id.str()), id);
}

/// COMPAT: programs look for this file to learn that they run in a container (G10).
Result<> mark_root(const ContainerCore& core, const ContainerId& id) {
    GT_TRY_VAR(upper, core.parts.snapshots.open_upper(id));
    const sys::RootDir root = sys::RootDir::from_fd(std::move(upper));
    GT_TRY(root.open_at(".dockerenv", O_CREAT | O_WRONLY | O_NOFOLLOW, 0755));
    return {};
}

/// Directories, then the record: whatever dies in between leaves only what the next boot sweeps.
Result<> make_durable(ContainerCore& core, const ContainerSnapshot& snapshot,
                      const store::Image& image, volume::Claims& claims) {
    const ContainerId& id = snapshot.record->id;
    ScopeGuard undo([&] { (void)core.parts.snapshots.discard(id); });
    GT_FAILPOINT("container.create.directories");
    GT_TRY_VAR(limit, storage_limit(snapshot.record->host));
    GT_TRY(core.parts.snapshots.make_directories(id, image, limit));
    GT_TRY(mark_root(core, id));
    GT_TRY(core.records.insert(snapshot, image, claims));
    undo.commit();
    for (const volume::VolumePtr& volume : claims.made()) {
        publish_volume_event(core, *volume, "create");
    }
    claims.keep();
    return {};
}

}  // namespace

Result<spec::ContainerCreateResponse> create_container(ContainerCore& core,
                                                       const spec::ContainerCreateRequest& request,
                                                       const CreateOptions& options) {
    if (request.config.image.empty()) {
        return fail(Kind::kInvalid, "invalid reference format");
    }
    GT_TRY_VAR(image, core.parts.images.find(request.config.image));
    spec::ContainerCreateResponse response;
    GT_TRY(check_platform(*image, request.config.image, options.platform, response.warnings));
    GT_TRY_VAR(record, make_record(core, request, *image, response.warnings));
    GT_TRY_VAR(name, reserve_name(core, options.name, record->id));
    volume::Claims claims(core.parts.volumes, record->id);
    GT_TRY(claim_volumes(record->mounts, claims));
    GT_TRY(fill_volumes(core, *record, *image));
    auto snapshot = std::make_shared<const ContainerSnapshot>(
        ContainerSnapshot{.record = record, .name = name.name(), .life = {}});
    GT_TRY(make_durable(core, *snapshot, *image, claims));
    core.table.insert(std::make_shared<ContainerEntry>(record->id, snapshot), std::move(name));
    publish_event(core, *snapshot, "create");
    response.id = record->id.str();
    return response;
}

}  // namespace gantry::engine
