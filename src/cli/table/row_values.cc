#include "cli/table/row_values.h"

#include <fmt/core.h>

#include "base/id.h"

namespace gantry::cli {

std::string shorten_id(std::string_view id) {
    constexpr std::string_view kAlgorithm = "sha256:";
    if (id.starts_with(kAlgorithm)) {
        id.remove_prefix(kAlgorithm.size());
    }
    return std::string(short_id(id));
}

std::string format_labels(const spec::StringMap& labels) {
    std::string out;
    for (const auto& [key, value] : labels) {
        out += fmt::format("{}{}={}", out.empty() ? "" : ",", key, value);
    }
    return out;
}

spec::Value labels_value(const spec::StringMap& labels) {
    spec::Value::Object members;
    for (const auto& [key, value] : labels) {
        members.emplace_back(key, spec::Value(value));
    }
    return spec::Value(std::move(members));
}

}  // namespace gantry::cli
