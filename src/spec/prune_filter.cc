#include "spec/prune_filter.h"

#include <array>
#include <utility>
#include <vector>

#include "spec/duration.h"

namespace gantry::spec {

Result<PruneFilter> PruneFilter::make(const Filters& filters,
                                      std::initializer_list<std::string_view> others,
                                      WallTime now) {
    std::vector<std::string_view> allowed = {"label", "label!", "until", "id"};
    allowed.insert(allowed.end(), others.begin(), others.end());
    GT_TRY(filters.check_keys(allowed));
    PruneFilter filter;
    const Filters::Values& until = filters.values("until");
    if (until.size() > 1) {
        return fail(Kind::kInvalid, "more than one until filter specified");
    }
    for (const std::string& text : until) {
        GT_TRY_VAR(time, parse_timestamp(text, now));
        filter.until_ = time;
    }
    filter.filters_ = filters;
    return filter;
}

bool PruneFilter::matches(std::string_view id, std::optional<WallTime> created,
                          const Labels& labels) const {
    if (until_ && (!created || *created > *until_)) {
        return false;
    }
    // COMPAT: several `label!` exclude only what has all of them.
    return filters_.match_exact("id", id) && filters_.match_labels("label", labels) &&
           (!filters_.contains("label!") || !filters_.match_labels("label!", labels));
}

}  // namespace gantry::spec
