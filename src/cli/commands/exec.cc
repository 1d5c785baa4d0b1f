#include "spec/api/exec.h"

#include <fmt/core.h>
#include <unistd.h>

#include "cli/commands/handlers.h"
#include "cli/run/attachment.h"
#include "cli/run/key_value.h"
#include "cli/session.h"
#include "cli/stream/terminal.h"
#include "spec/json.h"

namespace gantry::cli {
namespace {

Result<spec::ExecCreateRequest> build_request(Session& session, const ParsedArgs& args) {
    const FlagValues& flags = args.flags;
    spec::ExecCreateRequest request;
    request.user = flags.text("user");
    request.privileged = flags.on("privileged");
    request.tty = flags.on("tty");
    request.working_dir = flags.text("workdir");
    request.cmd.assign(args.arguments.begin() + 1, args.arguments.end());
    GT_TRY_VAR(environment, read_environment(flags.list("env-file"), flags.list("env")));
    request.env = std::move(environment);
    request.detach_keys =
        flags.changed("detach-keys") ? flags.text("detach-keys") : session.config().detach_keys;
    if (flags.on("detach")) {
        return request;
    }
    request.attach_stdin = flags.on("interactive");
    request.attach_stdout = true;
    request.attach_stderr = true;
    if (request.tty && request.attach_stdin && !is_terminal(STDIN_FILENO)) {
        return fail(Kind::kInvalid, "the input device is not a TTY");
    }
    if (const auto size = terminal_size(STDOUT_FILENO); size && request.tty) {
        request.console_size = {size->rows, size->columns};
    }
    return request;
}

Result<> start_detached(Session& session, const std::string& id, bool tty) {
    spec::ExecStartRequest start;
    start.detach = true;
    start.tty = tty;
    GT_TRY(session.api().call({.method = "POST",
                               .path = fmt::format("/exec/{}/start", id),
                               .body = spec::to_json(start)}));
    return {};
}

/// The exit status of an exec that ended; 255 when the daemon cannot say.
int exit_status(Session& session, const std::string& id) {
    auto reply = session.api().call({.path = fmt::format("/exec/{}/json", id)});
    if (!reply) {
        return reply.error().kind() == Kind::kUnavailable ? 255 : kExitFailure;
    }
    auto exec = spec::parse_json<spec::ExecInspect>(reply->body);
    return exec ? static_cast<int>(exec->exit_code.value_or(0)) : kExitFailure;
}

Result<int> execute(Session& session, const ParsedArgs& args) {
    GT_TRY_VAR(request, build_request(session, args));
    GT_TRY_VAR(keys, session.detach_keys(args.flags.text("detach-keys")));
    GT_TRY_VAR(reply, session.api().call({.method = "POST",
                                          .path = container_path(args.arguments[0], "exec"),
                                          .body = spec::to_json(request)}));
    GT_TRY_VAR(created, spec::parse_json<spec::ExecCreateResponse>(reply.body));
    if (args.flags.on("detach")) {
        GT_TRY(start_detached(session, created.id, request.tty));
        return 0;
    }
    AttachmentOptions options;
    options.id = args.arguments[0];
    options.resize_path = fmt::format("/exec/{}/resize", created.id);
    options.tty = request.tty;
    options.stdin_attached = request.attach_stdin;
    // COMPAT: docker exec keeps signals to itself; ctrl-C ends the client, not the command.
    options.proxy_signals = false;
    options.detach_keys = std::move(keys);
    GT_TRY_VAR(attachment, Attachment::open(session, std::move(options)));
    spec::ExecStartRequest start;
    start.tty = request.tty;
    start.console_size = request.console_size;
    GT_TRY(attachment.start_exec(created.id, spec::to_json(start)));
    GT_TRY_VAR(end, attachment.run());
    if (end.how != AttachmentEnd::How::kExited) {
        return end.status;
    }
    return exit_status(session, created.id);
}

}  // namespace

int run_exec(Session& session, const ParsedArgs& args) {
    auto status = execute(session, args);
    return status ? *status : session.fail_with(status.error());
}

}  // namespace gantry::cli
