#pragma once

#include <string>
#include <string_view>

namespace gantry::cli {

/// TEXT in double quotes with escapes, as Go's %q and strconv.Quote write it: error texts and the
/// COMMAND column show foreign text this way, so that it cannot carry terminal control codes.
std::string quote(std::string_view text);

/// The number of characters of TEXT: UTF-8 sequences count once, wrong bytes once each.
size_t count_characters(std::string_view text);

/// The first COUNT characters of TEXT.
std::string_view first_characters(std::string_view text, size_t count);

/// At most WIDTH characters, the last of which is "…" if something was cut off.
std::string ellipsis(std::string_view text, size_t width);

}  // namespace gantry::cli
