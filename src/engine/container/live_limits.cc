#include "engine/container/live_limits.h"

#include <cerrno>

#include "base/failpoint.h"
#include "base/log.h"
#include "engine/container/cgroup_limits.h"

namespace gantry::engine {

Result<> LiveLimits::change(const ContainerRecord& before, const ContainerRecord& next,
                            std::vector<std::string>& warnings) {
    const auto run = entry_.run();
    if (run == nullptr) {
        return {};
    }
    GT_FAILPOINT("container.update.apply");
    before_ = std::make_shared<const ContainerRecord>(before);
    next_ = std::make_shared<const ContainerRecord>(next);
    auto applied =
        run->cgroup.apply(limits_between(before.host.resources, next.host.resources), warnings);
    if (applied) {
        return {};
    }
    // The kernel's reasons are the request's fault: more is in use than it allows, or the value
    // does not exist here.
    const bool refused =
        applied.error().sys_errno() == EBUSY || applied.error().sys_errno() == EINVAL;
    return fail(refused ? Kind::kConflict : applied.error().kind(), applied.error().text());
}

LiveLimits::~LiveLimits() {
    const auto run = entry_.run();
    if (before_ == nullptr || run == nullptr) {
        return;
    }
    std::vector<std::string> ignored;
    const auto undone =
        run->cgroup.apply(limits_between(next_->host.resources, before_->host.resources), ignored);
    if (!undone) {
        log::warn("cannot undo a refused update",
                  {{"container", entry_.id().str()}, {"error", undone.error().text()}});
    }
}

}  // namespace gantry::engine
