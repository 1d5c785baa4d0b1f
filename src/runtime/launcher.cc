#include "runtime/launcher.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "base/scope_guard.h"
#include "runtime/id_maps.h"
#include "runtime/impl/foreign_plan.h"
#include "runtime/impl/shim_reaper.h"
#include "runtime/impl/shim_socket.h"
#include "runtime/plan_builder.h"
#include "runtime/seccomp_program.h"
#include "shim/plan.h"
#include "spec/oci/runtime.h"
#include "sys/files.h"
#include "sys/process.h"

namespace gantry::runtime {

namespace {

constexpr size_t kMaxShimSize = size_t{16} << 20;

Result<sys::Child> spawn_shim(int shim_fd, int listener, int plan, const LaunchOptions& options) {
    sys::SpawnRequest request;
    // By our own number: in the child, "self" has only what it is given.
    request.path = fmt::format("/proc/{}/fd/{}", getpid(), shim_fd);
    request.argv = {"gantry-shim", options.id.str()};
    request.session = sys::Session::kNew;
    const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null) {
        return fail_errno("/dev/null");
    }
    // Not our standard error: who reads that would wait for every container to end.
    for (int fd = 0; fd < 3; ++fd) {
        request.fds.push_back({null.get(), fd});
    }
    request.fds.push_back({listener, shim::kListenFd});
    request.fds.push_back({plan, shim::kPlanFd});
    int target = shim::kFirstPlanFd;
    for (const int fd : plan_fds(options)) {
        request.fds.push_back({fd, target++});
    }
    return sys::spawn(request);
}

Result<std::string> compile(const spec::oci::Config& config, const LaunchOptions& options) {
    if (options.foreign != nullptr) {
        return build_foreign_plan(config, options);
    }
    GT_TRY_VAR(filter, seccomp_program(config.linux.seccomp ? &*config.linux.seccomp : nullptr));
    return build_container_plan(config, options, filter);
}

}  // namespace

Launcher::Launcher() = default;
Launcher::Launcher(Launcher&&) noexcept = default;
Launcher& Launcher::operator=(Launcher&&) noexcept = default;
Launcher::~Launcher() = default;

Result<Launcher> Launcher::open(const std::string& shim_path) {
    GT_TRY_VAR(program, sys::read_file(shim_path.c_str(), kMaxShimSize));
    GT_TRY_VAR(memfd, sealed_memfd("gantry-shim", program));
    Launcher launcher;
    // A file that is open for writing cannot be executed (ETXTBSY).
    launcher.shim_.reset(
        ::open(fmt::format("/proc/self/fd/{}", memfd.get()).c_str(), O_RDONLY | O_CLOEXEC));
    if (!launcher.shim_) {
        return fail_errno(shim_path);
    }
    return launcher;
}

Result<ShimHandle> Launcher::launch(const spec::oci::Config& config,
                                    const LaunchOptions& given) const {
    remember_shim(UniqueFd());
    LaunchOptions options = given;
    std::vector<UniqueFd> idmaps;
    if (options.foreign == nullptr) {
        GT_TRY_VAR(made, make_idmaps(config));
        idmaps = std::move(made);
    }
    for (const UniqueFd& fd : idmaps) {
        options.idmap_fds.push_back(fd.get());
    }
    GT_TRY_VAR(bytes, compile(config, options));
    GT_TRY_VAR(plan, sealed_memfd("gantry-plan", bytes));
    GT_TRY_VAR(listener, listen_in(options.shim_dir));
    ScopeGuard cleanup([&] { (void)remove_shim_dir(options.shim_dir); });
    if (options.foreign != nullptr) {
        GT_TRY(write_bundle(config, options));
    }
    // ORDER: connected before the shim exists, so that it can tell a dead daemon from a slow one.
    GT_TRY_VAR(socket, connect_to(options.shim_dir));
    GT_TRY_VAR(child, spawn_shim(shim_.get(), listener.get(), plan.get(), options));
    ShimHandle handle;
    handle.socket_ = std::move(socket);
    handle.shim_pidfd_ = std::move(child.pidfd);
    // Its copy of the listener is the only one: if the shim dies, connecting fails.
    listener.reset();
    if (Result<> greeted = handle.greet(); !greeted) {
        // It ends by itself unless it hangs.
        if (greeted.error().kind() == Kind::kTimeout) {
            (void)sys::send_signal(handle.shim_pidfd_.get(), SIGKILL);
        }
        return Failure(std::move(greeted).error());
    }
    cleanup.commit();
    return handle;
}

}  // namespace gantry::runtime
