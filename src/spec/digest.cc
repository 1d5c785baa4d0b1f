#include "spec/digest.h"

#include <fmt/core.h>

#include <algorithm>

namespace gantry::spec {
namespace {

constexpr std::string_view kSha256 = "sha256:";
constexpr size_t kSha256Digits = 64;

}  // namespace

bool is_lower_hex(std::string_view text) {
    return std::ranges::all_of(
        text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Result<Digest> parse_digest(std::string_view text) {
    if (text.starts_with("sha512:") || text.starts_with("sha384:")) {
        return fail(Kind::kInvalid, "unsupported digest algorithm");
    }
    if (!text.starts_with(kSha256) || text.size() != kSha256.size() + kSha256Digits ||
        !is_lower_hex(text.substr(kSha256.size()))) {
        return fail(Kind::kInvalid, "invalid checksum digest format");
    }
    return Digest(std::string(text));
}

std::string_view digest_hex(const Digest& digest) {
    const std::string_view text = digest.str();
    return text.substr(std::min(kSha256.size(), text.size()));
}

}  // namespace gantry::spec
