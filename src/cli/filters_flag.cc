#include "cli/filters_flag.h"

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

}  // namespace gantry::cli
