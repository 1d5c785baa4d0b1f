#include <fmt/core.h>

#include <array>

#include "api/container_input.h"
#include "api/encode.h"
#include "api/query_values.h"
#include "api/route.h"
#include "engine/container/container_service.h"
#include "engine/top/top.h"
#include "spec/filters.h"

namespace gantry::api {
namespace {

/// Longer than what clients send that mean no body (A14).
constexpr uint64_t kLongestEmptyBody = 7;

Result<> create(Call& call) {
    GT_TRY_VAR(request, call.json_body<spec::ContainerCreateRequest>());
    GT_TRY(adjust_create(request, call.version));
    const engine::CreateOptions options{std::string(call.query.get("name")),
                                        std::string(call.query.get("platform"))};
    GT_TRY_VAR(created, call.services.containers.create(request, options));
    return call.send_json(201, spec::to_json(created));
}

Result<> start(Call& call) {
    // COMPAT: the body was a HostConfig before 1.24. A client that still sends one must be told
    // that it has no effect.
    const auto length = call.request.body.length();
    if (!length || *length > kLongestEmptyBody) {
        return fail(Kind::kInvalid,
                    "starting container with non-empty request body was deprecated since API "
                    "v1.22 and removed in v1.24");
    }
    GT_TRY(call.services.containers.start(call.name));
    return call.send_empty(204);
}

Result<> stop(Call& call) {
    GT_TRY_VAR(options, decode_stop(call.query, call.version));
    GT_TRY(call.services.containers.stop(call.name, options));
    return call.send_empty(204);
}

Result<> restart(Call& call) {
    GT_TRY_VAR(options, decode_stop(call.query, call.version));
    GT_TRY(call.services.containers.restart(call.name, options));
    return call.send_empty(204);
}

Result<> kill(Call& call) {
    GT_TRY(call.services.containers.kill(call.name, call.query.get("signal")));
    return call.send_empty(204);
}

Result<> update(Call& call) {
    GT_TRY_VAR(request, call.json_body<spec::ContainerUpdateRequest>());
    adjust_update(request, call.version);
    GT_TRY_VAR(updated, call.services.containers.update(call.name, request));
    return call.send_json(200, spec::to_json(updated));
}

Result<> revisions(Call& call) {
    GT_TRY_VAR(revisions, call.services.containers.revisions(call.name));
    return call.send_json(200, spec::to_json(revisions));
}

Result<> rollback(Call& call) {
    GT_TRY_VAR(to, int_value(call.query, "revision"));
    GT_TRY_VAR(apply, decode_apply(call.query.get("apply")));
    GT_TRY_VAR(changed, call.services.containers.rollback(call.name, to, apply));
    return call.send_json(200, spec::to_json(changed));
}

Result<> pause(Call& call) {
    GT_TRY(call.services.containers.pause(call.name));
    return call.send_empty(204);
}

Result<> unpause(Call& call) {
    GT_TRY(call.services.containers.unpause(call.name));
    return call.send_empty(204);
}

Result<> rename(Call& call) {
    GT_TRY(call.services.containers.rename(call.name, call.query.get("name")));
    return call.send_empty(204);
}

Result<> remove(Call& call) {
    GT_TRY(call.services.containers.remove(call.name, decode_remove(call.query)));
    return call.send_empty(204);
}

Result<> resize(Call& call) {
    GT_TRY_VAR(rows, uint32_value(call.query, "h"));
    GT_TRY_VAR(columns, uint32_value(call.query, "w"));
    GT_TRY(call.services.containers.resize(call.name, rows, columns));
    return call.send_empty(200);
}

Result<> inspect(Call& call) {
    const auto size =
        bool_value(call.query, "size") ? engine::SizeInfo::kCompute : engine::SizeInfo::kSkip;
    GT_TRY_VAR(container, call.services.containers.inspect(call.name, size));
    fit_version(container, call.version);
    return call.send_json(200, spec::to_json(container));
}

Result<> list(Call& call) {
    GT_TRY_VAR(options, decode_list(call.query));
    GT_TRY_VAR(filters, spec::Filters::parse(call.query.get("filters")));
    GT_TRY_VAR(containers, call.services.containers.list(options, filters));
    for (spec::ContainerSummary& container : containers) {
        fit_version(container, call.version);
    }
    return call.send_json(200, spec::to_json(containers));
}

Result<> top(Call& call) {
    GT_TRY_VAR(processes, engine::list_processes(call.services.containers, call.name,
                                                 call.query.get("ps_args")));
    return call.send_json(200, spec::to_json(processes));
}

Result<> prune(Call& call) {
    GT_TRY_VAR(filters, spec::Filters::parse(call.query.get("filters")));
    GT_TRY_VAR(report, call.services.containers.prune(filters, prune_mode(call.query)));
    return call.send_json(200, spec::to_json(report));
}

constexpr std::array kRoutes{
    Route{"GET", "/containers/json", list},
    Route{"POST", "/containers/create", create},
    Route{"GET", "/containers/{}/json", inspect},
    Route{"POST", "/containers/{}/start", start},
    Route{"POST", "/containers/{}/stop", stop},
    Route{"POST", "/containers/{}/restart", restart},
    Route{"POST", "/containers/{}/kill", kill},
    Route{"POST", "/containers/{}/resize", resize},
    Route{"POST", "/containers/{}/update", update},
    Route{"GET", "/containers/{}/revisions", revisions},
    Route{"POST", "/containers/{}/rollback", rollback},
    Route{"POST", "/containers/{}/pause", pause},
    Route{"POST", "/containers/{}/unpause", unpause},
    Route{"POST", "/containers/{}/rename", rename},
    Route{"GET", "/containers/{}/top", top},
    Route{"POST", "/containers/prune", prune},
    Route{"DELETE", "/containers/{}", remove},
};

}  // namespace

std::span<const Route> container_routes() {
    return kRoutes;
}

}  // namespace gantry::api
