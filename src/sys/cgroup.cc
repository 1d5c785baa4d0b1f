#include "sys/cgroup.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <thread>
#include <utility>

#include "base/text.h"
#include "sys/files.h"
#include "sys/impl/cgroup_dir.h"
#include "sys/impl/cgroup_limits.h"

namespace gantry::sys {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kFreezePatience{2000};

/// Calls ATTEMPT until it says true or PATIENCE is over. v1 cgroups have no event for "frozen" or
/// "empty", so this is one of the few places that looks again after a pause; pauses grow from a
/// quarter of a millisecond to eight.
template <class Attempt>
Result<bool> try_until(milliseconds patience, Attempt attempt) {
    const auto deadline = steady_clock::now() + patience;
    std::chrono::microseconds pause{250};
    for (;;) {
        GT_TRY_VAR(done, attempt());
        if (done || steady_clock::now() >= deadline) {
            return bool{done};
        }
        std::this_thread::sleep_for(pause);
        pause = std::min(2 * pause, std::chrono::microseconds{8000});
    }
}

bool is_missing(const Error& error) {
    return error.sys_errno() == ENOENT || error.sys_errno() == ENODEV;
}

/// The pids of a group and of all groups below it.
Result<> collect_processes(const std::string& mount_point, const std::string& path,
                           std::vector<pid_t>& pids) {
    auto dir = CgroupDir::open(mount_point, path);
    if (!dir) {
        return is_missing(dir.error()) ? Result<>{} : Failure(std::move(dir).error());
    }
    auto text = dir->read("cgroup.procs");
    if (!text) {
        return is_missing(text.error()) ? Result<>{} : Failure(std::move(text).error());
    }
    for (const std::string_view line : split(*text, '\n')) {
        // 0 stands for a process that this pid namespace cannot see.
        if (const auto pid = parse_int(line); pid && *pid > 0) {
            pids.push_back(static_cast<pid_t>(*pid));
        }
    }
    GT_TRY_VAR(children, dir->children());
    for (const std::string& child : children) {
        GT_TRY(collect_processes(mount_point, path + '/' + child, pids));
    }
    return {};
}

/// Removes a group and those below it. False while processes are still in one of them.
Result<bool> remove_groups(const std::string& mount_point, const std::string& path) {
    const std::string full = mount_point + path;
    if (::rmdir(full.c_str()) == 0 || errno == ENOENT) {
        return true;
    }
    if (errno != EBUSY && errno != ENOTEMPTY) {
        return fail_errno(fmt::format("rmdir {}", full));
    }
    auto dir = CgroupDir::open(mount_point, path);
    if (!dir) {
        return is_missing(dir.error()) ? Result<bool>(true) : Failure(std::move(dir).error());
    }
    GT_TRY_VAR(children, dir->children());
    if (children.empty()) {
        return false;
    }
    for (const std::string& child : children) {
        GT_TRY_VAR(gone, remove_groups(mount_point, path + '/' + child));
        if (!gone) {
            return false;
        }
    }
    return ::rmdir(full.c_str()) == 0 || errno == ENOENT;
}

/// The hierarchy that knows best who is in a group: the freezer's, where there is one, because
/// kill_all() works on it; any other otherwise.
const std::string& process_mount(const CgroupLayout& layout) {
    if (layout.mode == CgroupMode::kV2) {
        return layout.v2_mount_point;
    }
    const CgroupHierarchy* freezer = layout.find_v1("freezer");
    return freezer != nullptr ? freezer->mount_point : layout.v1.front().mount_point;
}

Result<CgroupDir> open_controller(const CgroupLayout& layout, const char* controller,
                                  const std::string& path) {
    if (layout.mode == CgroupMode::kV2) {
        return CgroupDir::open(layout.v2_mount_point, path);
    }
    const CgroupHierarchy* hierarchy = layout.find_v1(controller);
    if (hierarchy == nullptr) {
        return fail(Kind::kNotImplemented, fmt::format("the {} cgroup is not mounted", controller));
    }
    return CgroupDir::open(hierarchy->mount_point, path);
}

Result<bool> freezer_says(const CgroupLayout& layout, const CgroupDir& dir) {
    if (layout.mode == CgroupMode::kV2) {
        GT_TRY_VAR(frozen, dir.read_keyed("cgroup.events", "frozen"));
        return frozen == 1;
    }
    GT_TRY_VAR(state, dir.read("freezer.state"));
    return trim(state) == "FROZEN";
}

Result<> set_freezer(const CgroupLayout& layout, const CgroupDir& dir, bool frozen) {
    if (layout.mode == CgroupMode::kV2) {
        return dir.write("cgroup.freeze", frozen ? "1" : "0");
    }
    return dir.write("freezer.state", frozen ? "FROZEN" : "THAWED");
}

Result<size_t> signal_all(const CgroupLayout& layout, const std::string& path, int signal) {
    std::vector<pid_t> pids;
    GT_TRY(collect_processes(process_mount(layout), path, pids));
    for (const pid_t pid : pids) {
        if (::kill(pid, signal) < 0 && errno != ESRCH) {
            return fail_errno(fmt::format("kill {}", pid));
        }
    }
    return pids.size();
}

}  // namespace

Result<std::vector<UniqueFd>> Cgroup::tasks_fds() const {
    std::vector<UniqueFd> fds;
    for (const CgroupHierarchy& hierarchy : layout_->v1) {
        const std::string file = hierarchy.mount_point + path_ + "/tasks";
        GT_TRY_VAR(fd, open_file(AT_FDCWD, file.c_str(), O_WRONLY));
        fds.push_back(std::move(fd));
    }
    return fds;
}

Result<UniqueFd> Cgroup::v2_dir() const {
    if (layout_->mode != CgroupMode::kV2) {
        return UniqueFd();
    }
    return open_file(AT_FDCWD, (layout_->v2_mount_point + path_).c_str(), O_RDONLY | O_DIRECTORY);
}

Result<> Cgroup::apply(const CgroupLimits& limits, std::vector<std::string>& warnings) const {
    if (layout_->mode == CgroupMode::kV2) {
        GT_TRY_VAR(dir, CgroupDir::open(layout_->v2_mount_point, path_));
        return write_v2_limits(dir, limits, warnings);
    }
    for (const CgroupHierarchy& hierarchy : layout_->v1) {
        GT_TRY_VAR(dir, CgroupDir::open(hierarchy.mount_point, path_));
        for (const std::string& controller : hierarchy.controllers) {
            GT_TRY(write_v1_limits(controller, dir, limits, warnings));
        }
    }
    warn_of_missing_v1(*layout_, limits, warnings);
    return {};
}

Result<> Cgroup::freeze() const {
    GT_TRY_VAR(dir, open_controller(*layout_, "freezer", path_));
    // v1 forgets a process that was in the middle of an exec, and then stays at FREEZING until it
    // is told again: so each turn writes.
    auto frozen = try_until(kFreezePatience, [&]() -> Result<bool> {
        GT_TRY(set_freezer(*layout_, dir, true));
        return freezer_says(*layout_, dir);
    });
    if (frozen && *frozen) {
        return {};
    }
    (void)set_freezer(*layout_, dir, false);  // the first failure is the one to report
    if (!frozen) {
        return Failure(std::move(frozen).error());
    }
    return fail(Kind::kTimeout, fmt::format("{}: unable to freeze", path_));
}

Result<> Cgroup::thaw() const {
    GT_TRY_VAR(dir, open_controller(*layout_, "freezer", path_));
    return set_freezer(*layout_, dir, false);
}

Result<bool> Cgroup::is_frozen() const {
    GT_TRY_VAR(dir, open_controller(*layout_, "freezer", path_));
    return freezer_says(*layout_, dir);
}

Result<> Cgroup::kill_all() const {
    if (layout_->mode == CgroupMode::kV2) {
        auto dir = CgroupDir::open(layout_->v2_mount_point, path_);
        if (!dir) {
            return is_missing(dir.error()) ? Result<>{} : Failure(std::move(dir).error());
        }
        auto killed = dir->write("cgroup.kill", "1");
        if (killed || !is_missing(killed.error())) {
            return killed;
        }
        // Before Linux 5.14, or the group went away just now.
    }
    // ORDER: freeze, kill, thaw. Nobody can fork between our look at the list and the signal, and
    // no pid of the list can pass to a stranger.
    const auto frozen = freeze();
    if (frozen) {
        auto killed = signal_all(*layout_, path_, SIGKILL);
        GT_TRY(thaw());
        if (!killed) {
            return Failure(std::move(killed).error());
        }
        return {};
    }
    // No freezer, or somebody sits in an uninterruptible wait: kill until there is nobody new. A
    // fork bomb can win this race for a while, not for ever, since the killed ones stay killed.
    for (int turn = 0; turn < 32; ++turn) {
        GT_TRY_VAR(count, signal_all(*layout_, path_, SIGKILL));
        if (count == 0) {
            break;
        }
        std::this_thread::yield();
    }
    return {};
}

Result<std::vector<pid_t>> Cgroup::processes() const {
    std::vector<pid_t> pids;
    GT_TRY(collect_processes(process_mount(*layout_), path_, pids));
    return pids;
}

Result<uint64_t> Cgroup::oom_kill_count() const {
    GT_TRY_VAR(dir, open_controller(*layout_, "memory", path_));
    const bool v2 = layout_->mode == CgroupMode::kV2;
    return dir.read_keyed(v2 ? "memory.events" : "memory.oom_control", "oom_kill");
}

Result<UniqueFd> Cgroup::watch_oom() const {
    GT_TRY_VAR(dir, open_controller(*layout_, "memory", path_));
    if (layout_->mode == CgroupMode::kV2) {
        UniqueFd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
        const std::string file = dir.path() + "/memory.events";
        if (!watch || ::inotify_add_watch(watch.get(), file.c_str(), IN_MODIFY) < 0) {
            return fail_errno(fmt::format("watch {}", file));
        }
        return watch;
    }
    UniqueFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!event) {
        return fail_errno("eventfd");
    }
    GT_TRY_VAR(control, open_file(dir.fd(), "memory.oom_control", O_RDONLY));
    GT_TRY(dir.write("cgroup.event_control", fmt::format("{} {}", event.get(), control.get())));
    return event;
}

Result<> Cgroup::remove(milliseconds patience) const {
    std::vector<std::string> left;
    for (const CgroupHierarchy& hierarchy : layout_->v1) {
        left.push_back(hierarchy.mount_point);
    }
    if (layout_->mode == CgroupMode::kV2) {
        left.push_back(layout_->v2_mount_point);
    }
    GT_TRY_VAR(gone, try_until(patience, [&]() -> Result<bool> {
                   // Goes on past a group that is still busy; the first real error ends it.
                   std::vector<std::string> busy;
                   for (const std::string& mount_point : left) {
                       GT_TRY_VAR(removed, remove_groups(mount_point, path_));
                       if (!removed) {
                           busy.push_back(mount_point);
                       }
                   }
                   left = std::move(busy);
                   return left.empty();
               }));
    if (!gone) {
        return fail(Kind::kTimeout, fmt::format("cgroup {}: processes are still in it", path_));
    }
    return {};
}

}  // namespace gantry::sys
