#include "bin/gantry_runtime/launch.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/scope_guard.h"
#include "base/text.h"
#include "bin/gantry_runtime/bundle.h"
#include "bin/gantry_runtime/capabilities.h"
#include "bin/gantry_runtime/console.h"
#include "bin/gantry_runtime/group.h"
#include "bin/gantry_runtime/hooks.h"
#include "runtime/id_maps.h"
#include "runtime/plan_builder.h"
#include "runtime/seccomp_program.h"
#include "spec/json.h"
#include "spec/value.h"
#include "sys/files.h"

namespace gantry::standalone {

namespace {

using runtime::StageProcess;

constexpr std::chrono::milliseconds kRemovePatience{2000};

Result<> check_console(const spec::oci::Process& process, const LaunchRequest& request) {
    if (process.terminal && request.detached_start && request.console_socket.empty()) {
        return fail(Kind::kInvalid, "a detached process with a terminal needs --console-socket");
    }
    if (!process.terminal && !request.console_socket.empty()) {
        return fail(Kind::kInvalid,
                    "--console-socket is only for a detached process with a terminal");
    }
    return {};
}

/// Both ends of the FIFO that START comes through: who waits on it does not depend on us.
Result<UniqueFd> make_start_fifo(const std::string& path) {
    if (mkfifo(path.c_str(), 0600) != 0) {
        return fail_errno(path);
    }
    return sys::open_file(AT_FDCWD, path.c_str(), O_RDWR);
}

/// COMPAT: what runc sends with the listener.
Result<> send_listener(StageProcess& process, const Record& record) {
    const spec::oci::Seccomp& seccomp = *record.config.linux.seccomp;
    GT_TRY_VAR(listener, process.take_listener());
    spec::Value state;
    state.set("ociVersion", record.config.oci_version);
    state.set("fds", spec::Value::Array{spec::Value("seccompFd")});
    state.set("pid", int64_t{process.pid()});
    if (!seccomp.listener_metadata.empty()) {
        state.set("metadata", seccomp.listener_metadata);
    }
    spec::oci::State container;
    container.oci_version = record.config.oci_version;
    container.id = record.id;
    container.status = record.pid == 0 ? "creating" : "running";
    container.pid = process.pid();
    container.bundle = record.bundle;
    container.annotations = record.config.annotations;
    GT_TRY_VAR(object, spec::Value::parse(spec::to_json(container)));
    state.set("state", std::move(object));
    GT_TRY_VAR(socket, connect_socket(seccomp.listener_path));
    return send_descriptor(socket.get(), listener.get(), state.serialize());
}

Result<> run_create_hooks(const Record& record, pid_t pid) {
    spec::oci::State state;
    state.oci_version = record.config.oci_version;
    state.id = record.id;
    state.status = "creating";
    state.pid = pid;
    state.bundle = record.bundle;
    state.annotations = record.config.annotations;
    GT_TRY(run_hooks(record.config.hooks.prestart, state));
    return run_hooks(record.config.hooks.create_runtime, state);
}

Result<StageProcess> spawn_container(const Record& record, const LaunchRequest& request,
                                     const Group& group, int start_fifo) {
    spec::oci::Config config = record.config;
    add_home(config.process, config.root.path);
    GT_TRY(expand_cgroup_mounts(config, record.cgroup));
    add_default_devices(config);
    runtime::LaunchOptions options;
    for (const UniqueFd& fd : group.tasks) {
        options.cgroup_tasks_fds.push_back(fd.get());
    }
    options.cgroup_v2_fd = group.v2_dir.get();
    GT_TRY_VAR(idmaps, runtime::make_idmaps(config));
    for (const UniqueFd& fd : idmaps) {
        options.idmap_fds.push_back(fd.get());
    }
    runtime::StageOptions stage;
    stage.first_fd = runtime::stage_first_plan_fd(request.preserved);
    stage.start_fd = start_fifo >= 0 ? runtime::stage_start_fd(request.preserved) : -1;
    stage.new_keyring = request.new_keyring;
    stage.pivot_root = request.pivot_root;
    stage.rootless = geteuid() != 0;
    spec::oci::State state;
    state.oci_version = config.oci_version;
    state.id = record.id;
    state.bundle = record.bundle;
    state.annotations = config.annotations;
    stage.create_hooks = hook_input(state, "creating");
    stage.start_hooks = hook_input(state, "created");
    GT_TRY_VAR(filter,
               runtime::seccomp_program(config.linux.seccomp ? &*config.linux.seccomp : nullptr));
    GT_TRY_VAR(plan, runtime::build_container_plan(config, options, filter, &stage));
    StageProcess::Request spawn;
    spawn.program = stage_program();
    spawn.plan = plan;
    spawn.plan_fds = runtime::plan_fds(options);
    spawn.start_fd = start_fifo;
    spawn.preserved = request.preserved;
    return StageProcess::spawn(spawn);
}

/// The steps of launch() behind the reservation of the id.
Result<Launched> launch_reserved(const Globals& globals, const LaunchRequest& request,
                                 Record record) {
    GT_TRY_VAR(group, make_group(globals, record));
    ScopeGuard undo_group([&] { (void)remove_group(record, kRemovePatience); });
    GT_TRY(globals.containers.save(record));
    UniqueFd fifo;
    if (request.detached_start) {
        GT_TRY_VAR(made, make_start_fifo(globals.containers.start_fifo(record.id)));
        fifo = std::move(made);
    }
    GT_TRY_VAR(process, spawn_container(record, request, group, fifo.get()));
    ScopeGuard kill_process([&] { process.kill(); });
    UniqueFd terminal;
    GT_TRY(follow_stage(process, StageProcess::Stage::kReady, record, request.console_socket,
                        terminal));
    record.pid = process.pid();
    log_debug(fmt::format("container {} is set up: pid {}, cgroup {}", record.id, record.pid,
                          record.cgroup));
    record.start_time = process_start_time(record.pid).value_or(0);
    GT_TRY(globals.containers.save(record));
    if (!request.pid_file.empty()) {
        GT_TRY(write_pid_file(request.pid_file, record.pid));
    }
    kill_process.commit();
    undo_group.commit();
    return Launched{std::move(record), std::move(process), std::move(terminal)};
}

}  // namespace

Result<> follow_stage(StageProcess& process, StageProcess::Stage wanted, const Record& record,
                      const std::string& console_socket, UniqueFd& terminal) {
    for (;;) {
        GT_TRY_VAR(stage, process.next());
        switch (stage) {
            case StageProcess::Stage::kRendezvous:
                GT_TRY(run_create_hooks(record, process.pid()));
                GT_TRY(process.release());
                break;
            case StageProcess::Stage::kSeccompListener:
                GT_TRY(send_listener(process, record));
                GT_TRY(process.release());
                break;
            case StageProcess::Stage::kTerminal:
                terminal = process.take_terminal();
                if (!console_socket.empty()) {
                    GT_TRY_VAR(socket, connect_socket(console_socket));
                    GT_TRY(send_descriptor(socket.get(), terminal.get(), "/dev/pts/ptmx"));
                    terminal.reset();
                }
                break;
            case StageProcess::Stage::kEntered:
            case StageProcess::Stage::kReady:
            case StageProcess::Stage::kRunning: break;
        }
        if (stage == wanted) {
            return {};
        }
    }
}

Result<Launched> launch(const Globals& globals, const LaunchRequest& request) {
    GT_TRY(Containers::check_id(request.id));
    Record record;
    record.id = request.id;
    record.bundle = request.bundle;
    record.created = format_rfc3339(wall_now());
    record.owner = getuid();
    GT_TRY_VAR(config, load_bundle(request.bundle));
    record.config = std::move(config);
    GT_TRY(settle_capabilities(record.config.process, record.config.linux));
    GT_TRY(check_console(record.config.process, request));
    GT_TRY(name_group(globals, record));
    GT_TRY(globals.containers.reserve(request.id));
    ScopeGuard unreserve([&] { (void)globals.containers.remove(request.id); });
    GT_TRY_VAR(lock, globals.containers.lock(request.id));
    auto launched = launch_reserved(globals, request, std::move(record));
    if (launched) {
        unreserve.commit();
    }
    lock.reset();
    return launched;
}

}  // namespace gantry::standalone
