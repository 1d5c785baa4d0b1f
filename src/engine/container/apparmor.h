#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "engine/container/record.h"

namespace gantry::engine {

/// COMPAT: the name that tools look for.
inline constexpr std::string_view kDefaultProfile = "docker-default";
inline constexpr std::string_view kUnconfined = "unconfined";

/// Containers that ask for nothing else run under kDefaultProfile: the kernel has AppArmor, and the
/// profile is loaded or can be.
bool confines_by_default();

/// What inspect says: the container's profile or "unconfined"; empty without AppArmor.
std::string apparmor_profile(const ContainerRecord& record);

/// The same as an OCI config's apparmorProfile, where nothing is to be said of unconfined ones.
std::string confinement(const ContainerRecord& record);

/// Loads the default profile unless one of its name is there, an administrator's perhaps.
Result<> load_default_profile();

/// For a start: PROFILE is loaded, the default one if need be now. kInvalid if it is not; nothing
/// to do for "".
Result<> require_profile(std::string_view profile);

}  // namespace gantry::engine
