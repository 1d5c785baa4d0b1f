#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include "base/scope_guard.h"
#include "base/text.h"
#include "bin/gantry_runtime/bundle.h"
#include "bin/gantry_runtime/capabilities.h"
#include "bin/gantry_runtime/console.h"
#include "bin/gantry_runtime/exec_groups.h"
#include "bin/gantry_runtime/launch.h"
#include "runtime/plan_builder.h"
#include "runtime/seccomp_program.h"
#include "sys/capability.h"
#include "sys/process.h"

namespace gantry::standalone {

namespace {

using runtime::StageProcess;

Result<> set_user(spec::oci::User& user, const std::string& text) {
    const Cut parts = cut(text, ':');
    const auto uid = parse_uint(parts.before);
    const auto gid = parts.found ? parse_uint(parts.after) : std::optional<uint64_t>(user.gid);
    if (!uid || !gid || *uid > UINT32_MAX || *gid > UINT32_MAX) {
        return fail(Kind::kInvalid, fmt::format("invalid user {:?}: numbers only", text));
    }
    user.uid = static_cast<uint32_t>(*uid);
    user.gid = static_cast<uint32_t>(*gid);
    return {};
}

Result<> add_capabilities(spec::oci::Process& process, const std::vector<std::string>& names) {
    if (names.empty()) {
        return {};
    }
    if (!process.capabilities) {
        process.capabilities.emplace();
    }
    spec::oci::Capabilities& sets = *process.capabilities;
    for (const std::string& name : names) {
        const auto number = sys::parse_capability(name);
        if (!number) {
            return fail(Kind::kInvalid, fmt::format("unknown capability {:?}", name));
        }
        const std::string full(sys::capability_name(*number));
        for (auto* set : {&sets.bounding, &sets.effective, &sets.permitted}) {
            set->push_back(full);
        }
        if (!sets.inheritable.empty()) {
            sets.inheritable.push_back(full);
        }
        if (!sets.ambient.empty()) {
            sets.ambient.push_back(full);
        }
    }
    return {};
}

/// The process of the flags: the container's own with what they change.
Result<spec::oci::Process> exec_process(const CommandLine& line, const Record& record) {
    if (const std::string path = line.get("process"); !path.empty()) {
        return load_process(path);
    }
    spec::oci::Process process = record.config.process;
    const auto& operands = line.operands();
    if (operands.size() < 2) {
        return fail(Kind::kInvalid, "exec needs a command or --process");
    }
    process.args.assign(operands.begin() + 1, operands.end());
    process.terminal = line.has("tty");
    process.console_size.reset();
    if (line.has("cwd")) {
        process.cwd = line.get("cwd");
    }
    if (line.has("apparmor")) {
        process.apparmor_profile = line.get("apparmor");
    }
    if (line.has("process-label")) {
        process.selinux_label = line.get("process-label");
    }
    if (line.has("no-new-privs")) {
        process.no_new_privileges = true;
    }
    GT_TRY(add_capabilities(process, line.all("cap")));
    for (const std::string& entry : line.all("env")) {
        process.env.push_back(entry);
    }
    if (line.has("user")) {
        GT_TRY(set_user(process.user, line.get("user")));
    }
    for (const std::string& group : line.all("additional-gids")) {
        const auto number = parse_uint(group);
        if (!number || *number > UINT32_MAX) {
            return fail(Kind::kInvalid, fmt::format("invalid group {:?}", group));
        }
        process.user.additional_gids.push_back(static_cast<uint32_t>(*number));
    }
    return process;
}

Result<StageProcess> spawn_exec(const Record& record, const spec::oci::Process& process,
                                int preserved, const std::vector<std::string>& groups) {
    runtime::ExecPlanOptions options;
    runtime::StageOptions stage;
    stage.first_fd = runtime::stage_first_plan_fd(preserved);
    stage.rootless = geteuid() != 0;
    options.stage = &stage;
    options.linux = &record.config.linux;
    GT_TRY_VAR(pidfd, sys::open_pidfd(record.pid));
    if (process_start_time(record.pid) != record.start_time) {
        return fail(Kind::kConflict, "cannot exec in a stopped container");
    }
    options.init_pidfd = pidfd.get();
    std::vector<UniqueFd> tasks;
    GT_TRY_VAR(cgroup, cgroup_of(record));
    if (cgroup) {
        GT_TRY_VAR(files, open_groups(*cgroup, record.pid, groups));
        tasks = std::move(files);
    }
    for (const UniqueFd& fd : tasks) {
        options.cgroup_tasks_fds.push_back(fd.get());
    }
    const auto& seccomp = record.config.linux.seccomp;
    GT_TRY_VAR(filter, runtime::seccomp_program(seccomp ? &*seccomp : nullptr));
    GT_TRY_VAR(plan, runtime::build_exec_plan(process, filter, options));
    StageProcess::Request request;
    request.program = stage_program();
    request.plan = plan;
    request.plan_fds = runtime::exec_plan_fds(options);
    request.preserved = preserved;
    return StageProcess::spawn(request);
}

Result<> check_console(const CommandLine& line, const spec::oci::Process& process) {
    const bool detach = line.has("detach");
    const bool socket = line.has("console-socket");
    if (process.terminal && detach && !socket) {
        return fail(Kind::kInvalid, "a detached process with a terminal needs --console-socket");
    }
    if (socket && (!process.terminal || !detach)) {
        return fail(Kind::kInvalid,
                    "--console-socket is only for a detached process with a terminal");
    }
    return {};
}

Result<int> exec(const Globals& globals, const CommandLine& line) {
    if (line.operands().empty()) {
        return fail(Kind::kInvalid, "\"exec\" requires a minimum of 1 argument");
    }
    GT_TRY_VAR(record, globals.containers.load(line.operands()[0]));
    GT_TRY_VAR(status, globals.containers.status(record));
    if (status == Status::kStopped || status == Status::kCreating) {
        return fail(Kind::kConflict, "cannot exec in a stopped container");
    }
    if (status == Status::kPaused && !line.has("ignore-paused")) {
        return fail(Kind::kConflict,
                    "cannot exec in a paused container (use --ignore-paused to override)");
    }
    GT_TRY_VAR(process, exec_process(line, record));
    GT_TRY(settle_capabilities(process, record.config.linux));
    // With the mounts of the container, which may cover its /etc/passwd.
    add_home(process, fmt::format("/proc/{}/root", record.pid));
    GT_TRY(check_console(line, process));
    GT_TRY_VAR(preserved, preserved_fds(line));
    const bool detach = line.has("detach");
    std::optional<Foreground> foreground;
    if (!detach) {
        foreground.emplace();
    }
    GT_TRY_VAR(stage, spawn_exec(record, process, preserved, line.all("cgroup")));
    ScopeGuard kill_process([&] { stage.kill(); });
    UniqueFd terminal;
    GT_TRY(follow_stage(stage, StageProcess::Stage::kRunning, record, line.get("console-socket"),
                        terminal));
    if (line.has("pid-file")) {
        GT_TRY(write_pid_file(line.get("pid-file"), stage.pid()));
    }
    kill_process.commit();
    if (detach) {
        return 0;
    }
    GT_TRY_VAR(ended, foreground->wait(stage.pidfd(), std::move(terminal)));
    return ended.docker_code();
}

}  // namespace

void add_exec_command(std::vector<Command>& commands) {
    Command command;
    command.name = "exec";
    command.usage = "<container-id> <command> [arguments] | --process process.json <container-id>";
    command.help = "execute a new process inside the container";
    command.flags = {
        {"console-socket", Takes::kValue, "path to a socket which receives the pty's master"},
        {"cwd", Takes::kValue, "current working directory in the container"},
        {"env,e", Takes::kValue, "set environment variables"},
        {"tty,t", Takes::kNothing, "allocate a pseudo-TTY"},
        {"user,u", Takes::kValue, "UID (format: <uid>[:<gid>])"},
        {"additional-gids,g", Takes::kValue, "additional gids"},
        {"process,p", Takes::kValue, "path to a process.json"},
        {"detach,d", Takes::kNothing, "detach from the process"},
        {"pid-file", Takes::kValue, "file to write the process id to"},
        {"process-label", Takes::kValue, "SELinux label of the process"},
        {"apparmor", Takes::kValue, "AppArmor profile of the process"},
        {"no-new-privs", Takes::kNothing, "set no_new_privs for the process"},
        {"cap,c", Takes::kValue, "add a capability"},
        {"cgroup", Takes::kValue, "sub-cgroup to join, [CONTROLLER[,CONTROLLER...]:]PATH"},
        {"preserve-fds", Takes::kValue, "pass N additional file descriptors to the container"},
        {"ignore-paused", Takes::kNothing, "allow exec in a paused container"},
    };
    command.order = Flags::kFirst;
    command.run = &exec;
    command.failure_code = 255;
    commands.push_back(std::move(command));
}

}  // namespace gantry::standalone
