#include "engine/container/live_mounts.h"

#include <fmt/core.h>
#include <linux/mount.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <ranges>
#include <string_view>
#include <utility>

#include "base/failpoint.h"
#include "base/log.h"
#include "engine/container/live_source.h"
#include "engine/container/revision.h"
#include "engine/container/volume_use.h"
#include "sys/mount_editor.h"
#include "sys/namespace.h"
#include "sys/process.h"

namespace gantry::engine {

namespace {

using InUse = sys::MountEditor::InUse;

std::optional<PlannedMount> find_mount(const std::vector<PlannedMount>& mounts,
                                       std::string_view target) {
    const auto found = std::ranges::find(mounts, target, &PlannedMount::target);
    return found == mounts.end() ? std::nullopt : std::optional(*found);
}

bool same_mount(const std::optional<PlannedMount>& a, const std::optional<PlannedMount>& b) {
    return a.has_value() == b.has_value() &&
           (!a || format_mounts(std::span(&*a, 1)) == format_mounts(std::span(&*b, 1)));
}

std::set<std::string> targets_of(const std::vector<PlannedMount>& a,
                                 const std::vector<PlannedMount>& b) {
    std::set<std::string> targets;
    for (const auto* mounts : {&a, &b}) {
        for (const PlannedMount& plan : *mounts) {
            targets.insert(plan.target);
        }
    }
    return targets;
}

bool is_below(std::string_view path, std::string_view directory) {
    return path.size() > directory.size() && path.starts_with(directory) &&
           path[directory.size()] == '/';
}

bool is_tmpfs(const std::optional<PlannedMount>& plan) {
    return plan && plan->type == PlannedMount::Type::kTmpfs;
}

/// Where a container is given something when it starts unless its user mounts something else.
bool is_given_place(std::string_view target) {
    constexpr std::array<std::string_view, 10> kGiven = {
        "/dev", "/dev/console", "/dev/mqueue",   "/dev/pts",         "/dev/shm",
        "/sys", "/etc/hosts",   "/etc/hostname", "/etc/resolv.conf", "/sbin/docker-init",
    };
    return std::ranges::find(kGiven, target) != kGiven.end() || is_below(target, "/sys/fs");
}

/// Why what is at TARGET has to wait for the next start; "" if it need not. MOUNTED and NEXT are
/// what the process has and what it is to have.
std::string reason_to_wait(const std::string& target, const std::optional<PlannedMount>& gone,
                           const std::optional<PlannedMount>& come,
                           const std::vector<PlannedMount>& mounted,
                           const std::vector<PlannedMount>& next) {
    if (is_tmpfs(come) || is_tmpfs(gone)) {
        return "a tmpfs comes and goes with the container's processes";
    }
    if (come && !come->driver_options.empty()) {
        return "its volume is made with options of its own";
    }
    if (target == "/proc" || is_below(target, "/proc")) {
        return "it is inside /proc";
    }
    if (is_given_place(target)) {
        return "every container has something there";
    }
    for (const PlannedMount& plan : mounted) {
        if (is_below(plan.target, target) && find_mount(next, plan.target)) {
            return fmt::format("{} is mounted below it", plan.target);
        }
    }
    return {};
}

/// The mount namespace of the container's process; kConflict if that has ended.
Result<UniqueFd> namespace_of(const ContainerEntry& entry) {
    const auto ended = [&](std::string_view why) {
        return fail(Kind::kConflict,
                    fmt::format("container {} is not running{}", entry.id().str(), why));
    };
    const auto run = entry.run();
    if (run == nullptr) {
        return ended("");
    }
    auto ns = sys::open_namespace(run->shim.pid(), sys::Namespace::kMount);
    // SAFETY: the pid was still the container's when the namespace had been opened (S87).
    if (!ns || !sys::send_signal(run->shim.init_pidfd(), 0)) {
        return ended(ns ? "" : ": " + ns.error().text());
    }
    return ns;
}

}  // namespace

std::vector<LiveMounts::Step> LiveMounts::plan_steps(const ContainerSnapshot& before,
                                                     const ContainerRecord& next,
                                                     std::vector<std::string>& warnings) const {
    const std::vector<PlannedMount>& old = before.record->mounts;
    std::vector<Step> steps;
    for (const std::string& target : targets_of(old, next.mounts)) {
        const auto come = find_mount(next.mounts, target);
        const auto gone = find_mount(mounts_, target);
        // What waits already, and is not spoken of, goes on waiting.
        if (same_mount(find_mount(old, target), come) || same_mount(gone, come)) {
            continue;
        }
        std::string reason = reason_to_wait(target, gone, come, mounts_, next.mounts);
        if (reason.empty() && core_.id_map(next) != nullptr) {
            reason = "its owners are mapped when the container starts";
        }
        if (!reason.empty()) {
            warnings.push_back(fmt::format("{} changes at the next start: {}", target, reason));
            continue;
        }
        steps.push_back({.target = target, .gone = gone, .come = come});
    }
    return steps;
}

Result<> LiveMounts::open_sources() {
    std::vector<PlannedMount> coming;
    for (const Step& step : steps_) {
        if (step.come) {
            coming.push_back(*step.come);
        }
    }
    GT_TRY(check_propagations(coming));
    for (const volume::VolumeId& id : volumes_of(coming)) {
        if (volumes_of(mounts_).contains(id)) {
            continue;
        }
        // A volume that was made for this change is nobody's but ours yet, and may not be waited
        // for; it has no options (reason_to_wait()), so there is nothing to mount either.
        const volume::VolumePtr volume = core_.parts.volumes.get(id);
        if (volume == nullptr || volume->options.empty()) {
            core_.parts.volumes.adopt_mount(id, entry_.id());
        } else {
            GT_TRY(core_.parts.volumes.mount(id, entry_.id()));
        }
        taken_.insert(id);
    }
    for (Step& step : steps_) {
        if (step.come) {
            GT_TRY_VAR(source, open_live_source(core_, *before_->record, *step.come));
            step.source = std::move(source);
        }
    }
    return {};
}

Result<> LiveMounts::count_mounts() {
    return sys::MountEditor::edit(namespace_.get(), [&](sys::MountEditor& editor) -> Result<> {
        for (const Step& step : steps_) {
            GT_TRY_VAR(count, editor.count(step.target));
            counts_.push_back(count);
        }
        return {};
    });
}

/// DETACHED: what goes has gone.
Result<> LiveMounts::write_journal(bool detached) {
    Lifecycle life = before_->life;
    for (size_t i = 0; i < steps_.size(); ++i) {
        const bool less = detached && steps_[i].detached;
        life.touched_mounts.push_back({.target = steps_[i].target,
                                       .keep = counts_[i] - (less ? 1 : 0),
                                       .wanted = counts_[i]});
    }
    return core_.records.update(entry_.id(), life);
}

/// What the kernel or the container does not let us do now waits, if that is allowed.
Result<> LiveMounts::leave(Error error, const Step& step,
                           std::vector<std::string>& warnings) const {
    if (busy_ == Busy::kRefuse || error.kind() != Kind::kConflict) {
        return Failure(std::move(error));
    }
    warnings.push_back(fmt::format("{} changes at the next start: {}", step.target, error.text()));
    return {};
}

Result<> LiveMounts::detach_all(std::vector<std::string>& warnings) {
    return sys::MountEditor::edit(namespace_.get(), [&](sys::MountEditor& editor) -> Result<> {
        // ORDER: what lies below first.
        for (Step& step : std::views::reverse(steps_)) {
            if (!step.gone) {
                continue;
            }
            GT_FAILPOINT("container.mounts.detach");
            auto old = editor.detach(step.target, InUse::kRefuse);
            if (old) {
                step.old = std::move(*old);
                step.detached = true;
                continue;
            }
            GT_TRY(leave(std::move(old).error(), step, warnings));
            step.come.reset();
        }
        return {};
    });
}

Result<> LiveMounts::attach_all(std::vector<std::string>& warnings) {
    return sys::MountEditor::edit(namespace_.get(), [&](sys::MountEditor& editor) -> Result<> {
        for (Step& step : steps_) {
            if (!step.come) {
                continue;
            }
            GT_FAILPOINT("container.mounts.attach");
            auto attached = editor.attach(step.source.get(), step.target);
            step.attached = attached.has_value();
            if (!attached) {
                GT_TRY(leave(std::move(attached).error(), step, warnings));
            }
        }
        return {};
    });
}

Result<std::vector<PlannedMount>> LiveMounts::change(const ContainerSnapshot& before,
                                                     const ContainerRecord& next,
                                                     std::vector<std::string>& warnings) {
    mounts_ = mounts_of_run(before);
    steps_ = plan_steps(before, next, warnings);
    if (steps_.empty()) {
        return mounts_;
    }
    before_ = entry_.snapshot();
    GT_TRY_VAR(ns, namespace_of(entry_));
    namespace_ = std::move(ns);
    active_ = true;
    GT_TRY(open_sources());
    GT_TRY(count_mounts());
    GT_TRY(write_journal(/*detached=*/false));
    GT_TRY(detach_all(warnings));
    if (std::ranges::any_of(steps_, [](const Step& s) { return s.detached && s.come; })) {
        GT_TRY(write_journal(/*detached=*/true));
    }
    GT_TRY(attach_all(warnings));
    GT_FAILPOINT("container.mounts.done");
    std::vector<PlannedMount> now = mounts_;
    for (const Step& step : steps_) {
        if (step.detached) {
            std::erase_if(now, [&](const auto& plan) { return plan.target == step.target; });
        }
        if (step.attached) {
            now.push_back(*step.come);
        }
    }
    // In NEXT's order, so that the two are compared rightly.
    std::ranges::stable_sort(now, {}, [&](const PlannedMount& plan) {
        return std::ranges::find(next.mounts, plan.target, &PlannedMount::target) -
               next.mounts.begin();
    });
    return now;
}

void LiveMounts::give_back_volumes(const std::set<volume::VolumeId>& volumes) {
    unmount_volumes(core_, entry_.id(), volumes);
}

void LiveMounts::keep() {
    active_ = false;
    std::vector<PlannedMount> gone;
    std::vector<PlannedMount> come;
    for (const Step& step : steps_) {
        if (step.detached) {
            gone.push_back(*step.gone);
        }
        if (step.attached) {
            come.push_back(*step.come);
        }
    }
    publish_volume_unmounts(core_, entry_.id(), gone);
    publish_volume_mounts(core_, entry_.id(), come);
    // The copies keep what they show mounted.
    steps_.clear();
    std::set<volume::VolumeId> free = volumes_of(gone);
    for (const volume::VolumeId& id : volumes_of(mounts_of_run(*entry_.snapshot()))) {
        free.erase(id);
    }
    give_back_volumes(free);
}

void LiveMounts::undo() {
    const auto undone =
        sys::MountEditor::edit(namespace_.get(), [&](sys::MountEditor& editor) -> Result<> {
            for (Step& step : std::views::reverse(steps_)) {
                if (step.attached) {
                    GT_TRY(editor.detach(step.target, InUse::kLetGo));
                }
            }
            for (Step& step : steps_) {
                if (step.detached) {
                    GT_TRY(editor.attach(step.old.get(), step.target));
                }
            }
            return {};
        });
    if (!undone) {
        log::warn("cannot take back a change of mounts",
                  {{"container", entry_.id().str()}, {"error", undone.error().text()}});
    }
}

LiveMounts::~LiveMounts() {
    if (!active_) {
        return;
    }
    if (std::ranges::any_of(steps_, [](const Step& s) { return s.attached || s.detached; })) {
        undo();
    }
    if (const auto written = core_.records.update(entry_.id(), before_->life); !written) {
        log::warn("cannot forget an interrupted change of mounts",
                  {{"container", entry_.id().str()}, {"error", written.error().text()}});
    }
    steps_.clear();
    give_back_volumes(taken_);
}

namespace {

Result<> settle_mount(const ContainerCore& core, const ContainerEntry& entry,
                      const MountTouch& touch) {
    const SnapshotPtr snapshot = entry.snapshot();
    GT_TRY_VAR(ns, namespace_of(entry));
    size_t count = 0;
    GT_TRY(sys::MountEditor::edit(ns.get(), [&](sys::MountEditor& editor) -> Result<> {
        GT_TRY_VAR(found, editor.count(touch.target));
        count = found;
        return {};
    }));
    const size_t left = std::min(count, touch.keep);
    const auto old = find_mount(mounts_of_run(*snapshot), touch.target);
    UniqueFd source;
    if (left < touch.wanted && old) {
        GT_TRY_VAR(opened, open_live_source(core, *snapshot->record, *old));
        source = std::move(opened);
    }
    return sys::MountEditor::edit(ns.get(), [&](sys::MountEditor& editor) -> Result<> {
        for (size_t i = left; i < count; ++i) {
            GT_TRY(editor.detach(touch.target, InUse::kLetGo));
        }
        return source ? editor.attach(source.get(), touch.target) : Result<>();
    });
}

}  // namespace

void settle_mounts(ContainerCore& core, ContainerEntry& entry,
                   const ContainerEntry::Operation& operation) {
    const SnapshotPtr snapshot = entry.snapshot();
    if (snapshot->life.touched_mounts.empty()) {
        return;
    }
    for (const MountTouch& touch : snapshot->life.touched_mounts) {
        if (const auto settled = settle_mount(core, entry, touch); !settled) {
            log::warn("cannot take back an interrupted change of a mount",
                      {{"container", entry.id().str()}, {"error", settled.error().text()}});
        }
    }
    Lifecycle life = snapshot->life;
    life.touched_mounts.clear();
    record_life(core, entry, operation, std::move(life));
}

}  // namespace gantry::engine
