#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "runtime/systemd.h"

namespace gantry::standalone {

/// COMPAT: runc and crun. Annotations "org.systemd.property.NAME" as properties of the scope: their
/// values in the notation of busctl and gdbus ("true", "uint64 5", "'text'", "['a', 'b']"). A name
/// that ends in Sec takes seconds where systemd has NAME's microseconds (USec). kInvalid names the
/// annotation.
Result<std::vector<runtime::UnitProperty>> unit_properties(
    const std::map<std::string, std::string>& annotations);

}  // namespace gantry::standalone
