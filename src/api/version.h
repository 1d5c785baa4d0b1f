#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace gantry::api {

/// A version of the Engine API, "1.51". What an answer looks like depends on it: fields come and go
/// with versions (reference/types.md).
struct ApiVersion {
    int major = 0;
    int minor = 0;

    auto operator<=>(const ApiVersion&) const = default;
    std::string to_string() const;
};

inline constexpr ApiVersion kMaxVersion{1, 51};
inline constexpr ApiVersion kMinVersion{1, 24};

/// "1.51"; empty on anything else.
std::optional<ApiVersion> parse_version(std::string_view text);

/// kInvalid in Docker's wording for a version that we do not speak (behaviours A2).
Result<> check_version(ApiVersion version);

/// A request's path: the version it asks for, ours if it names none, and the rest, decoded.
struct Target {
    ApiVersion version = kMaxVersion;
    std::string path;
};

/// "/v1.51/containers/%2Fweb/json" → 1.51 and "/containers//web/json". Percent escapes are decoded
/// once, before routes are matched, so that an image's slashes may be written either way (A10).
/// Empty on broken escapes.
std::optional<Target> parse_target(std::string_view path);

}  // namespace gantry::api
