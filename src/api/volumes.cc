#include <array>

#include "api/query_values.h"
#include "api/route.h"
#include "engine/volume/volume_service.h"
#include "spec/api/volume.h"
#include "spec/filters.h"

namespace gantry::api {
namespace {

Result<> list(Call& call) {
    GT_TRY_VAR(filters, spec::Filters::parse(call.query.get("filters")));
    GT_TRY_VAR(volumes, call.services.volumes.list(filters));
    return call.send_json(200, spec::to_json(volumes));
}

Result<> create(Call& call) {
    GT_TRY_VAR(request, call.json_body<spec::VolumeCreateRequest>());
    GT_TRY_VAR(created, call.services.volumes.create(request));
    return call.send_json(201, spec::to_json(created));
}

Result<> inspect(Call& call) {
    GT_TRY_VAR(volume, call.services.volumes.inspect(call.name));
    return call.send_json(200, spec::to_json(volume));
}

Result<> remove(Call& call) {
    const auto missing = bool_value(call.query, "force") ? engine::MissingVolume::kFine
                                                         : engine::MissingVolume::kError;
    GT_TRY(call.services.volumes.remove(call.name, missing));
    return call.send_empty(204);
}

/// Gantry's own.
Result<> rename(Call& call) {
    GT_TRY(call.services.volumes.rename(call.name, std::string(call.query.get("name"))));
    return call.send_empty(204);
}

Result<> prune(Call& call) {
    GT_TRY_VAR(filters, spec::Filters::parse(call.query.get("filters")));
    // COMPAT: named volumes stayed out of it only from 1.42 on.
    const auto scope = call.version < ApiVersion{1, 42} ? engine::VolumePruneScope::kAll
                                                        : engine::VolumePruneScope::kAnonymous;
    const auto mode = bool_value(call.query, "dry-run") ? engine::VolumePruneMode::kDryRun
                                                        : engine::VolumePruneMode::kRemove;
    GT_TRY_VAR(report, call.services.volumes.prune(filters, scope, mode));
    return call.send_json(200, spec::to_json(report));
}

constexpr std::array kRoutes{
    Route{"GET", "/volumes", list},         Route{"POST", "/volumes/create", create},
    Route{"POST", "/volumes/prune", prune}, Route{"POST", "/volumes/{}/rename", rename},
    Route{"GET", "/volumes/{}", inspect},   Route{"DELETE", "/volumes/{}", remove},
};

}  // namespace

std::span<const Route> volume_routes() {
    return kRoutes;
}

}  // namespace gantry::api
