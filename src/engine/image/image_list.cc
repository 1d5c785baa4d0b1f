// ImageService::list(): the filters of GET /images/json (behaviours B4).

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "engine/image/glob.h"
#include "engine/image/image_service.h"
#include "spec/api/image.h"
#include "spec/duration.h"
#include "spec/filters.h"
#include "spec/reference.h"

namespace gantry::engine {
namespace {

/// The filters once their values are understood.
struct Wanted {
    const spec::Filters* filters = nullptr;
    std::optional<bool> dangling;
    std::optional<WallTime> older_than;
    std::optional<WallTime> newer_than;
};

/// Whether PATTERN fits a tag ("alpine:3.20") or its repository ("alpine").
Result<bool> reference_matches(const std::string& pattern, const std::string& tag) {
    GT_TRY_VAR(whole, glob_match(pattern, tag));
    if (whole) {
        return true;
    }
    const auto reference = spec::parse_reference(tag);
    return reference ? glob_match(pattern, reference->familiar_name()) : Result<bool>(false);
}

/// Leaves the names that one of the patterns fits.
Result<std::vector<std::string>> matching(const spec::Filters::Values& patterns,
                                          const std::vector<std::string>& names) {
    std::vector<std::string> kept;
    for (const std::string& name : names) {
        for (const std::string& pattern : patterns) {
            GT_TRY_VAR(matches, reference_matches(pattern, name));
            if (matches) {
                kept.push_back(name);
                break;
            }
        }
    }
    return kept;
}

Result<Wanted> understand(const spec::Filters& filters, const store::ImageStore& images) {
    GT_TRY(filters.check_keys({"dangling", "label", "before", "since", "reference", "until"}));
    Wanted wanted;
    wanted.filters = &filters;
    if (filters.contains("dangling")) {
        GT_TRY_VAR(dangling, filters.bool_value("dangling", false));
        wanted.dangling = dangling;
    }
    const auto keep_older = [&](WallTime time) {
        wanted.older_than = wanted.older_than ? std::min(*wanted.older_than, time) : time;
    };
    for (const std::string& value : filters.values("until")) {
        GT_TRY_VAR(time, spec::parse_timestamp(value, wall_now()));
        keep_older(time);
    }
    for (const std::string& ref : filters.values("before")) {
        GT_TRY_VAR(image, images.find(ref));
        keep_older(image->created);
    }
    for (const std::string& ref : filters.values("since")) {
        GT_TRY_VAR(image, images.find(ref));
        wanted.newer_than =
            wanted.newer_than ? std::max(*wanted.newer_than, image->created) : image->created;
    }
    return wanted;
}

bool is_wanted(const store::Image& image, const Wanted& wanted) {
    const bool dangling = image.repo_tags.empty() && image.repo_digests.empty();
    return (!wanted.dangling || *wanted.dangling == dangling) &&
           (!wanted.older_than || image.created < *wanted.older_than) &&
           (!wanted.newer_than || image.created > *wanted.newer_than) &&
           wanted.filters->match_labels("label", image.config.config.labels);
}

/// How many images stand on each layer: what is shared is what more than one has.
std::map<ChainId, int> count_layers(const std::vector<store::ImagePtr>& images) {
    std::map<ChainId, int> counts;
    for (const store::ImagePtr& image : images) {
        for (const ChainId& layer : image->chain) {
            ++counts[layer];
        }
    }
    return counts;
}

int64_t shared_bytes(const store::Image& image, const std::map<ChainId, int>& counts) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < image.chain.size(); ++i) {
        bytes += counts.at(image.chain[i]) > 1 ? image.layer_bytes[i] : 0;
    }
    return static_cast<int64_t>(bytes);
}

spec::ImageSummary summarize(const store::Image& image) {
    spec::ImageSummary summary;
    summary.id = image.id.str();
    summary.repo_tags = image.repo_tags;
    summary.repo_digests = image.repo_digests;
    summary.created =
        std::chrono::floor<std::chrono::seconds>(image.created).time_since_epoch().count();
    summary.size = static_cast<int64_t>(image.size);
    summary.virtual_size = summary.size;
    if (!image.config.config.labels.empty()) {
        summary.labels = image.config.config.labels;
    }
    return summary;
}

}  // namespace

int64_t ImageService::layers_size() const {
    std::map<ChainId, uint64_t> layers;
    for (const store::ImagePtr& image : images_.list()) {
        for (size_t i = 0; i < image->chain.size(); ++i) {
            layers[image->chain[i]] = image->layer_bytes[i];
        }
    }
    uint64_t bytes = 0;
    for (const auto& [id, size] : layers) {
        bytes += size;
    }
    return static_cast<int64_t>(bytes);
}

Result<std::vector<spec::ImageSummary>> ImageService::list(const ImageListOptions& options,
                                                           const spec::Filters& filters) const {
    GT_TRY_VAR(wanted, understand(filters, images_));
    const std::vector<store::ImagePtr> images = images_.list();
    const std::map<ChainId, int> layer_counts =
        options.shared_size ? count_layers(images) : std::map<ChainId, int>();
    std::map<ImageId, int64_t> containers;
    for (const ImageUser& user : users_()) {
        ++containers[user.image];
    }
    std::vector<spec::ImageSummary> summaries;
    for (const store::ImagePtr& image : images) {
        if (!is_wanted(*image, wanted)) {
            continue;
        }
        spec::ImageSummary summary = summarize(*image);
        if (filters.contains("reference")) {
            GT_TRY_VAR(tags, matching(filters.values("reference"), image->repo_tags));
            GT_TRY_VAR(digests, matching(filters.values("reference"), image->repo_digests));
            if (tags.empty() && digests.empty()) {
                continue;
            }
            summary.repo_tags = std::move(tags);
            summary.repo_digests = std::move(digests);
        }
        if (options.shared_size) {
            summary.shared_size = shared_bytes(*image, layer_counts);
        }
        summary.containers = containers[image->id];
        summaries.push_back(std::move(summary));
    }
    std::ranges::sort(summaries, std::ranges::greater(), [](const spec::ImageSummary& summary) {
        return std::pair(summary.created, std::string_view(summary.id));
    });
    return summaries;
}

}  // namespace gantry::engine
