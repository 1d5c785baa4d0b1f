#pragma once

#include "base/error.h"
#include "spec/reference.h"

namespace gantry::engine {

/// Whether people may give an image this name: kInvalid for one with a digest, and for "sha256",
/// which with a tag could not be told from an id.
Result<> check_new_name(const spec::Reference& reference);

}  // namespace gantry::engine
