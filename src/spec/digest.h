#pragma once

#include <string_view>

#include "base/error.h"
#include "base/id.h"

namespace gantry::spec {

/// "sha256:" and 64 lower-case hex digits, nothing else. kInvalid: "invalid checksum digest format"
/// and, for a well-formed digest of another algorithm, "unsupported digest algorithm".
Result<Digest> parse_digest(std::string_view text);

/// The 64 hex digits, which are safe as a file name.
std::string_view digest_hex(const Digest& digest);

/// Whether TEXT has nothing but lower-case hex digits.
bool is_lower_hex(std::string_view text);

}  // namespace gantry::spec
