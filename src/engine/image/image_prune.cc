// ImageService::prune(): POST /images/prune.

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/log.h"
#include "engine/event/event_bus.h"
#include "engine/image/image_removal.h"
#include "engine/image/image_service.h"
#include "spec/api/image.h"
#include "spec/filters.h"
#include "spec/prune_filter.h"

namespace gantry::engine {
namespace {

/// COMPAT: an image that has only digests counts as one without a name here.
bool is_prunable(const store::Image& image, const spec::PruneFilter& filter, bool dangling_only) {
    return (!dangling_only || image.repo_tags.empty()) &&
           filter.matches(image.id.str(), image.created, image.config.config.labels);
}

std::string shown_name(const store::Image& image) {
    return image.repo_tags.empty() ? "<none>" : image.repo_tags.front();
}

/// Counts what a removal frees: a layer's bytes, once its last image is gone.
class LayerLedger {
public:
    explicit LayerLedger(const std::vector<store::ImagePtr>& images) {
        for (const store::ImagePtr& image : images) {
            for (size_t i = 0; i < image->chain.size(); ++i) {
                Layer& layer = layers_[image->chain[i]];
                layer.bytes = image->layer_bytes[i];
                ++layer.images;
            }
        }
    }

    int64_t bytes(const ChainId& layer) const {
        const auto found = layers_.find(layer);
        return found == layers_.end() ? 0 : static_cast<int64_t>(found->second.bytes);
    }

    /// What would go with IMAGE, as if those before it had gone.
    int64_t take(const store::Image& image) {
        int64_t freed = 0;
        for (const ChainId& id : image.chain) {
            Layer& layer = layers_.at(id);
            if (--layer.images == 0) {
                freed += static_cast<int64_t>(layer.bytes);
            }
        }
        return freed;
    }

private:
    struct Layer {
        uint64_t bytes = 0;
        int images = 0;
    };
    std::map<ChainId, Layer> layers_;
};

/// Oldest first, so that the order says something.
std::vector<store::ImagePtr> sorted(std::vector<store::ImagePtr> images) {
    std::ranges::sort(images, {}, [](const store::ImagePtr& image) {
        return std::pair(image->created, std::string_view(image->id.str()));
    });
    return images;
}

}  // namespace

Result<spec::ImagesPruneReport> ImageService::prune(const spec::Filters& filters, PruneMode mode,
                                                    std::span<const std::string> leaving) {
    GT_TRY_VAR(filter, spec::PruneFilter::make(filters, {"dangling"}, wall_now()));
    GT_TRY_VAR(dangling_only, filters.bool_value("dangling", true));
    auto pass = prune_gate_.enter();
    if (!pass) {
        return Failure(std::move(pass).error());
    }
    const std::vector<store::ImagePtr> images = sorted(images_.list());
    LayerLedger ledger(images);
    std::set<ImageId> used;
    for (const ImageUser& user : users_()) {
        if (std::ranges::find(leaving, user.id.str()) == leaving.end()) {
            used.insert(user.image);
        }
    }
    spec::ImagesPruneReport report;
    for (const store::ImagePtr& image : images) {
        if (used.contains(image->id) || !is_prunable(*image, filter, dangling_only)) {
            continue;
        }
        if (mode == PruneMode::kDryRun) {
            const int64_t bytes = ledger.take(*image);
            report.objects.push_back(
                {.id = image->id.str(), .name = shown_name(*image), .size = bytes});
            report.images_deleted.push_back({.untagged = {}, .deleted = image->id.str()});
            report.space_reclaimed += bytes;
            continue;
        }
        const auto items = remove_whole(*image);
        if (!items) {
            log::warn("cannot prune an image",
                      {{"image", image->id.str()}, {"error", items.error().text()}});
            continue;
        }
        for (const spec::ImageDeleteItem& item : *items) {
            report.space_reclaimed +=
                item.deleted.empty() ? 0 : ledger.bytes(ChainId(item.deleted));
            report.images_deleted.push_back(item);
        }
    }
    if (mode == PruneMode::kRemove) {
        events_.publish("image", "prune", "",
                        {{"reclaimed", fmt::format("{}", report.space_reclaimed)}});
    }
    return report;
}

Result<std::vector<spec::ImageDeleteItem>> ImageService::remove_whole(const store::Image& image) {
    return carry_out(image, {.untag = images_.names_of(image.id), .remove_image = true});
}

}  // namespace gantry::engine
