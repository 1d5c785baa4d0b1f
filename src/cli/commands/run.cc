#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "cli/commands/handlers.h"
#include "cli/platform_parameter.h"
#include "cli/run/attachment.h"
#include "cli/run/create_request.h"
#include "cli/run/pull.h"
#include "cli/session.h"
#include "cli/stream/terminal.h"
#include "spec/api/container.h"
#include "spec/json.h"
#include "spec/reference.h"

namespace gantry::cli {
namespace {

constexpr int kExitNotExecutable = 126;
constexpr int kExitNotFound = 127;

/// What run exits with when a container could not be made or started: the daemon's text decides.
int start_failure_status(const Error& error) {
    const std::string text = to_lower(error.text());
    const auto has = [&](std::string_view part) { return text.find(part) != std::string::npos; };
    if (has("executable file not found") || has("no such file or directory") ||
        has("system cannot find the file specified")) {
        return kExitNotFound;
    }
    if (has("permission denied") || has("is a directory")) {
        return kExitNotExecutable;
    }
    return kExitClient;
}

/// The file that --cidfile names. It must not exist, and it is there only if a container is.
class IdFile {
public:
    static Result<IdFile> open(const std::string& path) {
        IdFile file;
        if (path.empty()) {
            return file;
        }
        file.path_ = path;
        file.fd_.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
        if (!file.fd_) {
            return fail(Kind::kConflict,
                        errno == EEXIST
                            ? fmt::format("container ID file found, make sure the other container "
                                          "isn't running or delete {}",
                                          path)
                            : fmt::format("failed to create the container ID file: {}: {}", path,
                                          std::strerror(errno)));
        }
        return file;
    }

    IdFile(IdFile&&) noexcept = default;
    ~IdFile() {
        if (fd_ && !written_) {
            (void)::unlink(path_.c_str());
        }
    }

    Result<> write(const std::string& id) {
        if (fd_ && ::write(fd_.get(), id.data(), id.size()) != static_cast<ssize_t>(id.size())) {
            return fail_errno("failed to write the container ID to the file");
        }
        written_ = true;
        return {};
    }

private:
    IdFile() = default;

    std::string path_;
    UniqueFd fd_;
    bool written_ = false;
};

/// Makes the daemon's own socket available in the container (--use-api-socket).
Result<> add_api_socket(const Session& session, spec::HostConfig& host) {
    const Endpoint& endpoint = session.options().endpoint;
    if (endpoint.address.unix_path.empty()) {
        return fail(Kind::kInvalid,
                    fmt::format("flag --use-api-socket can't be used with docker endpoint {}",
                                endpoint.text));
    }
    spec::Mount mount;
    mount.type = "bind";
    mount.source = endpoint.address.unix_path;
    mount.target = "/var/run/docker.sock";
    mount.bind_options.emplace();
    host.mounts.push_back(std::move(mount));
    return {};
}

Result<spec::ContainerCreateRequest> prepare(Session& session, const ParsedArgs& args) {
    const std::string pull = args.flags.text("pull");
    if (pull != "always" && pull != "missing" && pull != "never" && !pull.empty()) {
        return fail(Kind::kInvalid, fmt::format("invalid pull option: '{}': must be one of "
                                                "\"always\", \"missing\" or \"never\"",
                                                pull));
    }
    GT_TRY_VAR(request, build_create_request(args));
    if (args.flags.on("use-api-socket")) {
        GT_TRY(add_api_socket(session, *request.host_config));
    }
    return std::move(request);
}

Result<spec::ContainerCreateResponse> post_create(Session& session, const ParsedArgs& args,
                                                  const std::string& body) {
    ApiRequest call{.method = "POST", .path = "/containers/create", .body = body};
    if (const std::string name = args.flags.text("name"); !name.empty()) {
        call.query.add("name", name);
    }
    if (const std::string platform = wanted_platform(args.flags); !platform.empty()) {
        call.query.add("platform", platform);
    }
    GT_TRY_VAR(reply, session.api().call(call));
    return spec::parse_json<spec::ContainerCreateResponse>(reply.body);
}

/// Makes the container, and pulls its image as --pull says; prints warnings. Gives the id.
Result<std::string> create(Session& session, const ParsedArgs& args,
                           const spec::ContainerCreateRequest& request) {
    const std::string& image = request.config.image;
    const PullOptions pull{.platform = wanted_platform(args.flags),
                           .quiet = args.flags.on("quiet")};
    const std::string policy = args.flags.text("pull");
    GT_TRY(spec::parse_reference(image));
    GT_TRY_VAR(id_file, IdFile::open(request.host_config->container_id_file));
    if (policy == "always") {
        GT_TRY(pull_image(session, image, pull));
    }
    const std::string body = spec::to_json(request);
    auto created = post_create(session, args, body);
    const bool missing = !created && created.error().kind() == Kind::kNotFound &&
                         created.error().text().find("No such image") != std::string::npos;
    if (missing && (policy == "missing" || policy.empty())) {
        if (!pull.quiet) {
            GT_TRY_VAR(reference, spec::parse_reference(image));
            session.err(fmt::format("Unable to find image '{}' locally\n",
                                    reference.with_default_tag().familiar()));
        }
        GT_TRY(pull_image(session, image, pull));
        created = post_create(session, args, body);
    }
    if (!created) {
        return Failure(std::move(created).error());
    }
    for (const std::string& warning : created->warnings) {
        session.err(fmt::format("WARNING: {}\n", warning));
    }
    GT_TRY(id_file.write(created->id));
    return created->id;
}

Result<> start(Session& session, const std::string& id) {
    GT_TRY(session.api().call({.method = "POST", .path = container_path(id, "start")}));
    return {};
}

int run_detached(Session& session, const std::string& id) {
    if (auto started = start(session, id); !started) {
        return session.fail_with_hint("run", started.error(),
                                      start_failure_status(started.error()));
    }
    session.out(id + "\n");
    return 0;
}

int run_attached(Session& session, const ParsedArgs& args, const std::string& id,
                 const spec::ContainerCreateRequest& request, const std::string& keys) {
    AttachmentOptions options;
    options.id = id;
    options.resize_path = container_path(id, "resize");
    options.tty = request.config.tty;
    options.stdin_attached = request.config.attach_stdin;
    options.stdout_attached = request.config.attach_stdout;
    options.stderr_attached = request.config.attach_stderr;
    options.proxy_signals = args.flags.on("sig-proxy");
    options.detach_keys = keys;
    const auto give_up = [&](const Error& error) {
        return session.fail_with_hint("run", error, start_failure_status(error));
    };
    auto attachment = Attachment::open(session, std::move(options));
    if (!attachment) {
        return give_up(attachment.error());
    }
    const std::string written_keys = args.flags.changed("detach-keys")
                                         ? args.flags.text("detach-keys")
                                         : session.config().detach_keys;
    if (auto attached = attachment->attach(written_keys); !attached) {
        return give_up(attached.error());
    }
    if (auto waiting = attachment->wait_for(args.flags.on("rm") ? "removed" : "next-exit");
        !waiting) {
        return give_up(waiting.error());
    }
    if (auto started = start(session, id); !started) {
        const int status = give_up(started.error());
        if (args.flags.on("rm")) {
            // The daemon removes what did not start; only then is the name free again.
            (void)attachment->wait();
        }
        return status;
    }
    auto end = attachment->run();
    if (!end) {
        return session.fail_with(end.error(), kExitClient);
    }
    return end->status;
}

}  // namespace

int run_create(Session& session, const ParsedArgs& args) {
    auto request = prepare(session, args);
    if (!request) {
        return session.fail_with_hint("create", request.error(), kExitClient);
    }
    auto id = create(session, args, *request);
    if (!id) {
        return session.fail_with(id.error());
    }
    session.out(*id + "\n");
    return 0;
}

int run_run(Session& session, const ParsedArgs& args) {
    auto request = prepare(session, args);
    if (!request) {
        return session.fail_with_hint("run", request.error(), kExitClient);
    }
    spec::ContainerConfig& config = request->config;
    if (args.flags.on("detach")) {
        if (!args.flags.list("attach").empty()) {
            session.err("conflicting options: cannot specify both --attach and --detach\n");
            return kExitFailure;
        }
        config.attach_stdin = config.attach_stdout = config.attach_stderr = false;
        config.stdin_once = false;
    } else if (config.tty && config.attach_stdin && !is_terminal(STDIN_FILENO)) {
        session.err("the input device is not a TTY\n");
        return kExitFailure;
    }
    auto keys = session.detach_keys(args.flags.text("detach-keys"));
    if (!keys) {
        return session.fail_with_hint("run", keys.error(), kExitClient);
    }
    auto id = create(session, args, *request);
    if (!id) {
        return session.fail_with_hint("run", id.error(), start_failure_status(id.error()));
    }
    if (args.flags.on("detach")) {
        return run_detached(session, *id);
    }
    return run_attached(session, args, *id, *request, *keys);
}

}  // namespace gantry::cli
