#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "spec/oci/descriptor.h"

namespace gantry::spec {

/// "linux/amd64", "linux/arm64/v8", "amd64", "linux"; what is left out is taken from NATIVE.
/// Aliases are normalized (x86_64 is amd64, aarch64 is arm64, armhf is arm/v7, arm64's v8 is
/// dropped). kInvalid in containerd's wording: "\"x y\" is an invalid component of ...".
Result<oci::Platform> parse_platform(std::string_view text, const oci::Platform& native);

/// "linux/amd64" or "linux/arm/v7".
std::string format_platform(const oci::Platform& platform);

/// Aliases replaced and the default variant dropped, so that equal platforms compare equal.
oci::Platform normalize_platform(oci::Platform platform);

/// Whether an image of IMAGE runs where WANTED is wanted; an empty variant of WANTED takes any.
bool platform_matches(const oci::Platform& wanted, const oci::Platform& image);

/// Of the machine this was compiled for.
oci::Platform native_platform();

}  // namespace gantry::spec
