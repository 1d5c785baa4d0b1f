#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "base/scope_guard.h"
#include "base/text.h"
#include "bin/gantry_runtime/bundle.h"
#include "bin/gantry_runtime/console.h"
#include "bin/gantry_runtime/hooks.h"
#include "bin/gantry_runtime/launch.h"
#include "sys/files.h"
#include "sys/process.h"

namespace gantry::standalone {

namespace {

using runtime::StageProcess;

/// How long a program may take from START to its execution (a cold disk).
constexpr int kExecPatienceMs = 60000;

const std::vector<FlagRow> kCreateFlags = {
    {"bundle,b", Takes::kValue, "path to the root of the bundle directory (default: .)"},
    {"console-socket", Takes::kValue, "path to a socket which receives the pty's master"},
    {"pid-file", Takes::kValue, "file to write the process id to"},
    {"no-pivot", Takes::kNothing, "do not use pivot root"},
    {"no-new-keyring", Takes::kNothing, "do not create a new session keyring"},
    {"preserve-fds", Takes::kValue, "pass N additional file descriptors to the container"},
};

Result<LaunchRequest> launch_request(const CommandLine& line, std::string_view command) {
    LaunchRequest request;
    GT_TRY_VAR(id, container_operand(line, command));
    request.id = id;
    auto bundle = absolute_path(line.get("bundle", "."));
    if (!bundle) {
        return Failure(std::move(bundle).error());
    }
    request.bundle = std::move(*bundle);
    request.console_socket = line.get("console-socket");
    request.pid_file = line.get("pid-file");
    request.pivot_root = !line.has("no-pivot");
    request.new_keyring = !line.has("no-new-keyring");
    GT_TRY_VAR(preserved, preserved_fds(line));
    request.preserved = preserved;
    return request;
}

void run_poststart(const Globals& globals, const Record& record) {
    const spec::oci::State state = globals.containers.state(record, Status::kRunning);
    if (const auto run = run_hooks(record.config.hooks.poststart, state); !run) {
        log_warning(run.error().text());
    }
}

Result<int> create(const Globals& globals, const CommandLine& line) {
    GT_TRY_VAR(request, launch_request(line, "create"));
    request.detached_start = true;
    GT_TRY_VAR(launched, launch(globals, request));
    (void)launched;
    return 0;
}

Result<int> run_in_foreground(const Globals& globals, const LaunchRequest& request, bool keep) {
    Foreground foreground;
    GT_TRY_VAR(launched, launch(globals, request));
    ScopeGuard clean([&] {
        launched.process.kill();
        (void)destroy(globals, launched.record);
    });
    GT_TRY(launched.process.release());
    UniqueFd none;
    GT_TRY(
        follow_stage(launched.process, StageProcess::Stage::kRunning, launched.record, "", none));
    run_poststart(globals, launched.record);
    GT_TRY_VAR(status, foreground.wait(launched.process.pidfd(), std::move(launched.terminal)));
    clean.commit();
    if (!keep) {
        GT_TRY(destroy(globals, launched.record));
    }
    return status.docker_code();
}

Result<int> run(const Globals& globals, const CommandLine& line) {
    GT_TRY_VAR(request, launch_request(line, "run"));
    const bool detach = line.has("detach");
    if (!detach) {
        return run_in_foreground(globals, request, line.has("keep"));
    }
    // Like create in what it demands of the console; START is ours.
    request.detached_start = true;
    GT_TRY_VAR(launched, launch(globals, request));
    ScopeGuard clean([&] {
        launched.process.kill();
        (void)destroy(globals, launched.record);
    });
    GT_TRY_VAR(fifo, sys::open_file(AT_FDCWD, globals.containers.start_fifo(request.id).c_str(),
                                    O_WRONLY | O_NONBLOCK));
    GT_TRY(sys::write_all(fifo.get(), std::string_view("", 1)));
    UniqueFd none;
    GT_TRY(
        follow_stage(launched.process, StageProcess::Stage::kRunning, launched.record, "", none));
    if (unlink(globals.containers.start_fifo(request.id).c_str()) != 0) {
        return fail_errno("remove the FIFO");
    }
    clean.commit();
    run_poststart(globals, launched.record);
    return 0;
}

/// ORDER: the byte, then the end of all readers (exec closes them), then the FIFO goes, which makes
/// the container "running". A start that dies in between can be repeated: the FIFO has no reader.
Result<> give_start(const std::string& path) {
    UniqueFd fifo(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    if (!fifo && errno != ENXIO) {
        return fail_errno(path);
    }
    if (fifo) {
        GT_TRY(sys::write_all(fifo.get(), std::string_view("", 1)));
        pollfd readers = {fifo.get(), 0, 0};  // POLLERR: none is left
        if (poll(&readers, 1, kExecPatienceMs) == 0) {
            return fail(Kind::kTimeout, "the container's program is not executed");
        }
    }
    if (unlink(path.c_str()) != 0) {
        return fail_errno(path);
    }
    return {};
}

Result<int> start(const Globals& globals, const CommandLine& line) {
    GT_TRY_VAR(id, container_operand(line, "start"));
    GT_TRY(Containers::check_id(id));
    GT_TRY_VAR(lock, globals.containers.lock(id));
    (void)lock;
    GT_TRY_VAR(record, globals.containers.load(id));
    GT_TRY_VAR(status, globals.containers.status(record));
    switch (status) {
        case Status::kCreated: break;
        case Status::kStopped:
            return fail(Kind::kConflict, "cannot start a container that has stopped");
        case Status::kRunning:
        case Status::kPaused:
            return fail(Kind::kConflict, "cannot start an already running container");
        case Status::kCreating:
            return fail(Kind::kConflict, "cannot start a container in the creating state");
    }
    GT_TRY(give_start(globals.containers.start_fifo(id)));
    run_poststart(globals, record);
    return 0;
}

}  // namespace

void add_start_commands(std::vector<Command>& commands) {
    std::vector<FlagRow> run_flags = kCreateFlags;
    run_flags.push_back({"detach,d", Takes::kNothing, "detach from the container's process"});
    run_flags.push_back({"keep", Takes::kNothing, "do not delete the container after its end"});
    commands.push_back({"create", "<container-id>", "create a container", kCreateFlags,
                        Flags::kAnywhere, &create});
    commands.push_back(
        {"run", "<container-id>", "create and run a container", run_flags, Flags::kAnywhere, &run});
    commands.push_back({"start",
                        "<container-id>",
                        "execute the process of a created container",
                        {},
                        Flags::kAnywhere,
                        &start});
}

}  // namespace gantry::standalone
