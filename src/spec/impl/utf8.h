#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gantry::spec::impl {

/// The length of the valid UTF-8 sequence at the front of TEXT; 0 if its first byte starts none
/// (overlong forms, surrogates and values above U+10FFFF are none).
size_t utf8_length(std::string_view text);

/// Appends CODE_POINT, which is no surrogate and not above U+10FFFF.
void append_utf8(std::string& out, char32_t code_point);

inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

}  // namespace gantry::spec::impl
