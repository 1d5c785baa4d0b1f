#include "api/version.h"

#include <fmt/core.h>

#include <utility>

#include "base/text.h"
#include "io/url.h"

namespace gantry::api {
namespace {

constexpr int kLargestNumber = 9999;

std::optional<int> parse_number(std::string_view text) {
    const auto value = parse_uint(text);
    return value && *value <= kLargestNumber ? std::optional(static_cast<int>(*value))
                                             : std::nullopt;
}

}  // namespace

std::string ApiVersion::to_string() const {
    return fmt::format("{}.{}", major, minor);
}

std::optional<ApiVersion> parse_version(std::string_view text) {
    const Cut parts = cut(text, '.');
    const auto major = parse_number(parts.before);
    const auto minor = parse_number(parts.after);
    if (!major || !minor) {
        return std::nullopt;
    }
    return ApiVersion{*major, *minor};
}

Result<> check_version(ApiVersion version) {
    if (version > kMaxVersion) {
        return fail(Kind::kInvalid,
                    fmt::format("client version {} is too new. Maximum supported API version is {}",
                                version.to_string(), kMaxVersion.to_string()));
    }
    if (version < kMinVersion) {
        return fail(Kind::kInvalid,
                    fmt::format("client version {} is too old. Minimum supported API version is "
                                "{}, please upgrade your client to a newer version",
                                version.to_string(), kMinVersion.to_string()));
    }
    return {};
}

std::optional<Target> parse_target(std::string_view path) {
    auto decoded = io::percent_decode(path);
    if (!decoded) {
        return std::nullopt;
    }
    Target target;
    if (decoded->starts_with("/v")) {
        const size_t slash = decoded->find('/', 1);
        const std::string_view number = std::string_view(*decoded).substr(2, slash - 2);
        if (const auto version = parse_version(number); version && slash != std::string::npos) {
            target.version = *version;
            target.path = decoded->substr(slash);
            return target;
        }
    }
    target.path = *std::move(decoded);
    return target;
}

}  // namespace gantry::api
