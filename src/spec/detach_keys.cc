#include "spec/detach_keys.h"

#include <fmt/core.h>

#include "base/text.h"

namespace gantry::spec {

Result<std::string> parse_detach_keys(std::string_view text) {
    if (text.empty()) {
        return std::string(kDefaultDetachKeys);
    }
    // The control characters in the order of their codes.
    constexpr std::string_view kControls = "@abcdefghijklmnopqrstuvwxyz[\\]^_";
    constexpr std::string_view kPrefix = "ctrl-";
    std::string keys;
    for (const std::string_view part : split(text, ',')) {
        if (part.size() == 1) {
            keys += part;
            continue;
        }
        if (part == "DEL") {
            keys += '\x7f';
            continue;
        }
        const size_t code = part.size() == kPrefix.size() + 1 && part.starts_with(kPrefix)
                                ? kControls.find(part.back())
                                : kControls.npos;
        if (code == kControls.npos) {
            return fail(Kind::kInvalid, fmt::format("Unknown character: '{}'", part));
        }
        keys += static_cast<char>(code);
    }
    return keys;
}

}  // namespace gantry::spec
