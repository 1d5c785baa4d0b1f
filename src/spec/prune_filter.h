#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "spec/filters.h"

namespace gantry::spec {

/// The filters that all prunes have in common (behaviours B2, B7): `label`, `label!` and `until`,
/// and `id` of our own: only these objects, which is how a client prunes what it has shown and
/// nothing that came since. Pure.
class PruneFilter {
public:
    using Labels = std::map<std::string, std::string>;

    /// kInvalid for a key that is neither common nor in OTHERS, for more than one `until` and for
    /// one that is no time.
    static Result<PruneFilter> make(const Filters& filters,
                                    std::initializer_list<std::string_view> others, WallTime now);

    /// For objects without a time of their own, CREATED is empty: `until` keeps those.
    bool matches(std::string_view id, std::optional<WallTime> created, const Labels& labels) const;

private:
    Filters filters_;
    std::optional<WallTime> until_;
};

}  // namespace gantry::spec
