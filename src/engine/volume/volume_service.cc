#include "engine/volume/volume_service.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "engine/container/tree_size.h"
#include "engine/event/event_bus.h"
#include "spec/api/volume.h"
#include "spec/filters.h"
#include "spec/regexp.h"
#include "volume/volumes.h"

namespace gantry::engine {

namespace {

std::optional<spec::StringMap> map_or_null(const spec::StringMap& map) {
    return map.empty() ? std::nullopt : std::optional(map);
}

spec::Volume describe(const volume::Volumes& volumes, const volume::Volume& volume) {
    spec::Volume shown;
    shown.name = volume.name;
    shown.driver = "local";
    shown.mountpoint = volumes.data_path(volume.id);
    // COMPAT: whole seconds.
    shown.created_at = std::chrono::time_point_cast<std::chrono::seconds>(volume.created);
    shown.labels = map_or_null(volume.labels);
    shown.scope = "local";
    shown.options = map_or_null(volume.options);
    return shown;
}

int64_t size_of(const volume::Volumes& volumes, const volume::Volume& volume) {
    return measure_tree(volumes.data_path(volume.id)).value_or(0);
}

}  // namespace

VolumeService::VolumeService(volume::Volumes& volumes, EventBus& events)
    : volumes_(volumes), events_(events) {}

Result<spec::VolumeList> VolumeService::list(const spec::Filters& filters) const {
    GT_TRY(filters.check_keys({"dangling", "driver", "label", "name"}));
    GT_TRY_VAR(dangling, filters.bool_value("dangling", false));
    for (const std::string& pattern : filters.values("name")) {
        GT_TRY(spec::Regexp::compile(pattern));
    }
    spec::VolumeList list;
    for (const volume::VolumeUse& use : volumes_.list()) {
        const bool fits = filters.match_exact("driver", "local") &&
                          filters.match_regexp("name", use.volume->name) &&
                          filters.match_labels("label", use.volume->labels) &&
                          (!filters.contains("dangling") || use.users.empty() == dangling);
        if (fits) {
            list.volumes.push_back(describe(volumes_, *use.volume));
        }
    }
    return list;
}

Result<spec::Volume> VolumeService::inspect(std::string_view name) const {
    GT_TRY_VAR(use, volumes_.find(name));
    return describe(volumes_, *use.volume);
}

Result<spec::Volume> VolumeService::create(const spec::VolumeCreateRequest& request) {
    if (!request.driver.empty() && request.driver != "local") {
        return fail(Kind::kNotFound,
                    fmt::format("create {}: error looking up volume plugin {}: plugin \"{}\" not "
                                "found",
                                request.name, request.driver, request.driver));
    }
    volume::VolumeRequest wanted{
        .name = request.name, .labels = request.labels, .options = request.driver_opts};
    if (wanted.name.empty()) {
        wanted.labels[std::string(volume::kAnonymousLabel)] = "";
    }
    GT_TRY_VAR(created, volumes_.create(wanted));
    if (created.is_new) {
        events_.publish("volume", "create", created.volume->name, {{"driver", "local"}});
    }
    return describe(volumes_, *created.volume);
}

Result<> VolumeService::remove(std::string_view name, MissingVolume missing) {
    auto removed = volumes_.remove(name);
    if (!removed) {
        if (missing == MissingVolume::kFine && removed.error().kind() == Kind::kNotFound) {
            return {};
        }
        return Failure(std::move(removed).error());
    }
    events_.publish("volume", "destroy", (*removed)->name, {{"driver", "local"}});
    return {};
}

Result<> VolumeService::rename(std::string_view name, const std::string& to) {
    GT_TRY_VAR(renamed, volumes_.rename(name, to));
    events_.publish("volume", "rename", renamed->name,
                    {{"driver", "local"}, {"oldName", std::string(name)}});
    return {};
}

Result<spec::VolumesPruneReport> VolumeService::prune(const spec::Filters& filters,
                                                      VolumePruneScope scope,
                                                      VolumePruneMode mode) {
    GT_TRY(filters.check_keys({"all", "label", "label!"}));
    GT_TRY_VAR(all, filters.bool_value("all", scope == VolumePruneScope::kAll));
    scope = all ? VolumePruneScope::kAll : VolumePruneScope::kAnonymous;
    if (mode == VolumePruneMode::kDryRun) {
        return prune_alone(filters, scope, mode);
    }
    if (!pruning_.try_lock()) {
        return fail(Kind::kConflict, "a prune operation is already running");
    }
    auto report = prune_alone(filters, scope, mode);
    pruning_.unlock();
    if (report) {
        events_.publish("volume", "prune", "",
                        {{"reclaimed", fmt::format("{}", report->space_reclaimed)}});
    }
    return report;
}

Result<spec::VolumesPruneReport> VolumeService::prune_alone(const spec::Filters& filters,
                                                            VolumePruneScope scope,
                                                            VolumePruneMode mode) {
    spec::VolumesPruneReport report;
    for (const volume::VolumeUse& use : volumes_.list()) {
        const volume::Volume& volume = *use.volume;
        const bool excluded =
            filters.contains("label!") && filters.match_labels("label!", volume.labels);
        if (!use.users.empty() || !volume.options.empty() || excluded ||
            (scope == VolumePruneScope::kAnonymous && !volume.anonymous()) ||
            !filters.match_labels("label", volume.labels)) {
            continue;
        }
        const int64_t size = size_of(volumes_, volume);
        // One that somebody began to use meanwhile stays.
        if (mode == VolumePruneMode::kDryRun || remove(volume.name, MissingVolume::kError)) {
            report.volumes_deleted.push_back(volume.name);
            report.space_reclaimed += size;
        }
    }
    return report;
}

std::vector<spec::Volume> VolumeService::usage() const {
    std::vector<spec::Volume> shown;
    for (const volume::VolumeUse& use : volumes_.list()) {
        shown.push_back(describe(volumes_, *use.volume));
        shown.back().usage_data = {.ref_count = static_cast<int64_t>(use.users.size()),
                                   .size = size_of(volumes_, *use.volume)};
    }
    return shown;
}

}  // namespace gantry::engine
