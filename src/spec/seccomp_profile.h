#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "spec/oci/seccomp.h"

namespace gantry::spec {

struct KernelVersion {
    uint32_t major = 0;
    uint32_t minor = 0;
    auto operator<=>(const KernelVersion&) const = default;
};
/// "6.18.44-fc-v669" gives 6.18; 0.0 for what is no version.
KernelVersion parse_kernel_version(std::string_view release);

/// What the conditions of a profile are asked of.
struct SeccompContext {
    /// As `uname -m` says: "x86_64", "aarch64", ...
    std::string machine;
    /// The container's bounding set, names with CAP_.
    std::vector<std::string> capabilities;
    KernelVersion kernel;
};

/// Docker's default profile (moby/profiles seccomp/default.json) with its conditions decided by
/// CONTEXT.
oci::Seccomp default_seccomp_profile(const SeccompContext& context);

/// A profile in Docker's JSON format (--security-opt seccomp=FILE): defaultAction, archMap or
/// architectures, syscalls with names, action, args, includes and excludes. kInvalid names what
/// is wrong in Docker's wording; unknown actions, operators and capability names are refused.
Result<oci::Seccomp> parse_seccomp_profile(std::string_view json, const SeccompContext& context);

}  // namespace gantry::spec
