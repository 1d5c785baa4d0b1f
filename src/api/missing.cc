#include <fmt/core.h>

#include <array>

#include "api/route.h"

namespace gantry::api {
namespace {

Failure missing(std::string_view what) {
    return fail(Kind::kNotImplemented, fmt::format("Gantry does not implement {} yet", what));
}

/// The name of what is missing, as a template argument: a Route's handler is a plain function.
template <size_t kSize>
struct Name {
    constexpr Name(const char (&text)[kSize]) {  // NOLINT: implicit, so that a literal does
        for (size_t i = 0; i < kSize; ++i) {
            data[i] = text[i];
        }
    }
    char data[kSize];
};

template <Name kWhat>
Result<> handler(Call&) {
    return missing(kWhat.data);
}

Result<> no_swarm(Call&) {
    return fail(Kind::kUnavailable,
                "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm "
                "join\" to connect this node to swarm and try again.");
}

constexpr std::array kRoutes{
    Route{"GET", "/containers/{}/checkpoints", handler<"checkpoints">},
    Route{"POST", "/containers/{}/checkpoints", handler<"checkpoints">},
    Route{"GET", "/images/search", handler<"searching registries">},
    Route{"POST", "/images/{}/push", handler<"pushing images">},
    Route{"GET", "/distribution/{}/json", handler<"looking into registries">},
    Route{"POST", "/auth", handler<"logging in to registries">},
    Route{"POST", "/build", handler<"building images">},
    Route{"POST", "/build/cancel", handler<"building images">},
    Route{"POST", "/session", handler<"building images">},
    Route{"POST", "/grpc", handler<"building images">},
    Route{"POST", "/networks/create", handler<"creating networks">},
    Route{"POST", "/networks/{}/connect", handler<"connecting networks">},
    Route{"POST", "/networks/{}/disconnect", handler<"disconnecting networks">},
    Route{"PUT", "/volumes/{}", no_swarm},
    Route{"GET", "/plugins", handler<"plugins">},
    Route{"GET", "/swarm", no_swarm},
    Route{"GET", "/nodes", no_swarm},
    Route{"GET", "/services", no_swarm},
    Route{"GET", "/tasks", no_swarm},
    Route{"GET", "/secrets", no_swarm},
    Route{"GET", "/configs", no_swarm},
    Route{"POST", "/swarm/init", handler<"swarm mode">},
    Route{"POST", "/swarm/join", handler<"swarm mode">},
};

}  // namespace

std::span<const Route> missing_routes() {
    return kRoutes;
}

}  // namespace gantry::api
