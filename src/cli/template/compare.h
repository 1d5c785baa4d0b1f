#pragma once

#include <span>

#include "base/error.h"
#include "spec/value.h"

namespace gantry::cli {

// The comparison functions of templates: eq with any number of candidates, the others with two
// operands. Values of different kinds do not compare: an error, as in Go.
Result<spec::Value> compare_equal(std::span<const spec::Value* const> arguments);
Result<spec::Value> compare_not_equal(std::span<const spec::Value* const> arguments);
Result<spec::Value> compare_less(std::span<const spec::Value* const> arguments);
Result<spec::Value> compare_less_or_equal(std::span<const spec::Value* const> arguments);
Result<spec::Value> compare_greater(std::span<const spec::Value* const> arguments);
Result<spec::Value> compare_greater_or_equal(std::span<const spec::Value* const> arguments);

}  // namespace gantry::cli
