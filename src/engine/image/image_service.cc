#include "engine/image/image_service.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "engine/event/event_bus.h"
#include "engine/image/image_name.h"
#include "engine/image/image_removal.h"
#include "spec/api/image.h"
#include "spec/reference.h"

namespace gantry::engine {
namespace {

/// The name of the image that REF means, out of NAMES; empty if REF means its id.
std::string name_meant(std::string_view ref, std::span<const std::string> names) {
    const auto reference = spec::parse_reference(ref);
    if (!reference) {
        return {};
    }
    const std::string name = reference->digest ? reference->name() + "@" + reference->digest->str()
                                               : reference->with_default_tag().str();
    return std::ranges::find(names, name) != names.end() ? name : std::string();
}

std::string familiar(const std::string& name) {
    const auto reference = spec::parse_reference(name);
    return reference ? reference->familiar() : name;
}

}  // namespace

ImageService::ImageService(store::ImageStore& images, EventBus& events, ImageUsers users)
    : images_(images), events_(events), users_(std::move(users)) {}

void ImageService::announce(std::string_view action, const store::Image& image,
                            std::string_view name) const {
    EventBus::Attributes attributes(image.config.config.labels.begin(),
                                    image.config.config.labels.end());
    attributes["name"] = name;
    events_.publish("image", action, image.id.str(), std::move(attributes));
}

std::vector<ImageUser> ImageService::users_of(const ImageId& id) const {
    std::vector<ImageUser> users = users_();
    std::erase_if(users, [&](const ImageUser& user) { return user.image != id; });
    return users;
}

Result<> ImageService::tag(std::string_view ref, std::string_view repo, std::string_view tag) {
    std::string target(repo);
    if (!tag.empty()) {
        target += ":";
        target += tag;
    }
    GT_TRY_VAR(reference, spec::parse_reference(target));
    GT_TRY(check_new_name(reference));
    GT_TRY_VAR(image, images_.find(ref));
    const spec::Reference named = reference.with_default_tag();
    GT_TRY(images_.tag(image->id, named.str()));
    announce("tag", *image, named.familiar());
    return {};
}

Result<std::vector<spec::ImageDeleteItem>> ImageService::remove(std::string_view ref,
                                                                const ImageRemoveOptions& options) {
    GT_TRY_VAR(image, images_.find(ref));
    const std::vector<std::string> names = images_.names_of(image->id);
    const std::vector<ImageUser> users = users_of(image->id);
    GT_TRY_VAR(plan, plan_removal({.image = *image,
                                   .ref = ref,
                                   .name = name_meant(ref, names),
                                   .names = names,
                                   .users = users,
                                   .force = options.force}));
    return carry_out(*image, plan);
}

Result<std::vector<spec::ImageDeleteItem>> ImageService::carry_out(const store::Image& image,
                                                                   const RemovalPlan& plan) {
    std::vector<spec::ImageDeleteItem> items;
    for (const std::string& name : plan.untag) {
        GT_TRY(images_.untag(name));
        announce("untag", image, image.id.str());
        items.push_back({.untagged = familiar(name), .deleted = {}});
    }
    if (!plan.remove_image) {
        return items;
    }
    GT_TRY_VAR(removed, images_.remove(image.id));
    announce("delete", image, image.id.str());
    // Names that somebody gave it since the plan was made.
    for (std::string& name : removed.untagged) {
        items.push_back({.untagged = std::move(name), .deleted = {}});
    }
    items.push_back({.untagged = {}, .deleted = image.id.str()});
    for (const ChainId& layer : removed.layers) {
        items.push_back({.untagged = {}, .deleted = layer.str()});
    }
    return items;
}

}  // namespace gantry::engine
