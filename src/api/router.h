#pragma once

#include "api/services.h"

namespace gantry::io {
struct Request;
class Responder;
}  // namespace gantry::io

namespace gantry::api {

/// The Engine API over HTTP: finds the route of a request, checks its version, lets the route's
/// handler decode, call the engine and encode, and turns a failure into its status and text.
///
/// Thread-safe: every connection's thread calls handle(), which blocks as long as the operation.
class Router {
public:
    explicit Router(Services services) : services_(services) {}

    void handle(io::Request& request, io::Responder& responder) const;

private:
    Services services_;
};

}  // namespace gantry::api
