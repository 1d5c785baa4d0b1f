#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/text.h"
#include "bin/gantry_runtime/commands.h"
#include "bin/gantry_runtime/group.h"
#include "bin/gantry_runtime/hooks.h"
#include "spec/signal.h"
#include "sys/files.h"
#include "sys/mounts.h"
#include "sys/process.h"

namespace gantry::standalone {

namespace {

/// For processes to leave after SIGKILL.
constexpr int kKillPatienceMs = 10000;
constexpr std::chrono::milliseconds kRemovePatience{10000};

/// The container's first process; kNotFound when it is not there any more.
Result<UniqueFd> open_init(const Record& record) {
    GT_TRY_VAR(pidfd, sys::open_pidfd(record.pid));
    // The pidfd is of who had the pid at that moment.
    if (process_start_time(record.pid) != record.start_time) {
        return fail(Kind::kNotFound, "container not running");
    }
    return std::move(pidfd);
}

Result<> thaw_if_frozen(const Record& record) {
    GT_TRY_VAR(cgroup, cgroup_of(record));
    if (cgroup) {
        const auto frozen = cgroup->is_frozen();
        if (frozen && *frozen) {
            return cgroup->thaw();
        }
    }
    return {};
}

/// SIGKILL to everything of it, and waits until the first process is gone.
Result<> kill_container(const Record& record) {
    GT_TRY_VAR(cgroup, cgroup_of(record));
    auto init =
        record.pid != 0 ? open_init(record) : Result<UniqueFd>(fail(Kind::kNotFound, "no process"));
    if (init) {
        (void)sys::send_signal(init->get(), SIGKILL);
    }
    if (cgroup) {
        GT_TRY(cgroup->kill_all());
        GT_TRY(thaw_if_frozen(record));
    }
    if (init) {
        GT_TRY_VAR(gone, sys::wait_gone(init->get(), kKillPatienceMs));
        if (!gone) {
            return fail(Kind::kTimeout, "container init still running");
        }
    }
    return {};
}

/// 0 asks whether there is anybody.
Result<int> wanted_signal(const std::string& text) {
    return text == "0" ? Result<int>(0) : spec::parse_signal(text);
}

/// SIGKILL to a container whose pid namespace is another's: its processes do not die with the
/// first. kConflict if nobody is there.
Result<> kill_all_of(const Record& record, const sys::Cgroup& cgroup) {
    GT_TRY_VAR(processes, cgroup.processes());
    if (processes.empty()) {
        return fail(Kind::kConflict, "container not running");
    }
    GT_TRY(cgroup.kill_all());
    return thaw_if_frozen(record);
}

bool has_own_pids(const spec::oci::Config& config) {
    return std::ranges::any_of(config.linux.namespaces, [](const spec::oci::Namespace& entry) {
        return entry.type == "pid" && entry.path.empty();
    });
}

Result<int> kill(const Globals& globals, const CommandLine& line) {
    const auto& operands = line.operands();
    if (operands.empty() || operands.size() > 2) {
        return fail(Kind::kInvalid,
                    "\"kill\" requires a minimum of 1 and a maximum of 2 arguments");
    }
    GT_TRY_VAR(signal, wanted_signal(operands.size() == 2 ? operands[1] : "SIGTERM"));
    GT_TRY_VAR(record, globals.containers.load(operands[0]));
    GT_TRY_VAR(status, globals.containers.status(record));
    if (line.has("all")) {
        GT_TRY_VAR(cgroup, cgroup_of(record));
        if (cgroup) {
            GT_TRY_VAR(processes, cgroup->processes());
            for (const pid_t pid : processes) {
                (void)::kill(pid, signal);
            }
            if (status == Status::kPaused && signal == SIGKILL) {
                GT_TRY(cgroup->thaw());
            }
            return 0;
        }
    }
    if (signal == SIGKILL && status != Status::kCreating && !has_own_pids(record.config)) {
        GT_TRY_VAR(cgroup, cgroup_of(record));
        if (cgroup) {
            GT_TRY(kill_all_of(record, *cgroup));
            return 0;
        }
    }
    if (status == Status::kStopped || status == Status::kCreating) {
        return fail(Kind::kConflict, "container not running");
    }
    auto init = open_init(record);
    if (!init || !sys::send_signal(init->get(), signal)) {
        return fail(Kind::kConflict, "container not running");
    }
    if (signal == SIGKILL) {
        // A frozen process of cgroup v1 dies only when it runs again.
        GT_TRY(thaw_if_frozen(record));
    }
    return 0;
}

Result<int> remove(const Globals& globals, const CommandLine& line) {
    GT_TRY_VAR(id, container_operand(line, "delete"));
    const bool force = line.has("force");
    const auto exists = globals.containers.load(id);
    if (!exists) {
        if (force && exists.error().kind() == Kind::kNotFound) {
            return 0;
        }
        return Failure(Error(exists.error().kind(), exists.error().text()));
    }
    GT_TRY_VAR(lock, globals.containers.lock(id));
    (void)lock;
    GT_TRY_VAR(record, globals.containers.load(id));
    GT_TRY_VAR(status, globals.containers.status(record));
    // "creating" under the lock: its create has died.
    if (status == Status::kCreated || status == Status::kCreating || force) {
        GT_TRY(kill_container(record));
    } else if (status != Status::kStopped) {
        return fail(Kind::kConflict,
                    fmt::format("cannot delete container {} that is not stopped: {}", id,
                                status_name(status)));
    }
    GT_TRY(destroy(globals, record));
    return 0;
}

Result<sys::Cgroup> group_to_freeze(const Globals& globals, const Record& record, bool pause) {
    GT_TRY_VAR(status, globals.containers.status(record));
    if (pause && status != Status::kRunning && status != Status::kCreated) {
        return fail(Kind::kConflict, "container not running");
    }
    if (!pause && status != Status::kPaused) {
        return fail(Kind::kConflict, "container not paused");
    }
    GT_TRY_VAR(cgroup, cgroup_of(record));
    if (!cgroup) {
        return fail(Kind::kNotImplemented, "the container has no cgroup");
    }
    return std::move(*cgroup);
}

Result<int> pause(const Globals& globals, const CommandLine& line) {
    GT_TRY_VAR(id, container_operand(line, "pause"));
    GT_TRY_VAR(record, globals.containers.load(id));
    GT_TRY_VAR(cgroup, group_to_freeze(globals, record, true));
    GT_TRY(cgroup.freeze());
    return 0;
}

Result<int> resume(const Globals& globals, const CommandLine& line) {
    GT_TRY_VAR(id, container_operand(line, "resume"));
    GT_TRY_VAR(record, globals.containers.load(id));
    GT_TRY_VAR(cgroup, group_to_freeze(globals, record, false));
    GT_TRY(cgroup.thaw());
    return 0;
}

Result<int> refuse_checkpoint(const Globals& /*globals*/, const CommandLine& /*line*/) {
    return fail(Kind::kNotImplemented, "checkpoint and restore are not supported");
}

/// What a container without a mount namespace has mounted is in ours: each mount of its config, if
/// it is there.
void unmount_own(const spec::oci::Config& config) {
    std::vector<std::string> paths;
    for (const spec::oci::Mount& mount : config.mounts) {
        paths.push_back(config.root.path + mount.destination);
    }
    for (const auto* list : {&config.linux.masked_paths, &config.linux.readonly_paths}) {
        for (const std::string& path : *list) {
            paths.push_back(config.root.path + path);
        }
    }
    auto mounts = sys::read_mountinfo();
    if (!mounts) {
        log_warning(mounts.error().text());
        return;
    }
    std::ranges::reverse(*mounts);
    for (const sys::MountInfo& mount : *mounts) {
        if (std::ranges::find(paths, mount.mount_point) == paths.end()) {
            continue;
        }
        if (const auto detached = sys::detach_mount(mount.mount_point.c_str()); !detached) {
            log_warning(detached.error().text());
        }
    }
}

bool has_mount_namespace(const spec::oci::Config& config) {
    const auto& list = config.linux.namespaces;
    return std::ranges::find(list, "mount", &spec::oci::Namespace::type) != list.end();
}

}  // namespace

Result<> destroy(const Globals& globals, const Record& record) {
    GT_TRY(remove_group(record, kRemovePatience));
    if (!has_mount_namespace(record.config)) {
        unmount_own(record.config);
    }
    GT_TRY(globals.containers.remove(record.id));
    const spec::oci::State state = globals.containers.state(record, Status::kStopped);
    if (const auto run = run_hooks(record.config.hooks.poststop, state); !run) {
        log_warning(run.error().text());
    }
    return {};
}

Result<std::string> container_operand(const CommandLine& line, std::string_view command) {
    if (line.operands().size() != 1) {
        return fail(Kind::kInvalid, fmt::format("\"{}\" requires exactly 1 argument", command));
    }
    return line.operands()[0];
}

Result<> write_pid_file(const std::string& path, pid_t pid) {
    const size_t slash = path.rfind('/');
    const std::string dir = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    GT_TRY_VAR(dir_fd, sys::open_dir(dir.c_str()));
    return sys::replace_file(dir_fd.get(), name.c_str(), std::to_string(pid), 0644,
                             sys::Durability::kVolatile);
}

Result<int> preserved_fds(const CommandLine& line) {
    constexpr uint64_t kMost = 1024;
    const auto count = parse_uint(line.get("preserve-fds", "0"));
    if (!count || *count > kMost) {
        return fail(Kind::kInvalid, "invalid value for --preserve-fds");
    }
    for (int fd = 3; fd < 3 + static_cast<int>(*count); ++fd) {
        if (fcntl(fd, F_GETFD) < 0) {
            return fail(Kind::kInvalid,
                        fmt::format("--preserve-fds={}: descriptor {} is not open", *count, fd));
        }
    }
    return static_cast<int>(*count);
}

void add_lifecycle_commands(std::vector<Command>& commands) {
    auto add = [&](std::string_view name, std::string_view usage, std::string_view help,
                   std::vector<FlagRow> flags,
                   Result<int> (*run)(const Globals&, const CommandLine&)) {
        commands.push_back({name, usage, help, std::move(flags), Flags::kAnywhere, run});
    };
    add("kill", "<container-id> [signal]", "send a signal (default: SIGTERM) to the container",
        {{"all,a", Takes::kNothing, "send the signal to all processes inside the container"}},
        &kill);
    add("delete", "<container-id>", "delete what is left of a container",
        {{"force,f", Takes::kNothing, "kill the container if it still runs"}}, &remove);
    add("pause", "<container-id>", "suspend all processes inside the container", {}, &pause);
    add("resume", "<container-id>", "resume all processes that were paused", {}, &resume);
    add("checkpoint", "<container-id>", "not supported", {}, &refuse_checkpoint);
    add("restore", "<container-id>", "not supported", {}, &refuse_checkpoint);
}

}  // namespace gantry::standalone
