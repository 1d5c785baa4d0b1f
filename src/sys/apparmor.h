#pragma once

#include <string_view>

#include "base/error.h"

namespace gantry::sys {

/// The kernel confines with AppArmor, and its profiles can be seen. Asked once.
bool has_apparmor();

/// Whether a profile of this name is loaded. kNotImplemented without AppArmor.
Result<bool> is_apparmor_profile_loaded(std::string_view name);

/// There is a program that compiles profiles, apparmor_parser(8).
bool has_apparmor_parser();

/// Compiles TEXT by that program and loads, or replaces, the profiles in it; waits for it.
Result<> load_apparmor_profiles(std::string_view text);

}  // namespace gantry::sys
