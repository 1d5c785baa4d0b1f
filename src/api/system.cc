#include "spec/api/system.h"

#include <array>
#include <utility>

#include "api/encode.h"
#include "api/parked_events.h"
#include "api/route.h"
#include "engine/system/system_service.h"

namespace gantry::api {
namespace {

Result<> ping(Call& call) {
    io::ResponseHead head = answer_head(200, "text/plain; charset=utf-8");
    // No BuildKit: a client that hears "2" would try it first.
    head.headers.add("Builder-Version", "1");
    head.headers.add("Swarm", "inactive");
    head.headers.add("Cache-Control", "no-cache, no-store, must-revalidate");
    head.headers.add("Pragma", "no-cache");
    // COMPAT: unlike any other, the answer to HEAD says that there is no body.
    return call.responder.send(head, call.request.method == "HEAD" ? "" : "OK");
}

Result<> version(Call& call) {
    return call.send_json(200, spec::to_json(call.services.system.version()));
}

Result<> info(Call& call) {
    spec::Info info = call.services.system.info();
    fit_version(info, call.version);
    return call.send_json(200, spec::to_json(info));
}

Result<> events(Call& call) {
    GT_TRY_VAR(query, decode_events(call.query));
    return park_events(call, std::move(query));
}

constexpr std::array kRoutes{
    Route{"GET", "/_ping", ping},      Route{"HEAD", "/_ping", ping},
    Route{"GET", "/version", version}, Route{"GET", "/info", info},
    Route{"GET", "/events", events},
};

}  // namespace

std::span<const Route> system_routes() {
    return kRoutes;
}

}  // namespace gantry::api
