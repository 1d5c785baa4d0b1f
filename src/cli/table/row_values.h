#pragma once

#include <string>
#include <string_view>

#include "spec/api/container_config.h"
#include "spec/value.h"

namespace gantry::cli {

/// The twelve digits of an id that people see, without "sha256:".
std::string shorten_id(std::string_view id);

/// "a=1,b=2"
std::string format_labels(const spec::StringMap& labels);

/// The same as an object, for `.Label "key"`.
spec::Value labels_value(const spec::StringMap& labels);

}  // namespace gantry::cli
