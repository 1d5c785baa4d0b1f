#include "engine/image/image_removal.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

namespace gantry::engine {
namespace {

bool is_digest_name(std::string_view name) {
    return name.find('@') != name.npos;
}

std::string_view repository(std::string_view name) {
    if (const size_t at = name.find('@'); at != name.npos) {
        return name.substr(0, at);
    }
    const size_t colon = name.rfind(':');
    const size_t slash = name.rfind('/');
    return colon != name.npos && (slash == name.npos || colon > slash) ? name.substr(0, colon)
                                                                       : name;
}

/// At most one tag, and digests of that one repository only.
bool is_single(std::span<const std::string> names) {
    if (names.size() <= 1) {
        return true;
    }
    std::set<std::string_view> repositories;
    for (const std::string& name : names) {
        repositories.insert(repository(name));
    }
    const auto tags =
        std::ranges::count_if(names, [](const auto& n) { return !is_digest_name(n); });
    return tags <= 1 && repositories.size() == 1;
}

std::string_view short_image_id(const store::Image& image) {
    return short_id(std::string_view(image.id.str()).substr(std::string_view("sha256:").size()));
}

enum class Strength { kNeedsForce, kNever };

Failure conflict(const store::Image& image, Strength strength, std::string_view why) {
    return fail(
        Kind::kConflict,
        fmt::format("conflict: unable to delete {} ({}) - {}", short_image_id(image),
                    strength == Strength::kNever ? "cannot be forced" : "must be forced", why));
}

Result<> check_running(const RemovalFacts& facts) {
    const auto running = std::ranges::find_if(facts.users, &ImageUser::running);
    if (running == facts.users.end()) {
        return {};
    }
    return conflict(
        facts.image, Strength::kNever,
        fmt::format("image is being used by running container {}", short_id(running->id.str())));
}

Result<> check_stopped(const RemovalFacts& facts) {
    if (facts.force || facts.users.empty()) {
        return {};
    }
    return conflict(facts.image, Strength::kNeedsForce,
                    fmt::format("image is being used by stopped container {}",
                                short_id(facts.users.front().id.str())));
}

Result<RemovalPlan> plan_by_id(const RemovalFacts& facts) {
    GT_TRY(check_running(facts));
    if (!is_single(facts.names) && !facts.force) {
        return conflict(facts.image, Strength::kNeedsForce,
                        "image is referenced in multiple repositories");
    }
    GT_TRY(check_stopped(facts));
    return RemovalPlan{.untag = {facts.names.begin(), facts.names.end()}, .remove_image = true};
}

Result<RemovalPlan> plan_by_name(const RemovalFacts& facts) {
    if (!facts.force && is_single(facts.names) && !facts.users.empty()) {
        return fail(
            Kind::kConflict,
            fmt::format("conflict: unable to remove repository reference {:?} (must force) - "
                        "container {} is using its referenced image {}",
                        facts.ref, short_id(facts.users.front().id.str()),
                        short_image_id(facts.image)));
    }
    RemovalPlan plan{.untag = {facts.name}, .remove_image = false};
    std::vector<std::string> left;
    std::ranges::copy_if(facts.names, std::back_inserter(left),
                         [&](const std::string& name) { return name != facts.name; });
    const auto same_repository = [&](const std::string& name) {
        return repository(name) == repository(facts.name);
    };
    const bool other_tag = std::ranges::any_of(left, [&](const std::string& name) {
        return !is_digest_name(name) && same_repository(name);
    });
    if (!is_digest_name(facts.name) && !other_tag) {
        // With a repository's last tag go its digests.
        for (const std::string& name : left) {
            if (same_repository(name)) {
                plan.untag.push_back(name);
            }
        }
        std::erase_if(left, same_repository);
    }
    // An image that lost its last name but is in use stays without one; only force gets here then.
    plan.remove_image = left.empty() && check_running(facts) && check_stopped(facts);
    return plan;
}

}  // namespace

Result<RemovalPlan> plan_removal(const RemovalFacts& facts) {
    return facts.name.empty() ? plan_by_id(facts) : plan_by_name(facts);
}

}  // namespace gantry::engine
