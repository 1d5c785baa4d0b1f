#include "engine/container/exit.h"

#include <fmt/core.h>
#include <sys/epoll.h>

#include <chrono>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "engine/container/health.h"
#include "engine/container/log_upkeep.h"
#include "engine/container/oom_watch.h"
#include "engine/container/remove.h"
#include "engine/container/restart_policy.h"
#include "engine/container/revision.h"
#include "engine/container/runtimes.h"
#include "engine/container/volume_use.h"
#include "net/networks.h"

namespace gantry::engine {

namespace {

/// How long the cleanup of one container waits for the last processes of its cgroup.
constexpr std::chrono::milliseconds kCgroupPatience(2000);

void submit_finish(ContainerCore& core, const EntryPtr& entry,
                   const std::shared_ptr<ContainerRun>& run, const runtime::Exit& exit) {
    core.background.run([&core, entry, run, exit] { finish_run(core, entry, run, exit, {}); });
}

/// The shim is gone and took the container with it, or never told how it ended.
void submit_lost(ContainerCore& core, const EntryPtr& entry,
                 const std::shared_ptr<ContainerRun>& run) {
    core.background.run([&core, entry, run] {
        // SAFETY: whatever outlived its shim must not run unwatched.
        if (const auto killed = run->cgroup.kill_all(); !killed) {
            log::warn("cannot kill what a lost shim has left",
                      {{"container", entry->id().str()}, {"error", killed.error().text()}});
        }
        const auto recorded = runtime::read_exit_record(core.container_dir(entry->id()));
        if (recorded && *recorded) {
            finish_run(core, entry, run, **recorded, {});
            return;
        }
        finish_run(core, entry, run, {.code = kUnknownExitCode, .time = wall_now()},
                   "the container's shim ended unexpectedly");
    });
}

/// One event of the shim, on the loop's thread. False: there are no more.
bool handle_event(ContainerCore& core, const EntryPtr& entry,
                  const std::shared_ptr<ContainerRun>& run, const runtime::Event& event) {
    switch (event.type) {
        case runtime::Event::Type::kExited:
            run->exit_seen = true;
            submit_finish(core, entry, run, event.exit);
            break;
        case runtime::Event::Type::kExecExited:
            run->execs.exited(event.exec, event.exit);
            // The answer takes a round trip, which the loop's thread must not wait for.
            core.background.run(
                [run, number = event.exec] { (void)run->shim.forget_exec(number); });
            break;
        case runtime::Event::Type::kDetached:
            publish_event(core, *entry->snapshot(), "detach");
            break;
        case runtime::Event::Type::kAttachClosed: break;
        case runtime::Event::Type::kAttachDropped:
            log::warn("an attached client did not read its output and was dropped",
                      {{"container", entry->id().str()}});
            break;
        case runtime::Event::Type::kLogRotated: compress_log(core, entry); break;
        case runtime::Event::Type::kLogDropped:
            log::warn("output of a container was not logged",
                      {{"container", entry->id().str()},
                       {"amount", fmt::format("{}", event.notify_id)},
                       {"error", std::strerror(event.error)}});
            break;
        case runtime::Event::Type::kGone:
            if (!run->exit_seen) {
                submit_lost(core, entry, run);
            }
            return false;
    }
    return true;
}

void receive_events(ContainerCore& core, const EntryPtr& entry,
                    const std::shared_ptr<ContainerRun>& run) {
    while (true) {
        auto event = run->shim.receive();
        if (!event) {
            log::warn("lost a container's shim",
                      {{"container", entry->id().str()}, {"error", event.error().text()}});
            run->watch.end();
            if (!run->exit_seen) {
                submit_lost(core, entry, run);
            }
            return;
        }
        if (!*event) {
            return;
        }
        if (!handle_event(core, entry, run, **event)) {
            run->watch.end();
            return;
        }
    }
}

std::string duration_in_seconds(const Lifecycle& life) {
    const auto lasted = life.finished_at - life.started_at;
    return fmt::format("{}", std::chrono::duration_cast<std::chrono::seconds>(lasted).count());
}

/// The exit as the container's state, with the next phase chosen.
Lifecycle ended_life(const ContainerCore& core, const ContainerEntry& entry,
                     const Lifecycle& before, const runtime::Exit& exit, std::string reason) {
    Lifecycle life = before;
    life.phase = before.phase == Phase::kDead ? Phase::kDead : Phase::kExited;
    life.pid = 0;
    life.exit_code = exit.code;
    life.error = std::move(reason);
    life.finished_at = exit.time;
    life.oom_killed = life.oom_killed || exit.oom_killed;
    life.endpoint.reset();
    life.ports.clear();
    life.shared_endpoint.reset();
    life.started_as.reset();
    life.touched_mounts.clear();
    if (life.health) {
        // COMPAT: where nothing is checked any more, Docker says unhealthy.
        auto health = std::make_shared<HealthState>(*life.health);
        health->status = HealthStatus::kUnhealthy;
        life.health = std::move(health);
    }
    const auto removal = entry.removal_claimed() ? RemovalPending::kYes : RemovalPending::kNo;
    // What ends with the daemon is the next one's to start: wants_boot_restart().
    if (!core.shutting_down && wants_restart(*entry.snapshot()->record, life, removal)) {
        life.phase = Phase::kRestarting;
        ++life.restart_count;
    }
    life.restart_wanted = false;
    return life;
}

void announce_exit(ContainerCore& core, const ContainerSnapshot& before,
                   const ContainerSnapshot& now) {
    if (now.life.oom_killed && !before.life.oom_killed) {
        publish_event(core, now, "oom");
    }
    publish_event(core, now, "die",
                  {{"execDuration", duration_in_seconds(now.life)},
                   {"exitCode", fmt::format("{}", now.life.exit_code)}});
    if (before.life.endpoint) {
        publish_network_event(core, now.record->id, *before.life.endpoint, "disconnect");
    }
    publish_volume_unmounts(core, now.record->id, mounts_of_run(before));
}

}  // namespace

Result<> watch_run(ContainerCore& core, const EntryPtr& entry,
                   const std::shared_ptr<ContainerRun>& run) {
    // The run owns the watch that calls back into it: a weak pointer, or they would keep each
    // other.
    auto watch = core.parts.loop.watch(
        run->shim.fd(), EPOLLIN, [&core, entry, weak = std::weak_ptr<ContainerRun>(run)](uint32_t) {
            if (const auto alive = weak.lock()) {
                receive_events(core, entry, alive);
            }
        });
    GT_TRY_VAR(handle, std::move(watch));
    run->watch.set(std::move(handle));
    core.background.run([&core, entry, run] { watch_oom(core, entry, run); });
    return {};
}

void flush_events(ContainerCore& core, const EntryPtr& entry,
                  const std::shared_ptr<ContainerRun>& run) {
    core.background.flush_loop([&core, entry, run] {
        if (run->watch.active()) {
            receive_events(core, entry, run);
        }
    });
}

namespace {

void release_network(ContainerCore& core, const ContainerId& id) {
    if (const auto released = core.parts.networks.release(id); !released) {
        log::warn("cannot give back a container's network",
                  {{"container", id.str()}, {"error", released.error().text()}});
    }
}

void release_shim(const ContainerEntry& entry, ContainerRun& run) {
    run.execs.close();
    if (const auto released = run.shim.release(); !released) {
        // It ends by itself when it finds us gone; a kGone is behind most of these.
        log::debug("cannot release a shim",
                   {{"container", entry.id().str()}, {"error", released.error().text()}});
    }
}

/// What is to be done about an ended run once it is announced.
enum class AfterExit { kNothing, kCleanUp, kRemove };

AfterExit commit_exit(ContainerCore& core, const EntryPtr& entry,
                      const std::shared_ptr<ContainerRun>& run, const runtime::Exit& exit,
                      std::string reason) {
    const auto operation = entry->begin();
    const SnapshotPtr before = entry->snapshot();
    const bool dead = before->life.phase == Phase::kDead;
    if (entry->run() != run || !(before->life.alive() || dead)) {
        return AfterExit::kNothing;
    }
    // ORDER: ports and address are free before anybody can learn of the exit, so that who waits for
    // it can publish the same port at once.
    release_network(core, entry->id());
    unmount_volumes(core, entry->id(), volumes_in_use(*before));
    entry->reopen_attaches();
    record_life(core, *entry, operation,
                ended_life(core, *entry, before->life, exit, std::move(reason)));
    const SnapshotPtr now = entry->snapshot();
    core.parts.volumes.hold(entry->id(), volumes_in_use(*now));
    announce_exit(core, *before, *now);
    const bool restarting = now->life.phase == Phase::kRestarting;
    fire_all(restarting ? entry->take_next_exit_waits() : entry->take_exited_waits(),
             {.exit_code = exit.code, .error = {}});
    if (run != nullptr) {
        release_shim(*entry, *run);
    }
    if (restarting) {
        schedule_restart(core, entry, operation);
    }
    const bool remove = dead || (now->record->host.auto_remove && !entry->user_restart());
    return remove ? AfterExit::kRemove : AfterExit::kCleanUp;
}

}  // namespace

void finish_run(ContainerCore& core, const EntryPtr& entry,
                const std::shared_ptr<ContainerRun>& run, const runtime::Exit& exit,
                std::string reason) {
    switch (commit_exit(core, entry, run, exit, std::move(reason))) {
        case AfterExit::kNothing: break;
        case AfterExit::kRemove: remove_ended(core, entry); break;
        case AfterExit::kCleanUp:
            core.background.run([&core, entry] {
                const auto operation = entry->begin();
                if (!entry->snapshot()->life.alive()) {
                    clean_up_run(core, *entry, operation);
                }
            });
            break;
    }
}

void clean_up_run(ContainerCore& core, ContainerEntry& entry,
                  const ContainerEntry::Operation& operation) {
    const auto run = entry.take_run(operation);
    if (!run) {
        return;
    }
    run->watch.end();
    run->oom.end();
    const spec::HostConfig& host = entry.snapshot()->record->host;
    if (!host.pid_mode.empty() || host.runtime != kOwnRuntime) {
        // In a pid namespace of its own the kernel has killed the rest with the first process,
        // which ends with its shim, unless another runtime made it.
        if (const auto killed = run->cgroup.kill_all(); !killed) {
            log::warn("cannot kill what a container has left in another's pid namespace",
                      {{"container", entry.id().str()}, {"error", killed.error().text()}});
        }
    }
    if (const auto removed = run->cgroup.remove(kCgroupPatience); !removed) {
        log::warn("a container's cgroup stays until the next start of the daemon",
                  {{"container", entry.id().str()}, {"error", removed.error().text()}});
    }
    if (const auto removed = runtime::remove_shim_dir(core.shim_dir(entry.id())); !removed) {
        log::warn("cannot remove a shim's directory",
                  {{"container", entry.id().str()}, {"error", removed.error().text()}});
    }
}

}  // namespace gantry::engine
