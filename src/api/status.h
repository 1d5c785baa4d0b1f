#pragma once

#include "base/error.h"

namespace gantry::api {

/// The HTTP status that tells a client of a failure (behaviours A6). The only place that knows.
int http_status(Kind kind);

}  // namespace gantry::api
