#include "cli/commands/handlers.h"
#include "cli/run/change_request.h"
#include "cli/run/create_request.h"
#include "cli/session.h"
#include "spec/api/container.h"
#include "spec/json.h"

namespace gantry::cli {
namespace {

Result<spec::ContainerUpdateRequest> build_update(const FlagValues& flags) {
    if (!flags.any_changed()) {
        return fail(Kind::kInvalid, "you must provide one or more flags when using this command");
    }
    spec::ContainerUpdateRequest request;
    fill_limits(flags, request.resources);
    if (const std::string policy = flags.text("restart"); !policy.empty()) {
        GT_TRY_VAR(parsed, parse_restart_policy(policy));
        request.restart_policy = std::move(parsed);
    }
    GT_TRY_VAR(change, build_change(flags));
    request.change = std::move(change);
    return request;
}

Result<spec::ContainerUpdateResponse> update_one(ApiClient& api, const std::string& name,
                                                 const std::string& body) {
    GT_TRY_VAR(
        reply,
        api.call(
            {.method = "POST", .path = container_path(name, "update"), .query = {}, .body = body}));
    return spec::parse_json<spec::ContainerUpdateResponse>(reply.body);
}

}  // namespace

/// Names first, then all warnings, then all errors, as docker prints them.
int run_update(Session& session, const ParsedArgs& args) {
    const auto request = build_update(args.flags);
    if (!request) {
        return session.fail_with(request.error());
    }
    const std::string body = spec::to_json(*request);
    std::string warnings;
    std::string errors;
    for (const std::string& name : args.arguments) {
        const auto updated = update_one(session.api(), name, body);
        if (!updated) {
            errors += updated.error().text() + "\n";
            continue;
        }
        session.out(name + "\n");
        session.err(waiting_note(name, updated->outcome.value_or(spec::ChangeOutcome())));
        for (const std::string& warning : updated->warnings) {
            warnings += warning + "\n";
        }
    }
    session.out(warnings);
    session.err(errors);
    return errors.empty() ? 0 : kExitFailure;
}

}  // namespace gantry::cli
