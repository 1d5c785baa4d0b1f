#pragma once

#include <string_view>

#include "base/error.h"
#include "spec/value.h"

namespace gantry::spec {

/// Reads one YAML document (YAML 1.1 as Go's sigs.k8s.io/yaml understands it: plain scalars may be
/// null, booleans and numbers, also octal ones). JSON is YAML. kInvalid says where it is wrong, and
/// for what grows beyond 100,000 values or 64 levels, as aliases can.
Result<Value> parse_yaml(std::string_view text);

}  // namespace gantry::spec
