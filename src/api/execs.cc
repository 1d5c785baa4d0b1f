#include <array>

#include "api/hijack.h"
#include "api/query_values.h"
#include "api/route.h"
#include "engine/exec/exec_service.h"
#include "spec/api/exec.h"

namespace gantry::api {
namespace {

constexpr ApiVersion kConsoleSizeVersion{1, 42};

Result<> create(Call& call) {
    GT_TRY_VAR(request, call.json_body<spec::ExecCreateRequest>());
    if (call.version < kConsoleSizeVersion) {
        request.console_size.reset();
    }
    GT_TRY_VAR(id, call.services.execs.create(call.name, request));
    return call.send_json(201, spec::to_json(spec::ExecCreateResponse{id.str()}));
}

Result<> start(Call& call) {
    GT_TRY_VAR(request, call.json_body<spec::ExecStartRequest>());
    if (call.version < kConsoleSizeVersion) {
        request.console_size.reset();
    }
    if (request.detach) {
        GT_TRY(call.services.execs.start_detached(call.name, request));
        return call.send_empty(200);
    }
    GT_TRY_VAR(ticket, call.services.execs.start_attached(call.name, request));
    return hijack_for(call, ticket);
}

Result<> resize(Call& call) {
    GT_TRY_VAR(rows, uint32_value(call.query, "h"));
    GT_TRY_VAR(columns, uint32_value(call.query, "w"));
    GT_TRY(call.services.execs.resize(call.name, rows, columns));
    return call.send_empty(200);
}

Result<> inspect(Call& call) {
    GT_TRY_VAR(exec, call.services.execs.inspect(call.name));
    return call.send_json(200, spec::to_json(exec));
}

constexpr std::array kRoutes{
    Route{"POST", "/containers/{}/exec", create},
    Route{"POST", "/exec/{}/start", start},
    Route{"POST", "/exec/{}/resize", resize},
    Route{"GET", "/exec/{}/json", inspect},
};

}  // namespace

std::span<const Route> exec_routes() {
    return kRoutes;
}

}  // namespace gantry::api
