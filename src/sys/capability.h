#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gantry::sys {

/// A set of capabilities, bit N for capability number N (capabilities(7)).
using CapSet = uint64_t;

/// "CAP_CHOWN", "chown" and "CAP_chown" all give 0; empty for a name the table does not hold.
std::optional<int> parse_capability(std::string_view name);
/// "CAP_CHOWN"; NUMBER is one that parse_capability() gave.
std::string_view capability_name(int number);
/// Names in the order of their numbers.
std::vector<std::string> capability_names(CapSet set);

/// What a container gets without any --cap-add: 0xa80425fb (COMPAT: Docker behaviour G6).
inline constexpr CapSet kDefaultCapabilities = 0xa80425fb;

/// Every capability that this process may pass on: its bounding set, as it was at the first call.
Result<CapSet> bounding_set();
/// All that the running kernel knows.
Result<CapSet> all_capabilities();

}  // namespace gantry::sys
