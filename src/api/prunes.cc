// What stock clients prune along with containers and images: kinds of objects that this engine has
// none of, checked and counted all the same.

#include <array>

#include "api/route.h"
#include "spec/api/network.h"
#include "spec/filters.h"
#include "spec/prune_filter.h"

namespace gantry::api {
namespace {

/// The predefined networks are never pruned, and there are no others.
Result<> networks(Call& call) {
    GT_TRY_VAR(filters, spec::Filters::parse(call.query.get("filters")));
    GT_TRY(spec::PruneFilter::make(filters, {}, wall_now()));
    return call.send_json(200, spec::to_json(spec::NetworksPruneReport{}));
}

/// Nothing is built here, so nothing is kept of it.
Result<> build_cache(Call& call) {
    GT_TRY_VAR(filters, spec::Filters::parse(call.query.get("filters")));
    GT_TRY(
        filters.check_keys({"until", "id", "parent", "type", "description", "inuse", "shared",
                            "private", "label", "label!", "unused-for", "mutable", "immutable"}));
    return call.send_json(200, spec::to_json(spec::BuildPruneReport{}));
}

constexpr std::array kRoutes{
    Route{"POST", "/networks/prune", networks},
    Route{"POST", "/build/prune", build_cache},
};

}  // namespace

std::span<const Route> prune_routes() {
    return kRoutes;
}

}  // namespace gantry::api
