#include "spec/api/disk_usage.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "api/encode.h"
#include "api/route.h"
#include "engine/container/container_service.h"
#include "engine/image/image_service.h"
#include "engine/volume/volume_service.h"
#include "spec/filters.h"

namespace gantry::api {
namespace {

constexpr std::array<std::string_view, 4> kTypes = {"container", "image", "volume", "build-cache"};

/// The kinds of objects that the query asks for: all, unless it names some (API 1.42).
class Selection {
public:
    static Result<Selection> decode(const Call& call) {
        Selection selection;
        if (call.version < ApiVersion{1, 42}) {
            return selection;
        }
        selection.types_ = call.query.all("type");
        for (const std::string& type : selection.types_) {
            if (std::ranges::find(kTypes, type) == kTypes.end()) {
                return fail(Kind::kInvalid, fmt::format("unknown object type: {}", type));
            }
        }
        return selection;
    }

    bool has(std::string_view type) const {
        return types_.empty() || std::ranges::find(types_, type) != types_.end();
    }

private:
    std::vector<std::string> types_;
};

Result<> add_images(const Call& call, spec::DiskUsage& usage) {
    GT_TRY_VAR(images, call.services.images.list({.all = false, .shared_size = true}, {}));
    for (spec::ImageSummary& image : images) {
        const int64_t users = image.containers;
        fit_version(image, call.version);
        // COMPAT: unlike in a list, the count is there in every version.
        image.containers = users;
    }
    usage.images = std::move(images);
    usage.layers_size = call.services.images.layers_size();
    return {};
}

Result<> add_containers(const Call& call, spec::DiskUsage& usage) {
    const engine::ListOptions options{.all = true, .limit = 0, .size = engine::SizeInfo::kCompute};
    GT_TRY_VAR(containers, call.services.containers.list(options, {}));
    for (spec::ContainerSummary& container : containers) {
        fit_version(container, call.version);
    }
    usage.containers = std::move(containers);
    return {};
}

Result<> disk_usage(Call& call) {
    GT_TRY_VAR(selection, Selection::decode(call));
    spec::DiskUsage usage;
    if (selection.has("image")) {
        GT_TRY(add_images(call, usage));
    }
    if (selection.has("container")) {
        GT_TRY(add_containers(call, usage));
    }
    if (selection.has("volume")) {
        usage.volumes = call.services.volumes.usage();
    }
    if (selection.has("build-cache")) {
        usage.build_cache.emplace();
    }
    return call.send_json(200, spec::to_json(usage));
}

constexpr std::array kRoutes{Route{"GET", "/system/df", disk_usage}};

}  // namespace

std::span<const Route> disk_usage_routes() {
    return kRoutes;
}

}  // namespace gantry::api
