#include "runtime/impl/plan_writer.h"

#include <cstring>

namespace gantry::runtime {

// Offset 0 of the pool is the empty text that unset fields refer to.
PlanWriter::PlanWriter() : pool_(1, '\0') {
    header_.magic = shim::kPlanMagic;
    header_.version = shim::kPlanVersion;
}

shim::Text PlanWriter::text(std::string_view bytes) {
    if (bytes.empty()) {
        return {0, 0};
    }
    // Groups and filters are read as numbers.
    pool_.resize((pool_.size() + 7) & ~size_t{7});
    const auto offset = static_cast<uint32_t>(pool_.size());
    pool_.append(bytes).push_back('\0');
    return {offset, static_cast<uint32_t>(bytes.size())};
}

shim::Text PlanWriter::strings(std::span<const std::string> list) {
    std::string bytes;
    for (const std::string& entry : list) {
        bytes.append(entry).push_back('\0');
    }
    return text(bytes);
}

shim::Step& PlanWriter::add(shim::StepKind kind) {
    shim::Step step = {};
    step.kind = kind;
    step.fd = -1;
    return steps_.emplace_back(step);
}

shim::Step& PlanWriter::add(shim::StepKind kind, std::string_view first, std::string_view second,
                            std::string_view third) {
    const shim::Text texts[3] = {text(first), text(second), text(third)};
    shim::Step& step = add(kind);
    std::memcpy(step.text, texts, sizeof texts);
    return step;
}

std::string PlanWriter::finish() {
    const size_t steps_size = steps_.size() * sizeof(shim::Step);
    header_.steps = sizeof header_;
    header_.step_count = static_cast<uint32_t>(steps_.size());
    header_.pool = static_cast<uint32_t>(sizeof header_ + steps_size);
    header_.pool_size = static_cast<uint32_t>(pool_.size());
    header_.size = header_.pool + header_.pool_size;
    std::string plan(header_.size, '\0');
    std::memcpy(plan.data(), &header_, sizeof header_);
    std::memcpy(plan.data() + header_.steps, steps_.data(), steps_size);
    std::memcpy(plan.data() + header_.pool, pool_.data(), pool_.size());
    return plan;
}

}  // namespace gantry::runtime
