#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gantry::spec::impl {

/// One record of CSV as Go's encoding/csv reads it: a field that begins with a quote ends with one,
/// "" inside stands for a quote. kInvalid in Go's wording.
Result<std::vector<std::string>> parse_csv_line(std::string_view text);

}  // namespace gantry::spec::impl
