#pragma once

#include <string_view>

namespace gantry::shim {

/// Takes the text before the first SEPARATOR off REST (all of it if there is none). Not substr(),
/// which would need an exception.
inline std::string_view next_part(std::string_view& rest, char separator) {
    const size_t size = rest.find(separator);
    const std::string_view part(rest.data(), size < rest.size() ? size : rest.size());
    rest.remove_prefix(part.size() < rest.size() ? part.size() + 1 : part.size());
    return part;
}

}  // namespace gantry::shim
