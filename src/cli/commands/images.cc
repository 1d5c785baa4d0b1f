#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <optional>

#include "base/unique_fd.h"
#include "cli/commands/download.h"
#include "cli/commands/for_each.h"
#include "cli/commands/handlers.h"
#include "cli/platform_parameter.h"
#include "cli/read_file.h"
#include "cli/run/pull.h"
#include "cli/session.h"
#include "cli/stream/terminal.h"
#include "spec/api/image.h"
#include "spec/json.h"
#include "spec/reference.h"

namespace gantry::cli {
namespace {

constexpr size_t kCopySize = 64 * 1024;

/// PATH for reading, or standard input if it is empty or "-".
Result<UniqueFd> open_input(const std::string& path) {
    const bool standard = path.empty() || path == "-";
    UniqueFd fd(standard ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                         : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
        return file_failure("open", standard ? "stdin" : path);
    }
    return fd;
}

/// Sends all of INPUT as the request's body. What the daemon answers if it stops reading early
/// tells more than the failed write.
Result<ApiStream> upload(Session& session, const ApiRequest& request, int input) {
    GT_TRY_VAR(connection, session.api().begin(request));
    std::array<char, kCopySize> buffer = {};
    while (true) {
        const ssize_t got = ::read(input, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail_errno("reading the archive");
        }
        if (got == 0 || !connection.write({buffer.data(), static_cast<size_t>(got)})) {
            break;
        }
    }
    return session.api().finish(std::move(connection));
}

Result<> add_platforms(const FlagValues& flags, ApiRequest& request) {
    for (const std::string& platform : flags.list("platform")) {
        GT_TRY_VAR(parameter, platform_parameter(platform));
        request.query.add("platform", parameter);
    }
    return {};
}

Result<> load(Session& session, const FlagValues& flags) {
    const std::string path = flags.text("input");
    if (path.empty() && is_terminal(STDIN_FILENO)) {
        return fail(Kind::kInvalid, "requested load from stdin, but stdin is empty");
    }
    GT_TRY_VAR(input, open_input(path));
    ApiRequest request{.method = "POST", .path = "/images/load"};
    // COMPAT: docker asks for no progress where nobody watches.
    const bool quiet = flags.on("quiet") || !is_terminal(STDOUT_FILENO);
    request.query.add("quiet", quiet ? "1" : "0");
    GT_TRY(add_platforms(flags, request));
    GT_TRY_VAR(stream, upload(session, request, input.get()));
    return print_progress(std::move(stream.connection), STDOUT_FILENO, /*quiet=*/false);
}

Result<> import(Session& session, const ParsedArgs& args) {
    const std::string& source = args.arguments[0];
    const bool is_url = source.starts_with("http://") || source.starts_with("https://");
    ApiRequest request{.method = "POST", .path = "/images/create"};
    request.query.add("fromSrc", is_url ? source : "-");
    if (args.arguments.size() > 1) {
        GT_TRY_VAR(reference, spec::parse_reference(args.arguments[1]));
        request.query.add("repo", reference.familiar_name());
        request.query.add("tag", reference.tag);
    }
    for (const std::string& change : args.flags.list("change")) {
        request.query.add("changes", change);
    }
    if (const std::string message = args.flags.text("message"); !message.empty()) {
        request.query.add("message", message);
    }
    if (const std::string platform = wanted_platform(args.flags); !platform.empty()) {
        request.query.add("platform", platform);
    }
    if (is_url) {
        GT_TRY_VAR(stream, session.api().stream(request));
        return print_progress(std::move(stream.connection), STDOUT_FILENO, /*quiet=*/false);
    }
    GT_TRY_VAR(input, open_input(source));
    GT_TRY_VAR(stream, upload(session, request, input.get()));
    return print_progress(std::move(stream.connection), STDOUT_FILENO, /*quiet=*/false);
}

Result<> save(Session& session, const ParsedArgs& args) {
    const std::string path = args.flags.text("output");
    if (path.empty() && is_terminal(STDOUT_FILENO)) {
        return fail(Kind::kInvalid,
                    "cowardly refusing to save to a terminal. Use the -o flag or redirect");
    }
    ApiRequest request{.path = "/images/get"};
    for (const std::string& name : args.arguments) {
        request.query.add("names", name);
    }
    GT_TRY(add_platforms(args.flags, request));
    GT_TRY_VAR(stream, session.api().stream(request));
    return download(stream.connection, path);
}

Result<> tag(Session& session, const ParsedArgs& args) {
    for (const std::string& name : args.arguments) {
        if (auto reference = spec::parse_reference(name); !reference) {
            return fail(Kind::kInvalid,
                        fmt::format("Error parsing reference: \"{}\" is not a valid "
                                    "repository/tag: {}",
                                    name, reference.error().text()));
        }
    }
    GT_TRY_VAR(target, spec::parse_reference(args.arguments[1]));
    if (target.digest) {
        return fail(Kind::kInvalid, "refusing to create a tag with a digest reference");
    }
    ApiRequest request{.method = "POST", .path = image_path(args.arguments[0], "tag")};
    request.query.add("repo", target.familiar_name());
    request.query.add("tag", target.with_default_tag().tag);
    GT_TRY(session.api().call(request));
    return {};
}

Result<std::string> remove(Session& session, const FlagValues& flags, const std::string& name) {
    ApiRequest request{.method = "DELETE", .path = image_path(name, "")};
    if (flags.on("force")) {
        request.query.add("force", "1");
    }
    if (flags.on("no-prune")) {
        request.query.add("noprune", "1");
    }
    for (const std::string& platform : flags.list("platform")) {
        GT_TRY_VAR(parameter, platform_parameter(platform));
        request.query.add("platforms", parameter);
    }
    GT_TRY_VAR(reply, session.api().call(request));
    GT_TRY_VAR(items, spec::parse_json<std::vector<spec::ImageDeleteItem>>(reply.body));
    std::string out;
    for (const spec::ImageDeleteItem& item : items) {
        out += item.deleted.empty() ? fmt::format("Untagged: {}\n", item.untagged)
                                    : fmt::format("Deleted: {}\n", item.deleted);
    }
    return out;
}

Result<> pull(Session& session, const ParsedArgs& args) {
    GT_TRY_VAR(reference, spec::parse_reference(args.arguments[0]));
    const bool quiet = args.flags.on("quiet");
    const bool all = args.flags.on("all-tags");
    if (all && !reference.name_only()) {
        return fail(Kind::kInvalid, "tag can't be used with --all-tags/-a");
    }
    if (!all && !quiet && reference.name_only()) {
        session.out("Using default tag: latest\n");
    }
    GT_TRY(pull_image(session, args.arguments[0],
                      {.platform = wanted_platform(args.flags),
                       .quiet = quiet,
                       .all_tags = all,
                       .fd = STDOUT_FILENO}));
    session.out((all ? reference : reference.with_default_tag()).str() + "\n");
    return {};
}

int finish(Session& session, const Result<>& done) {
    return done ? 0 : session.fail_with(done.error());
}

}  // namespace

int run_load(Session& session, const ParsedArgs& args) {
    return finish(session, load(session, args.flags));
}

int run_import(Session& session, const ParsedArgs& args) {
    return finish(session, import(session, args));
}

int run_save(Session& session, const ParsedArgs& args) {
    return finish(session, save(session, args));
}

int run_tag(Session& session, const ParsedArgs& args) {
    return finish(session, tag(session, args));
}

int run_rmi(Session& session, const ParsedArgs& args) {
    return for_each_in_turn(session, args.arguments, [&](const std::string& name) {
        return remove(session, args.flags, name);
    });
}

int run_pull(Session& session, const ParsedArgs& args) {
    return finish(session, pull(session, args));
}

}  // namespace gantry::cli
