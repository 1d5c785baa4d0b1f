#include <fmt/core.h>

#include <array>

#include "api/query_values.h"
#include "api/route.h"
#include "spec/api/volume.h"
#include "spec/filters.h"

namespace gantry::api {
namespace {

// There are no volumes yet, and these routes say so in Docker's terms.

Result<> list(Call& call) {
    GT_TRY_VAR(filters, spec::Filters::parse(call.query.get("filters")));
    GT_TRY(filters.check_keys({"dangling", "driver", "label", "name"}));
    return call.send_json(200, spec::to_json(spec::VolumeList{}));
}

Failure no_such_volume(const Call& call) {
    return fail(Kind::kNotFound, fmt::format("get {}: no such volume", call.name));
}

Result<> inspect(Call& call) {
    return no_such_volume(call);
}

Result<> remove(Call& call) {
    if (bool_value(call.query, "force")) {
        return call.send_empty(204);
    }
    return no_such_volume(call);
}

constexpr std::array kRoutes{
    Route{"GET", "/volumes", list},
    Route{"GET", "/volumes/{}", inspect},
    Route{"DELETE", "/volumes/{}", remove},
};

}  // namespace

std::span<const Route> volume_routes() {
    return kRoutes;
}

}  // namespace gantry::api
