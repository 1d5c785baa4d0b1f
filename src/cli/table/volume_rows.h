#pragma once

#include <string_view>

#include "cli/table/formatter.h"
#include "spec/api/volume.h"

namespace gantry::cli {

extern const ListLayout kVolumeLayout;

Row volume_row(const spec::Volume& volume);

/// Whether A comes before B where digits count as numbers: "v2" before "v10".
bool natural_less(std::string_view a, std::string_view b);

}  // namespace gantry::cli
