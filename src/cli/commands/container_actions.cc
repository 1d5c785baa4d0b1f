#include <fmt/core.h>

#include "base/text.h"
#include "cli/commands/for_each.h"
#include "cli/commands/handlers.h"
#include "cli/session.h"
#include "spec/api/container.h"
#include "spec/json.h"

namespace gantry::cli {
namespace {

int stop_or_restart(Session& session, const ParsedArgs& args, std::string_view action) {
    return for_each_argument(session, args.arguments, [&](const std::string& name) {
        ApiRequest request{.method = "POST", .path = container_path(name, action)};
        if (const std::string signal = args.flags.text("signal"); !signal.empty()) {
            request.query.add("signal", signal);
        }
        if (args.flags.changed("timeout")) {
            request.query.add("t", std::to_string(args.flags.integer("timeout")));
        }
        return request;
    });
}

int plain_action(Session& session, const ParsedArgs& args, std::string_view action) {
    return for_each_argument(session, args.arguments, [&](const std::string& name) {
        return ApiRequest{.method = "POST", .path = container_path(name, action)};
    });
}

}  // namespace

int run_stop(Session& session, const ParsedArgs& args) {
    return stop_or_restart(session, args, "stop");
}

int run_restart(Session& session, const ParsedArgs& args) {
    return stop_or_restart(session, args, "restart");
}

int run_pause(Session& session, const ParsedArgs& args) {
    return plain_action(session, args, "pause");
}

int run_unpause(Session& session, const ParsedArgs& args) {
    return plain_action(session, args, "unpause");
}

int run_kill(Session& session, const ParsedArgs& args) {
    return for_each_argument(session, args.arguments, [&](const std::string& name) {
        ApiRequest request{.method = "POST", .path = container_path(name, "kill")};
        if (const std::string signal = args.flags.text("signal"); !signal.empty()) {
            request.query.add("signal", signal);
        }
        return request;
    });
}

int run_rm(Session& session, const ParsedArgs& args) {
    return for_each_argument(session, args.arguments, [&](const std::string& name) {
        const bool slash = name.size() > 1 && name.starts_with('/');
        ApiRequest request{.method = "DELETE",
                           .path = container_path(slash ? name.substr(1) : name, "")};
        if (args.flags.on("volumes")) {
            request.query.add("v", "1");
        }
        if (args.flags.on("link")) {
            request.query.add("link", "1");
        }
        if (args.flags.on("force")) {
            request.query.add("force", "1");
        }
        return request;
    });
}

int run_wait(Session& session, const ParsedArgs& args) {
    return for_each_in_turn(
        session, args.arguments, [&](const std::string& name) -> Result<std::string> {
            GT_TRY_VAR(reply, session.api().call(
                                  {.method = "POST", .path = container_path(name, "wait")}));
            GT_TRY_VAR(response, spec::parse_json<spec::WaitResponse>(reply.body));
            if (response.error && !response.error->message.empty()) {
                return fail(Kind::kInternal, response.error->message);
            }
            return fmt::format("{}\n", response.status_code);
        });
}

int run_rename(Session& session, const ParsedArgs& args) {
    const std::string_view old_name = trim(args.arguments[0]);
    const std::string_view new_name = trim(args.arguments[1]);
    if (old_name.empty() || new_name.empty()) {
        session.err("Error: Neither old nor new names may be empty\n");
        return 1;
    }
    ApiRequest request{.method = "POST", .path = container_path(old_name, "rename")};
    request.query.add("name", std::string(new_name));
    if (auto reply = session.api().call(request); !reply) {
        session.err(fmt::format("{}\nError: failed to rename container named {}\n",
                                reply.error().text(), old_name));
        return 1;
    }
    return 0;
}

}  // namespace gantry::cli
