#include "shim/impl/plan_view.h"

namespace gantry::shim {

bool PlanView::holds(const Text& text) const {
    const uint64_t end = uint64_t{text.offset} + text.size;
    return end < header_->pool_size && pool_[end] == '\0';
}

PlanView PlanView::check(const void* data, uint64_t size) {
    // SAFETY: the mapping is page-aligned and sealed, so nothing changes after these checks.
    const auto* bytes = static_cast<const char*>(data);
    const auto* header = reinterpret_cast<const PlanHeader*>(bytes);
    if (size < sizeof(PlanHeader) || header->magic != kPlanMagic ||
        header->version != kPlanVersion || header->size != size) {
        return {};
    }
    const uint64_t steps_end = header->steps + uint64_t{header->step_count} * sizeof(Step);
    const uint64_t pool_end = uint64_t{header->pool} + header->pool_size;
    if (header->steps % alignof(Step) != 0 || header->steps < sizeof(PlanHeader) ||
        steps_end > size || pool_end > size || header->pool_size == 0) {
        return {};
    }
    PlanView plan;
    plan.header_ = header;
    plan.steps_ = reinterpret_cast<const Step*>(bytes + header->steps);
    plan.pool_ = bytes + header->pool;
    for (const Text* text :
         {&header->pid_namespace, &header->log_path, &header->log_attrs, &header->log_address,
          &header->log_head, &header->log_tag, &header->container_dir, &header->kill_command,
          &header->delete_command}) {
        if (!plan.holds(*text)) {
            return {};
        }
    }
    for (uint32_t i = 0; i < header->step_count; ++i) {
        const Step& step = plan.steps_[i];
        if (step.kind >= StepKind::kCount_ || !plan.holds(step.text[0]) ||
            !plan.holds(step.text[1]) || !plan.holds(step.text[2])) {
            return {};
        }
    }
    const uint32_t kept = header->tasks_fds + (header->has_v2_fd != 0) + (header->has_oom_fd != 0);
    if (header->tasks_fds > 64 || kept + (header->has_log_fd != 0) > header->fd_count ||
        header->fd_count > 256) {
        return {};
    }
    return plan;
}

}  // namespace gantry::shim
