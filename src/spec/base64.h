#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gantry::spec {

enum class Base64 {
    /// '+' and '/' (headers of archive, JSON).
    kStandard,
    /// '-' and '_' (X-Registry-Auth).
    kUrl,
};

/// With padding.
std::string encode_base64(std::string_view bytes, Base64 alphabet = Base64::kStandard);

/// Either alphabet, padded or not (behaviours D1); empty on anything else.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace gantry::spec
