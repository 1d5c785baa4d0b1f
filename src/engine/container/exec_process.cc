#include "engine/container/exec_process.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "engine/container/config_merge.h"
#include "engine/container/hosts_files.h"
#include "engine/container/oci_config.h"
#include "sys/files.h"
#include "sys/process.h"
#include "sys/user_db.h"

namespace gantry::engine {

namespace {

Result<sys::UserDb> read_users(const ContainerRun& run) {
    if (run.root) {
        return sys::read_user_db(run.root.get());
    }
    // An adopted container: the mount is known to its processes only.
    GT_TRY_VAR(root, sys::open_dir(fmt::format("/proc/{}/root", run.shim.pid()).c_str()));
    // SAFETY: the pid was still the container's when the directory had been opened (S87).
    GT_TRY(sys::send_signal(run.shim.init_pidfd(), 0));
    return sys::read_user_db(root.get());
}

bool holds_nul(const std::vector<std::string>& words) {
    return std::any_of(words.begin(), words.end(), [](const std::string& word) {
        return word.find('\0') != std::string::npos;
    });
}

std::vector<std::string> exec_env(const ContainerRecord& record,
                                  const spec::ExecCreateRequest& request,
                                  const sys::UserIds& user) {
    spec::ContainerConfig config = record.config;
    config.tty = request.tty;
    std::vector<std::string> env =
        replace_env(process_env(config, effective_hostname(record)), request.env);
    if (std::none_of(env.begin(), env.end(),
                     [](const std::string& entry) { return entry.starts_with("HOME="); })) {
        env.push_back("HOME=" + user.home);
    }
    return env;
}

}  // namespace

Result<> check_exec_request(const spec::ExecCreateRequest& request) {
    if (request.cmd.empty()) {
        return fail(Kind::kInvalid, "No exec command specified");
    }
    if (holds_nul(request.cmd) || holds_nul(request.env)) {
        return fail(Kind::kInvalid, "the exec's command or environment holds a NUL byte");
    }
    for (const std::string& variable : request.env) {
        if (variable.empty() || variable.front() == '=') {
            return fail(Kind::kInvalid,
                        fmt::format("invalid environment variable: {}", variable.substr(0, 256)));
        }
    }
    if (!request.working_dir.empty() && !request.working_dir.starts_with('/')) {
        return fail(Kind::kInvalid,
                    fmt::format("the working directory '{}' is invalid, it needs to be an absolute "
                                "path",
                                request.working_dir.substr(0, 256)));
    }
    return {};
}

Result<spec::oci::Process> build_exec_process(const ContainerRecord& record,
                                              const ContainerRun& run,
                                              const spec::ExecCreateRequest& request,
                                              const spec::ExecStartRequest& start,
                                              const SecurityDefaults& defaults) {
    GT_TRY_VAR(users, read_users(run));
    const std::string& who = request.user.empty() ? record.config.user : request.user;
    GT_TRY_VAR(user, sys::resolve_user(users, who, record.host.group_add));
    GT_TRY_VAR(process,
               make_exec_process(
                   record, user,
                   request.privileged ? ExecPrivilege::kAll : ExecPrivilege::kContainer, defaults));
    process.terminal = request.tty;
    const auto& size = start.console_size ? start.console_size : request.console_size;
    if (request.tty && size && (*size)[0] != 0 && (*size)[1] != 0) {
        process.console_size = {.height = (*size)[0], .width = (*size)[1]};
    }
    process.args = request.cmd;
    process.env = exec_env(record, request, user);
    process.cwd = !request.working_dir.empty()         ? request.working_dir
                  : !record.config.working_dir.empty() ? record.config.working_dir
                                                       : "/";
    return std::move(process);
}

}  // namespace gantry::engine
