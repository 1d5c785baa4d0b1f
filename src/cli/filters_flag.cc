#include "cli/filters_flag.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "spec/filters.h"

namespace gantry::cli {

std::string filters_parameter(std::span<const std::string> pairs) {
    spec::Filters filters;
    for (const std::string& pair : pairs) {
        const auto [key, value, assigned] = cut(pair, '=');
        if (assigned) {
            filters.add(to_lower(trim(key)), trim(value));
        }
    }
    return filters.empty() ? "" : filters.to_json();
}

std::vector<std::string> with_prune_filters(std::vector<std::string> flags,
                                            std::span<const std::string> configured) {
    const std::vector<std::string> given = flags;
    for (const std::string& filter : configured) {
        const auto [key, value, assigned] = cut(filter, '=');
        const std::string_view opposite = key == "label"    ? "label!"
                                          : key == "label!" ? "label"
                                                            : "";
        const bool overruled =
            !opposite.empty() &&
            std::ranges::find(given, fmt::format("{}={}", opposite, value)) != given.end();
        if (assigned && !overruled) {
            flags.push_back(filter);
        }
    }
    return flags;
}

}  // namespace gantry::cli
