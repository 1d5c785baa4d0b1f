#include <array>
#include <string>
#include <utility>
#include <vector>

#include "api/container_input.h"
#include "api/encode.h"
#include "api/query_values.h"
#include "api/route.h"
#include "engine/container/container_service.h"
#include "engine/image/image_service.h"
#include "spec/api/image.h"
#include "spec/filters.h"

namespace gantry::api {
namespace {

Result<> list(Call& call) {
    engine::ImageListOptions options;
    options.all = bool_value(call.query, "all");
    options.shared_size =
        call.version >= ApiVersion{1, 42} && bool_value(call.query, "shared-size");
    GT_TRY_VAR(filters, spec::Filters::parse(call.query.get("filters")));
    GT_TRY_VAR(images, call.services.images.list(options, filters));
    for (spec::ImageSummary& image : images) {
        fit_version(image, call.version);
    }
    return call.send_json(200, spec::to_json(images));
}

Result<> inspect(Call& call) {
    GT_TRY_VAR(image, call.services.images.inspect(call.name));
    fit_version(image, call.version);
    return call.send_json(200, spec::to_json(image));
}

Result<> history(Call& call) {
    GT_TRY_VAR(items, call.services.images.history(call.name));
    return call.send_json(200, spec::to_json(items));
}

Result<> tag(Call& call) {
    GT_TRY(call.services.images.tag(call.name, call.query.get("repo"), call.query.get("tag")));
    return call.send_empty(201);
}

Result<> remove(Call& call) {
    engine::ImageRemoveOptions options;
    options.force = bool_value(call.query, "force");
    options.no_prune = bool_value(call.query, "noprune");
    GT_TRY_VAR(items, call.services.images.remove(call.name, options));
    return call.send_json(200, spec::to_json(items));
}

/// The containers that a prune with the same filters would remove before the images.
Result<std::vector<std::string>> containers_leaving(const Call& call,
                                                    const spec::Filters& filters) {
    spec::Filters same;
    for (const auto& [key, values] : filters.all()) {
        for (const std::string& value : values) {
            if (key != "dangling") {
                same.add(key, value);
            }
        }
    }
    GT_TRY_VAR(report, call.services.containers.prune(same, engine::PruneMode::kDryRun));
    return std::move(report.containers_deleted);
}

Result<> prune(Call& call) {
    GT_TRY_VAR(filters, spec::Filters::parse(call.query.get("filters")));
    std::vector<std::string> leaving;
    if (prune_mode(call.query) == engine::PruneMode::kDryRun &&
        bool_value(call.query, "after-containers")) {
        GT_TRY_VAR(containers, containers_leaving(call, filters));
        leaving = std::move(containers);
    }
    GT_TRY_VAR(report, call.services.images.prune(filters, prune_mode(call.query), leaving));
    return call.send_json(200, spec::to_json(report));
}

constexpr std::array kRoutes{
    Route{"GET", "/images/json", list},          Route{"GET", "/images/{}/json", inspect},
    Route{"GET", "/images/{}/history", history}, Route{"POST", "/images/{}/tag", tag},
    Route{"DELETE", "/images/{}", remove},       Route{"POST", "/images/prune", prune},
};

}  // namespace

std::span<const Route> image_routes() {
    return kRoutes;
}

}  // namespace gantry::api
