#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "engine/top/ps_columns.h"

namespace gantry::engine {

/// One column as it was asked for.
struct PsField {
    const PsColumn* column;
    std::string header;
};

/// The columns that ps prints for ARGS ("-ef", "aux", "-eo pid,comm=NAME"); those of "-ef" for "".
/// Options that only choose processes are accepted where they choose more than the container's (-e,
/// -A, a, x...), because the container's are what is shown. kInvalid for what ps would not
/// understand, for options that we do not have, and without a column PID (as Docker wants one).
Result<std::vector<PsField>> parse_ps_args(std::string_view args);

}  // namespace gantry::engine
