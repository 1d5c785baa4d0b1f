// commit, diff and export.

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "cli/commands/download.h"
#include "cli/commands/handlers.h"
#include "cli/session.h"
#include "cli/stream/terminal.h"
#include "spec/api/container.h"
#include "spec/api/image.h"
#include "spec/json.h"
#include "spec/reference.h"

namespace gantry::cli {
namespace {

Result<std::string> commit(Session& session, const ParsedArgs& args) {
    ApiRequest request{.method = "POST", .path = "/commit"};
    request.query.add("author", args.flags.text("author"));
    for (const std::string& change : args.flags.list("change")) {
        request.query.add("changes", change);
    }
    request.query.add("comment", args.flags.text("message"));
    request.query.add("container", args.arguments[0]);
    if (!args.flags.on("pause")) {
        request.query.add("pause", "0");
    }
    if (args.arguments.size() > 1 && !args.arguments[1].empty()) {
        GT_TRY_VAR(reference, spec::parse_reference(args.arguments[1]));
        if (reference.digest) {
            return fail(Kind::kInvalid, "refusing to create a tag with a digest reference");
        }
        request.query.add("repo", reference.familiar_name());
        request.query.add("tag", reference.with_default_tag().tag);
    }
    GT_TRY_VAR(reply, session.api().call(request));
    GT_TRY_VAR(made, spec::parse_json<spec::IdResponse>(reply.body));
    return made.id + "\n";
}

Result<std::string> diff(Session& session, const ParsedArgs& args) {
    if (args.arguments[0].empty()) {
        return fail(Kind::kInvalid, "Container name cannot be empty");
    }
    GT_TRY_VAR(reply, session.api().call({.path = container_path(args.arguments[0], "changes")}));
    GT_TRY_VAR(changes, spec::parse_json<std::vector<spec::FilesystemChange>>(reply.body));
    constexpr std::array<char, 3> kLetters = {'C', 'A', 'D'};
    std::string out;
    for (const spec::FilesystemChange& change : changes) {
        const auto kind = static_cast<size_t>(change.kind);
        out += fmt::format("{} {}\n", kind < kLetters.size() ? kLetters[kind] : '?', change.path);
    }
    return out;
}

/// docker's check before anything is sent.
Result<> check_output(const std::string& path) {
    const size_t slash = path.rfind('/');
    const std::string directory = slash == path.npos ? "." : path.substr(0, slash);
    struct stat status{};
    if (!directory.empty() && ::stat(directory.c_str(), &status) != 0) {
        return fail(Kind::kInvalid,
                    fmt::format("failed to export container: invalid output path: stat {}: no such "
                                "file or directory",
                                directory));
    }
    if (::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
        return fail(Kind::kInvalid,
                    fmt::format("failed to export container: invalid output path: {:?} must not be "
                                "a directory",
                                path));
    }
    return {};
}

Result<> export_root(Session& session, const ParsedArgs& args) {
    const std::string path = args.flags.text("output");
    if (path.empty() && is_terminal(STDOUT_FILENO)) {
        return fail(Kind::kInvalid,
                    "cowardly refusing to save to a terminal. Use the -o flag or redirect");
    }
    if (!path.empty()) {
        GT_TRY(check_output(path));
    }
    GT_TRY_VAR(stream, session.api().stream({.path = container_path(args.arguments[0], "export")}));
    return download(stream.connection, path);
}

int print(Session& session, const Result<std::string>& text) {
    if (!text) {
        return session.fail_with(text.error());
    }
    session.out(*text);
    return 0;
}

}  // namespace

int run_commit(Session& session, const ParsedArgs& args) {
    return print(session, commit(session, args));
}

int run_diff(Session& session, const ParsedArgs& args) {
    return print(session, diff(session, args));
}

int run_export(Session& session, const ParsedArgs& args) {
    const auto done = export_root(session, args);
    return done ? 0 : session.fail_with(done.error());
}

}  // namespace gantry::cli
