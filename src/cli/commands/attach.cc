#include <fmt/core.h>
#include <unistd.h>

#include "cli/commands/handlers.h"
#include "cli/run/attachment.h"
#include "cli/session.h"
#include "cli/stream/terminal.h"
#include "spec/api/container.h"
#include "spec/json.h"

namespace gantry::cli {
namespace {

Result<spec::ContainerInspect> inspect(Session& session, const std::string& name) {
    GT_TRY_VAR(reply, session.api().call({.path = container_path(name, "json")}));
    return spec::parse_json<spec::ContainerInspect>(reply.body);
}

Result<> check_state(const spec::ContainerState& state) {
    if (!state.running) {
        return fail(Kind::kConflict, "You cannot attach to a stopped container, start it first");
    }
    if (state.paused) {
        return fail(Kind::kConflict, "You cannot attach to a paused container, unpause it first");
    }
    if (state.restarting) {
        return fail(Kind::kConflict,
                    "You cannot attach to a restarting container, wait until it is running");
    }
    return {};
}

Result<> check_tty(const AttachmentOptions& options) {
    if (options.tty && options.stdin_attached && !is_terminal(STDIN_FILENO)) {
        return fail(Kind::kInvalid, "the input device is not a TTY");
    }
    return {};
}

AttachmentOptions options_for(const spec::ContainerInspect& container) {
    AttachmentOptions options;
    options.id = container.id;
    options.resize_path = container_path(container.id, "resize");
    options.tty = container.config.tty;
    return options;
}

/// The keys as the request carries them: what the user wrote, or "" for the default.
std::string written_keys(Session& session, const FlagValues& flags) {
    return flags.changed("detach-keys") ? flags.text("detach-keys") : session.config().detach_keys;
}

Result<AttachmentEnd> attach_to(Session& session, const ParsedArgs& args) {
    GT_TRY_VAR(container, inspect(session, args.arguments[0]));
    GT_TRY(check_state(container.state));
    AttachmentOptions options = options_for(container);
    options.stdin_attached = !args.flags.on("no-stdin") && container.config.open_stdin;
    options.proxy_signals = args.flags.on("sig-proxy") && !options.tty;
    options.redraw = true;
    GT_TRY(check_tty(options));
    GT_TRY_VAR(keys, session.detach_keys(args.flags.text("detach-keys")));
    options.detach_keys = std::move(keys);
    GT_TRY_VAR(attachment, Attachment::open(session, std::move(options)));
    GT_TRY(attachment.wait_for(""));
    GT_TRY(attachment.attach(written_keys(session, args.flags)));
    return attachment.run();
}

Result<AttachmentEnd> start_attached(Session& session, const ParsedArgs& args) {
    GT_TRY_VAR(container, inspect(session, args.arguments[0]));
    AttachmentOptions options = options_for(container);
    options.stdin_attached = args.flags.on("interactive") && container.config.open_stdin;
    options.proxy_signals = !options.tty;
    GT_TRY(check_tty(options));
    GT_TRY_VAR(keys, session.detach_keys(args.flags.text("detach-keys")));
    options.detach_keys = std::move(keys);
    GT_TRY_VAR(attachment, Attachment::open(session, std::move(options)));
    GT_TRY(attachment.attach(written_keys(session, args.flags)));
    GT_TRY(attachment.wait_for(container.host_config.auto_remove ? "removed" : "next-exit"));
    GT_TRY(session.api().call({.method = "POST", .path = container_path(container.id, "start")}));
    return attachment.run();
}

Result<> start(Session& session, const FlagValues& flags, const std::string& name) {
    ApiRequest request{.method = "POST", .path = container_path(name, "start")};
    for (const std::string_view key : {"checkpoint", "checkpoint-dir"}) {
        if (const std::string value = flags.text(key); !value.empty()) {
            request.query.add(std::string(key), value);
        }
    }
    GT_TRY(session.api().call(request));
    return {};
}

int report(Session& session, const Result<AttachmentEnd>& end) {
    return end ? end->status : session.fail_with(end.error());
}

}  // namespace

int run_attach(Session& session, const ParsedArgs& args) {
    return report(session, attach_to(session, args));
}

int run_start(Session& session, const ParsedArgs& args) {
    const FlagValues& flags = args.flags;
    if (flags.on("attach") || flags.on("interactive")) {
        if (args.arguments.size() > 1) {
            session.err("you cannot start and attach multiple containers at once\n");
            return kExitFailure;
        }
        return report(session, start_attached(session, args));
    }
    std::string failed;
    for (const std::string& name : args.arguments) {
        if (auto started = start(session, flags, name); !started) {
            (void)session.fail_with(started.error());
            failed += (failed.empty() ? "" : ", ") + name;
        } else {
            session.out(name + "\n");
        }
    }
    if (!failed.empty()) {
        session.err(fmt::format("Error: failed to start containers: {}\n", failed));
    }
    return failed.empty() ? 0 : kExitFailure;
}

}  // namespace gantry::cli
