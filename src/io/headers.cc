#include "io/headers.h"

#include <algorithm>

#include "base/text.h"

namespace gantry::io {

const std::string* Headers::find(std::string_view name) const {
    for (const auto& [key, value] : fields_) {
        if (equals_ignoring_case(key, name)) {
            return &value;
        }
    }
    return nullptr;
}

std::string_view Headers::get(std::string_view name) const {
    const std::string* value = find(name);
    return value == nullptr ? std::string_view() : std::string_view(*value);
}

void Headers::set(std::string_view name, std::string value) {
    std::erase_if(fields_, [&](const Field& f) { return equals_ignoring_case(f.first, name); });
    fields_.emplace_back(std::string(name), std::move(value));
}

void Headers::add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
}

bool Headers::has_token(std::string_view name, std::string_view token) const {
    return std::ranges::any_of(fields_, [&](const Field& field) {
        return equals_ignoring_case(field.first, name) &&
               std::ranges::any_of(split(field.second, ','), [&](std::string_view part) {
                   return equals_ignoring_case(trim(part), token);
               });
    });
}

}  // namespace gantry::io
