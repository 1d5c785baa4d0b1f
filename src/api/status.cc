#include "api/status.h"

#include <utility>

namespace gantry::api {

int http_status(Kind kind) {
    // No default: a new Kind must be given its status here before anything compiles.
    switch (kind) {
        case Kind::kInvalid: return 400;
        case Kind::kUnauthorized: return 401;
        case Kind::kForbidden: return 403;
        case Kind::kNotFound: return 404;
        case Kind::kConflict: return 409;
        case Kind::kNotModified: return 304;
        case Kind::kNotImplemented: return 501;
        case Kind::kUnavailable: return 503;
        case Kind::kTimeout:
        case Kind::kCancelled:
        case Kind::kDataLoss:
        case Kind::kInternal: return 500;
    }
    std::unreachable();
}

}  // namespace gantry::api
