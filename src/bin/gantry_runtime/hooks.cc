#include "bin/gantry_runtime/hooks.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

#include "base/text.h"
#include "base/unique_fd.h"
#include "spec/json.h"
#include "sys/files.h"
#include "sys/process.h"

namespace gantry::standalone {

namespace {

constexpr size_t kMaxOutput = 4096;

Result<UniqueFd> memory_file(const char* name) {
    UniqueFd fd(memfd_create(name, MFD_CLOEXEC));
    if (!fd) {
        return fail_errno("memfd_create");
    }
    return fd;
}

std::string output_of(int file) {
    std::string text(kMaxOutput, '\0');
    const ssize_t size = pread(file, text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<size_t>(size) : 0);
    return std::string(trim(text));
}

Result<> run_hook(const spec::oci::Hook& hook, const std::string& state) {
    GT_TRY_VAR(input, memory_file("state"));
    GT_TRY_VAR(output, memory_file("output"));
    GT_TRY(sys::write_all(input.get(), state));
    if (lseek(input.get(), 0, SEEK_SET) != 0) {
        return fail_errno("rewind the state");
    }
    sys::SpawnRequest request;
    request.path = hook.path;
    request.argv = hook.args.empty() ? std::vector<std::string>{hook.path} : hook.args;
    request.env = hook.env;
    request.fds = {{input.get(), 0}, {output.get(), 1}, {output.get(), 2}};
    auto spawned = sys::spawn(request);
    if (!spawned) {
        return fail(Kind::kInvalid,
                    fmt::format("error running hook {:?}: {}", hook.path, spawned.error().text()));
    }
    const int pidfd = spawned->pidfd.get();
    bool in_time = true;
    if (hook.timeout) {
        const int64_t limit = std::min<int64_t>(*hook.timeout, INT_MAX / 1000);
        GT_TRY_VAR(gone, sys::wait_gone(pidfd, static_cast<int>(limit * 1000)));
        in_time = gone;
        if (!in_time) {
            (void)sys::send_signal(pidfd, SIGKILL);
        }
    }
    GT_TRY_VAR(status, sys::wait_child(pidfd, sys::Wait::kBlock, sys::Reap::kYes));
    if (!in_time) {
        return fail(Kind::kTimeout,
                    fmt::format("error running hook {:?}: hook ran past specified timeout of {}.0s",
                                hook.path, *hook.timeout));
    }
    if (status->code != 0 || status->signal != 0) {
        return fail(Kind::kInternal,
                    fmt::format("error running hook {:?}: {} {}, stdout and stderr: {}", hook.path,
                                status->signal != 0 ? "signal" : "exit status",
                                status->signal != 0 ? status->signal : status->code,
                                output_of(output.get())));
    }
    return {};
}

}  // namespace

Result<> run_hooks(const std::vector<spec::oci::Hook>& hooks, const spec::oci::State& state) {
    const std::string text = spec::to_json(state);
    for (const spec::oci::Hook& hook : hooks) {
        GT_TRY(run_hook(hook, text));
    }
    return {};
}

runtime::StageOptions::HookInput hook_input(spec::oci::State state, const char* status) {
    state.status = status;
    state.pid = 0;
    std::string text = spec::to_json(state);
    // Into the object, behind the status that each has.
    const std::string mark = fmt::format("\"status\":\"{}\",", status);
    const size_t at = text.find(mark) + mark.size();
    return {text.substr(0, at) + "\"pid\":", "," + text.substr(at)};
}

}  // namespace gantry::standalone
