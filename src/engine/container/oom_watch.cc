#include "engine/container/oom_watch.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <utility>

#include "base/log.h"

namespace gantry::engine {

namespace {

/// v1 tells of a shortage before it kills, and again and again until the killed one is gone: looked
/// at a little later, the count is right.
constexpr std::chrono::milliseconds kSettling(100);

void drain(int fd) {
    std::array<char, 4096> buffer;
    while (::read(fd, buffer.data(), buffer.size()) > 0) {
    }
}

/// Tells of the kills that nobody was told of.
void look(ContainerCore& core, const EntryPtr& entry, const std::shared_ptr<ContainerRun>& run) {
    run->oom.pending = false;
    const auto kills = run->cgroup.oom_kill_count();
    if (!kills || *kills <= run->oom.told) {
        return;
    }
    const auto operation = entry->begin();
    Lifecycle life = entry->snapshot()->life;
    if (entry->run() != run || !life.alive() || run->oom.told.exchange(*kills) >= *kills) {
        return;  // the end of the run has told it, or another look
    }
    if (!life.oom_killed) {
        life.oom_killed = true;
        record_life(core, *entry, operation, std::move(life));
    }
    publish_event(core, *entry->snapshot(), "oom");
}

/// On the loop's thread.
void memory_ran_out(ContainerCore& core, const EntryPtr& entry,
                    const std::shared_ptr<ContainerRun>& run) {
    drain(run->oom.fd.get());
    if (run->oom.pending.exchange(true)) {
        return;
    }
    if (core.cgroups.layout().mode == sys::CgroupMode::kV2) {
        core.background.run([&core, entry, run] { look(core, entry, run); });
        return;
    }
    run->oom.delay.set(
        core.parts.loop.after(kSettling, [&core, entry, weak = std::weak_ptr<ContainerRun>(run)] {
            if (const auto alive = weak.lock()) {
                core.background.run([&core, entry, alive] { look(core, entry, alive); });
            }
        }));
}

}  // namespace

void watch_oom(ContainerCore& core, const EntryPtr& entry,
               const std::shared_ptr<ContainerRun>& run) {
    auto fd = run->cgroup.watch_oom();
    if (!fd) {
        if (core.support.memory) {
            log::debug("kills for want of memory will not be seen",
                       {{"container", entry->id().str()}, {"error", fd.error().text()}});
        }
        return;
    }
    run->oom.fd = std::move(*fd);
    // What an earlier daemon has told is told; what happened without one is not.
    if (entry->snapshot()->life.oom_killed) {
        run->oom.told = run->cgroup.oom_kill_count().value_or(0);
    }
    auto watch =
        core.parts.loop.watch(run->oom.fd.get(), EPOLLIN,
                              [&core, entry, weak = std::weak_ptr<ContainerRun>(run)](uint32_t) {
                                  if (const auto alive = weak.lock()) {
                                      memory_ran_out(core, entry, alive);
                                  }
                              });
    if (watch) {
        run->oom.watch.set(std::move(*watch));
    }
    if (run->cgroup.oom_kill_count().value_or(0) > run->oom.told) {
        core.background.run([&core, entry, run] { look(core, entry, run); });
    }
}

}  // namespace gantry::engine
