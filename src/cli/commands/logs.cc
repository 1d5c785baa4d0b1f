#include <unistd.h>

#include <array>

#include "cli/commands/handlers.h"
#include "cli/session.h"
#include "cli/timestamp.h"
#include "spec/stdcopy.h"

namespace gantry::cli {
namespace {

Result<> copy_output(Session& session, ApiStream stream) {
    const bool framed =
        stream.head.headers.get("Content-Type") == "application/vnd.docker.multiplexed-stream";
    spec::StdcopyDecoder decoder;
    std::array<char, 32 * 1024> buffer = {};
    while (true) {
        GT_TRY_VAR(got, stream.connection.read(buffer));
        if (got == 0) {
            return {};
        }
        std::string_view data(buffer.data(), got);
        if (!framed) {
            session.out(data);
            continue;
        }
        while (!data.empty()) {
            GT_TRY_VAR(piece, decoder.next(data));
            if (piece.payload.empty()) {
                continue;
            }
            switch (piece.stream) {
                case spec::StdStream::kSystemError:
                    return fail(Kind::kInternal,
                                "error from daemon in stream: " + std::string(piece.payload));
                case spec::StdStream::kStderr: session.err(piece.payload); break;
                default: session.out(piece.payload);
            }
        }
    }
}

Result<> clear_logs(Session& session, const ParsedArgs& args) {
    for (const std::string_view name :
         {"details", "follow", "since", "tail", "timestamps", "until"}) {
        if (args.flags.changed(name)) {
            return fail(Kind::kInvalid, "conflicting options: --clear and --" + std::string(name));
        }
    }
    GT_TRY(session.api().call(
        {.method = "DELETE", .path = container_path(args.arguments[0], "logs")}));
    return {};
}

Result<> print_logs(Session& session, const ParsedArgs& args) {
    const FlagValues& flags = args.flags;
    if (flags.on("clear")) {
        return clear_logs(session, args);
    }
    ApiRequest request{.path = container_path(args.arguments[0], "logs")};
    request.query.add("stdout", "1");
    request.query.add("stderr", "1");
    request.query.add("tail", flags.text("tail"));
    for (const std::string_view name : {"follow", "timestamps", "details"}) {
        if (flags.on(name)) {
            request.query.add(std::string(name), "1");
        }
    }
    for (const std::string_view name : {"since", "until"}) {
        if (const std::string text = flags.text(name); !text.empty()) {
            GT_TRY_VAR(time, to_unix_timestamp(text));
            request.query.add(std::string(name), time);
        }
    }
    GT_TRY_VAR(stream, session.api().stream(request));
    return copy_output(session, std::move(stream));
}

}  // namespace

int run_logs(Session& session, const ParsedArgs& args) {
    auto printed = print_logs(session, args);
    return printed ? 0 : session.fail_with(printed.error());
}

}  // namespace gantry::cli
